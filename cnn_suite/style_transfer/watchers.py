"""Observers of an optimisation: checkpoint, preview and video. Each is called after every iteration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.runtime.window import Window
from cnn_suite.style_transfer.checkpoint import write_checkpoint
from cnn_suite.style_transfer.progress_video import ProgressVideo
from cnn_suite.style_transfer.state import Progress

Finish = Callable[[np.ndarray], np.ndarray]  # the picture of any size as the result would show it
_EVERY_S = 5.0
_MOST_OF_THE_TIME = 20  # writing takes at most one part in so many
_SHOWN_EVERY_S = 0.2


class Checkpoints:
    """Keeps the file of a paused optimisation up to date: at once, then every few seconds.

    Args:
        path: The file.
        request: What the optimisation was asked for.
        clock: Seconds.
    """

    def __init__(self, path: Path, request: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._request, self._clock = request, clock
        self._due = -float("inf")

    def __call__(self, progress: Progress) -> bool:
        """Write where it is time; always True."""
        if self._clock() >= self._due:
            self.write(progress)
        return True

    def write(self, progress: Progress) -> None:
        """Write now."""
        began = self._clock()
        write_checkpoint(self.path, progress.state(), self._request)
        now = self._clock()
        self._due = now + max(_EVERY_S, _MOST_OF_THE_TIME * (now - began))


class Preview:
    """Shows the picture while it is painted; False when the user wants no more.

    Args:
        window: Where.
        finish: Makes what the optimisation gives what the result would show.
    """

    def __init__(self, window: Window, finish: Finish) -> None:
        self._window, self._finish = window, finish
        self._due = -float("inf")

    def __call__(self, progress: Progress) -> bool:
        """Show the picture where it is time, and listen to keys; space stops the work until it is pressed again."""
        if time.monotonic() >= self._due:
            self._window.show(self._finish(progress.picture()))
            self._due = time.monotonic() + _SHOWN_EVERY_S
        wants_more = self._window.poll()
        while wants_more and self._window.paused:
            wants_more = self._window.poll()
        return wants_more


class Film:
    """Puts the picture into a video, evenly along the way; always True.

    Args:
        video: The video.
        finish: Makes what the optimisation gives what the result would show.
    """

    def __init__(self, video: ProgressVideo, finish: Finish) -> None:
        self._video, self._finish = video, finish

    def __call__(self, progress: Progress) -> bool:
        """Add a frame where one is due."""
        if self._video.is_due(progress.share):
            self._video.write(self._finish(progress.picture()))
        return True
