"""One run of face recognition over a source: recognise, enrol, draw, write, and sum up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.draw import annotated
from cnn_suite.runtime.faces.face_watchers import Watcher
from cnn_suite.runtime.faces.recognition import RecognisedFaces
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.statistics import RunStatistics


@dataclass
class FaceRun:
    """The state of a run; everything in it is called on the main thread.

    Faces are looked at as the camera saw them, so that a person's left and right are what they are, whatever is shown.

    Args:
        watchers: Look at every frame in this order, such as a challenge and enrolment.
        mirror: Whether pictures are shown and written mirrored, and boxes are those of the mirrored picture.
        output: Takes annotated pictures and results.
    """

    watchers: Sequence[Watcher] = ()
    mirror: bool = False
    output: RunOutput = RunOutput()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        self._shown = Detections.empty()
        self._captions: list[str] = []
        self._said: list[str] = []

    def handle(self, result: Result[RecognisedFaces]) -> np.ndarray:
        """Takes one frame's faces through everything; returns the annotated picture."""
        frame, faces, named = result.frame, result.value, result.value.named
        self._said = [line for watcher in self.watchers for line in watcher(frame, faces)]
        each = faces.records()
        for watcher in self.watchers:
            each = [{**told, **further} for told, further in zip(each, watcher.records(faces), strict=True)]
        if self.mirror:
            frame, named = frame.mirrored(), named.mirrored(frame.image_rgb.shape[1])
        self._shown, self._captions = named, [match.caption for match in faces.matches]
        self.statistics.add(named, result.latency_s)
        picture = self._drawn(frame)
        self.output.take(frame, named, picture, self.statistics, each=each)
        return picture

    def redraw(self, frame: Frame) -> np.ndarray:
        """A frame with what was found last drawn on it."""
        return self._drawn(frame.mirrored() if self.mirror else frame)

    def _drawn(self, frame: Frame) -> np.ndarray:
        overlay = (*self._said, self.statistics.overlay())
        return annotated(frame.image_rgb, self._shown, overlay=overlay, captions=self._captions)

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        said = [line for watcher in self.watchers for line in watcher.summary()]
        return [*self.statistics.summary(dropped=dropped), *said]
