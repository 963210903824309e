"""How a picture came to be, as a video: the same number of frames for every part of the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.video_sink import VideoSink
from cnn_suite.style_transfer.scales import fitted_size_hw, resized

FRAME_RATE = 25.0
_SECONDS, _STILL_SECONDS = 8, 2  # of the way, and of the finished picture at its end
_LONGEST_SIDE = 1280


class ProgressVideo:
    """A video that is whole, under its name, after `close`; without `close` there is none.

    Args:
        path: The file; its suffix chooses the container.
        size_hw: The size of the finished picture: smaller ones before it are enlarged.

    Raises:
        cnn_suite.runtime.sinks.SinkError: If it cannot be written.
    """

    def __init__(self, path: Path, size_hw: tuple[int, int]) -> None:
        self._temporary = path.with_name(f".{path.stem}.part{path.suffix}")
        self._sink = VideoSink(self._temporary, FRAME_RATE)
        self.path = path.with_suffix(self._sink.path.suffix)  # another one where OpenCV cannot write the first
        self._temporary = self._sink.path
        self._size_hw = fitted_size_hw(size_hw, min(max(size_hw), _LONGEST_SIDE))
        self._written = 0
        self._last: np.ndarray | None = None

    def is_due(self, share: float) -> bool:
        """Whether a frame belongs here.

        Args:
            share: How much of the way is behind, 0 to 1.
        """
        return self._written <= share * _SECONDS * FRAME_RATE

    def write(self, picture_rgb: np.ndarray) -> None:
        """Add one frame."""
        self._last = resized(picture_rgb, self._size_hw)
        self._sink.write(Frame(self._written, self._last, "", 0.0), Detections.empty(), self._last)
        self._written += 1

    def close(self, finished_rgb: np.ndarray | None = None) -> None:
        """Show the finished picture for a while, and give the file its name."""
        for _ in range(int(_STILL_SECONDS * FRAME_RATE)):
            if finished_rgb is not None:
                self.write(finished_rgb)
        self._sink.close()
        if self._written:
            self._temporary.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._sink.close()
        self._temporary.unlink(missing_ok=True)
