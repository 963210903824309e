"""The main loop of an app: takes results in order, and keeps the window alive and up to date meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import numpy as np

from cnn_suite.runtime.channel import Ended
from cnn_suite.runtime.interrupts import signals_held_back
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Pipeline, Result
from cnn_suite.runtime.statistics import RunStatistics
from cnn_suite.runtime.window import Window

T = TypeVar("T")
_TICK_S = 0.005
_LATE_S = 0.5


def run_loop(
    pipeline: Pipeline[T],
    handle: Callable[[Result[T]], np.ndarray],
    *,
    redraw: Callable[[Frame], np.ndarray],
    window: Window | None = None,
    max_frames: int | None = None,
) -> None:
    """Processes every result until the source ends, the user quits, or `max_frames` results are processed.

    Args:
        pipeline: A started pipeline.
        handle: Records and draws one result; its picture is shown.
        redraw: Draws what was last found on a newer frame; so a live picture never waits for a slow model.
        window: Where to show pictures; None to run without one, as fast as possible.
        max_frames: The most results to handle.

    Raises:
        Exception: The fault that ended the source or the work, after the last result was handled.
    """
    clock = _Clock(pipeline.source.frame_rate, waits=window is not None and not pipeline.source.live)
    shown = -1
    done = 0
    while max_frames is None or done < max_frames:
        ready = window is None or (not window.paused and clock.is_due())
        try:
            result = pipeline.take(None if window is None else _TICK_S) if ready else None
        except Ended:
            break
        if result is not None:
            with signals_held_back():
                picture = handle(result)
            done += 1
            clock.advance()
        if window is None:
            continue
        newest = pipeline.newest
        if pipeline.source.live and not window.paused and newest is not None and newest.index != shown:
            shown = newest.index
            window.show(redraw(newest))
        elif result is not None and not pipeline.source.live:
            window.show(picture)
        if not window.poll():
            return
    if window is not None and pipeline.source.still and done:
        _hold(window)


class Run(Protocol[T]):
    """What an app does with its results."""

    statistics: RunStatistics
    output: RunOutput

    def handle(self, result: Result[T]) -> np.ndarray:
        """Records and draws one result."""

    def redraw(self, frame: Frame) -> np.ndarray:
        """Draws what was last found on a newer frame."""

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""


def run_to_the_end(
    pipeline: Pipeline[T], run: Run[T], *, window: Window | None, max_frames: int | None, quiet: bool
) -> None:
    """Runs an app until its source, its user or `max_frames` ends it; closes everything and prints the summary.

    Args:
        pipeline: Not yet started.
        run: What is done with the results.
        window: Where to show pictures; None to run without one.
        max_frames: The most results to handle.
        quiet: No summary.
    """
    try:
        with suppress(KeyboardInterrupt), pipeline:  # Ctrl-C is the usual end of a camera without a window
            run_loop(pipeline, run.handle, redraw=run.redraw, window=window, max_frames=max_frames)
    finally:
        run.output.close()
        if window is not None:
            window.close()
        if not quiet and run.statistics.frames:
            print(*run.summary(dropped=pipeline.dropped), *run.output.written(), sep="\n")


def _hold(window: Window) -> None:
    """A picture stays until the user has seen enough of it."""
    while window.poll():
        time.sleep(_TICK_S)


class _Clock:
    """Says when the next frame of a file is due, so that it plays at its own speed."""

    def __init__(self, frame_rate: float, *, waits: bool) -> None:
        self._step_s = 1 / frame_rate
        self._waits = waits
        self._due_s = 0.0

    def is_due(self) -> bool:
        return not self._waits or time.monotonic() >= self._due_s

    def advance(self) -> None:
        now_s = time.monotonic()
        self._due_s = self._due_s + self._step_s if now_s - self._due_s < _LATE_S else now_s + self._step_s
