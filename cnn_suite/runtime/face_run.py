"""One run of face recognition over a source: recognise, enrol, draw, write, and sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cnn_suite.runtime.draw import annotated
from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.recognition import RecognisedFaces
from cnn_suite.runtime.records import RecordSink
from cnn_suite.runtime.sinks import PictureSink, close_all
from cnn_suite.runtime.statistics import ProgressLine, RunStatistics

Watcher = Callable[[Frame, RecognisedFaces], Sequence[str]]  # what to write into the corner of the picture


@dataclass
class FaceRun:
    """The state of a run; everything in it is called on the main thread.

    Args:
        pictures: Take the annotated pictures.
        records: Take the results.
        watchers: Look at every frame, such as enrolment or a challenge, and say what is to be read in the picture.
        progress: Shows how far the run is.
    """

    pictures: Sequence[PictureSink] = ()
    records: Sequence[RecordSink] = ()
    watchers: Sequence[Watcher] = ()
    progress: ProgressLine | None = None
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
        for record in self.records:
            record.write(frame, named, {}, faces.records())
        picture = self.redraw(frame)
        for sink in self.pictures:
            sink.write(frame, named, picture)
        if self.progress is not None:
            self.progress.update(self.statistics.frames, self.statistics.frame_rate)
        return picture

    def redraw(self, frame: Frame) -> np.ndarray:
        """A frame with what was found last drawn on it."""
        overlay = (*self._said, self.statistics.overlay())
        if self._latest is None:
            return frame.image_rgb
        captions = [match.caption for match in self._latest.matches]
        return annotated(frame.image_rgb, self._latest.named, overlay=overlay, captions=captions)

    def close(self) -> None:
        """Closes every file, so that what was written can be read and played."""
        if self.progress is not None:
            self.progress.close()
        close_all([*self.pictures, *self.records])

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        files = [str(sink.path) for sink in self.pictures] + [str(sink.path) for sink in self.records]
        written = [f"written: {', '.join(files)}"] if files and self.statistics.frames else []
        return [*self.statistics.summary(dropped=dropped), *written]
