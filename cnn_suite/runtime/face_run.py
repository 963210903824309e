"""One run of face recognition over a source: recognise, enrol, draw, write, and sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cnn_suite.runtime.draw import annotated
from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.recognition import RecognisedFaces
from cnn_suite.runtime.run_output import RunOutput
from cnn_suite.runtime.statistics import RunStatistics

Watcher = Callable[[Frame, RecognisedFaces], Sequence[str]]  # what to write into the corner of the picture


@dataclass
class FaceRun:
    """The state of a run; everything in it is called on the main thread.

    Args:
        watchers: Look at every frame, such as enrolment or a challenge, and say what is to be read in the picture.
        output: Takes annotated pictures and results.
    """

    watchers: Sequence[Watcher] = ()
    output: RunOutput = RunOutput()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        self._latest: RecognisedFaces | None = None
        self._said: list[str] = []

    def handle(self, result: Result[RecognisedFaces]) -> np.ndarray:
        """Takes one frame's faces through everything; returns the annotated picture."""
        frame, faces = result.frame, result.value
        self._latest = faces
        named = faces.named
        self.statistics.add(named, result.latency_s)
        self._said = [line for watcher in self.watchers for line in watcher(frame, faces)]
        picture = self.redraw(frame)
        self.output.take(frame, named, picture, self.statistics, each=faces.records())
        return picture

    def redraw(self, frame: Frame) -> np.ndarray:
        """A frame with what was found last drawn on it."""
        overlay = (*self._said, self.statistics.overlay())
        if self._latest is None:
            return frame.image_rgb
        captions = [match.caption for match in self._latest.matches]
        return annotated(frame.image_rgb, self._latest.named, overlay=overlay, captions=captions)

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        return self.statistics.summary(dropped=dropped)
