"""One run of a detector over a source: detect, track, count, draw, write, and sum up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter
from cnn_suite.runtime.detection.detector import Detector
from cnn_suite.runtime.detection.explain import explain
from cnn_suite.runtime.detection.tracker import IouTracker
from cnn_suite.runtime.draw import annotated
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.statistics import RunStatistics

_EXPLAIN_EVERY_S = 1.0


@dataclass(frozen=True)
class Thresholds:
    """What the user asked for; None means the model's own."""

    confidence: float | None = None
    iou: float | None = None
    max_detections: int | None = None


@dataclass
class DetectionRun:
    """The state of a run. `detect` is called on the work thread, everything else on the main thread.

    Args:
        detector: The model.
        thresholds: Given to the detector.
        tracker: Gives ids; needed for lines.
        lines: Counted and drawn.
        zones: Counted and drawn.
        explains: Whether to print why nothing was found, about once a second of the source.
        output: Takes annotated pictures and results.
    """

    detector: Detector
    thresholds: Thresholds = Thresholds()
    tracker: IouTracker | None = None
    lines: Sequence[LineCounter] = ()
    zones: Sequence[ZoneCounter] = ()
    explains: bool = False
    output: RunOutput = RunOutput()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        self._latest = Detections.empty(self.detector.labels)
        self._explain_next_s = 0.0

    def detect(self, frame: Frame) -> Detections:
        """What the model finds in one frame."""
        asked = self.thresholds
        found = self.detector(frame.image_rgb, asked.confidence, asked.iou, asked.max_detections)
        if self.explains and not len(found) and (frame.time_s >= self._explain_next_s or frame.time_s == 0):
            self._explain_next_s = frame.time_s + _EXPLAIN_EVERY_S
            reason = explain(self.detector, frame.image_rgb, asked.confidence, asked.iou, asked.max_detections)
            print(f"frame {frame.index} of {frame.source}", *reason.lines(), sep="\n", file=sys.stderr)
        return found

    def handle(self, result: Result[Detections]) -> np.ndarray:
        """Takes one frame's detections through everything; returns the annotated picture."""
        frame, found = result.frame, result.value
        if self.tracker is not None:
            found = self.tracker(found)
        size_hw = (frame.image_rgb.shape[0], frame.image_rgb.shape[1])
        for line in self.lines:
            line.update(found, size_hw)
        for zone in self.zones:
            zone.update(found, size_hw)
        self._latest = found
        self.statistics.add(found, result.latency_s)
        counts = {"lines": [line.as_dict() for line in self.lines], "zones": [zone.as_dict() for zone in self.zones]}
        picture = self.redraw(frame)
        more = {name: values for name, values in counts.items() if values}
        self.output.take(frame, found, picture, self.statistics, more)
        return picture

    def redraw(self, frame: Frame) -> np.ndarray:
        """A frame with what was found last drawn on it."""
        overlay = (self.statistics.overlay(),)
        return annotated(frame.image_rgb, self._latest, lines=self.lines, zones=self.zones, overlay=overlay)

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        lines = self.statistics.summary(dropped=dropped)
        if not self.statistics.found and not self.explains:
            lines.append("To see why: --explain")
        for number, line in enumerate(self.lines, 1):
            lines.append(f"line {number}: {line.to_right} to the right, {line.to_left} to the left")
        for number, zone in enumerate(self.zones, 1):
            tracked = f", {zone.visitors} different objects" if self.tracker is not None else ""
            lines.append(f"zone {number}: {zone.most} inside at most{tracked}")
        return lines
