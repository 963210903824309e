"""How a picture came to be, as a video: the same number of frames for every part of the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnn_suite.runtime.media.picture_arrays import fitted_size_hw, resized
from cnn_suite.style_transfer.output_files import WholeVideo

FRAME_RATE = 25.0
_SECONDS, _STILL_SECONDS = 8, 2  # of the way, and of the finished picture at its end
_LONGEST_SIDE = 1280


class ProgressVideo:
    """A video that is whole, under its name, after `close`; without `close` there is none.

    Args:
        path: The file; its suffix chooses the container.
        size_hw: The size of the finished picture: smaller ones before it are enlarged.

    Raises:
        cnn_suite.runtime.media.output_paths.SinkError: If it cannot be written.
    """

    def __init__(self, path: Path, size_hw: tuple[int, int]) -> None:
        self._video = WholeVideo(path, FRAME_RATE)
        self.path = self._video.path
        self._size_hw = fitted_size_hw(size_hw, min(max(size_hw), _LONGEST_SIDE))

    def is_due(self, share: float) -> bool:
        """Whether a frame belongs here.

        Args:
            share: How much of the way is behind, 0 to 1.
        """
        return self._video.frames <= share * _SECONDS * FRAME_RATE

    def write(self, picture_rgb: np.ndarray) -> None:
        """Add one frame."""
        self._video.write(resized(picture_rgb, self._size_hw))

    def close(self, finished_rgb: np.ndarray | None = None) -> None:
        """Show the finished picture for a while, and give the file its name."""
        for _ in range(int(_STILL_SECONDS * FRAME_RATE)):
            if finished_rgb is not None:
                self.write(finished_rgb)
        self._video.close()

    def discard(self) -> None:
        """Leave nothing behind where it was not closed."""
        self._video.discard()
