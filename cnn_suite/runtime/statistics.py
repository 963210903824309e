"""Statistics of a run: frames, speed, latency, and detections per class."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque

import numpy as np

from cnn_suite.results import Detections

_WINDOW = 30  # frames over which the rate on the screen is taken
_SILENT_S, _EVERY_S = 2.0, 0.2


class RunStatistics:
    """Counts while a run continues, and says it in words at the end."""

    def __init__(self) -> None:
        self.frames = 0
        self.found: Counter[str] = Counter()
        self.frames_with: Counter[str] = Counter()
        self._tracks: dict[str, set[int]] = {}
        self._latencies_s: list[float] = []
        self._times_s: deque[float] = deque(maxlen=_WINDOW)
        self._start_s = time.perf_counter()

    def add(self, detections: Detections, latency_s: float) -> None:
        """Takes one frame's results."""
        self.frames += 1
        self._latencies_s.append(latency_s)
        self._times_s.append(time.perf_counter())
        names = detections.names
        self.found.update(names)
        self.frames_with.update(set(names))
        ids = [] if detections.track_id is None else detections.track_id.tolist()
        for name, track_id in zip(names, ids, strict=False):
            if track_id >= 0:
                self._tracks.setdefault(name, set()).add(track_id)

    @property
    def frame_rate(self) -> float:
        """Frames per second over the last frames; 0 before the second one."""
        span_s = self._times_s[-1] - self._times_s[0] if len(self._times_s) > 1 else 0.0
        return (len(self._times_s) - 1) / span_s if span_s else 0.0

    @property
    def seconds(self) -> float:
        """Seconds from the beginning of the run to its last frame."""
        return (self._times_s[-1] if self._times_s else time.perf_counter()) - self._start_s

    def overlay(self) -> str:
        """One line for the corner of the picture."""
        latency_ms = 1000 * float(np.mean(self._latencies_s[-_WINDOW:])) if self._latencies_s else 0.0
        rate = f"{self.frame_rate:.0f} frames/s  " if len(self._times_s) > 4 else ""
        return f"{rate}model {latency_ms:.1f} ms"

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The whole run in a few lines."""
        seconds = self.seconds
        word = "frame" if self.frames == 1 else "frames"
        lines = [f"{self.frames} {word} in {seconds:.2f} s: {self.frames / seconds:.1f} frames per second"]
        if dropped:
            lines[0] += f" ({dropped} older camera frames dropped)"
        if self._latencies_s:
            median_ms, p95_ms = (1000 * np.percentile(self._latencies_s, q) for q in (50, 95))
            lines.append(f"model latency: median {median_ms:.1f} ms, 95th percentile {p95_ms:.1f} ms")
        for name, count in self.found.most_common():
            tracked = f", {len(self._tracks[name])} tracked" if name in self._tracks else ""
            frames = self.frames_with[name]
            lines.append(f"found {name}: {count} in {frames} {'frame' if frames == 1 else 'frames'}{tracked}")
        return lines if self.found else [*lines, "found nothing"]


class ProgressLine:
    """A line on the terminal that counts frames; nothing in the first 2 s, and nothing if stderr is not a terminal."""

    def __init__(self, total: int | None, *, quiet: bool = False) -> None:
        self._total = total
        self._on = not quiet and sys.stderr.isatty()
        self._next_s = time.monotonic() + _SILENT_S
        self._width = 0

    def update(self, frames: int, frame_rate: float) -> None:
        """Writes the line again, at most five times per second."""
        if not self._on or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        bar = ""
        if self._total:
            filled = min(20, 20 * frames // self._total)
            bar = f"[{'#' * filled}{'.' * (20 - filled)}] "
        text = f"{bar}{frames}{f' of {self._total}' if self._total else ''} frames, {frame_rate:.1f} per second"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def close(self) -> None:
        """Clears the line."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0
