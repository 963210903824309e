"""Flicker: how much a painted video changes where the original scene does not.

Each painted frame is compared with its predecessor, warped along the flow of the ORIGINAL frames, over the pixels whose
flow is reliable. The metric is the mean absolute difference of the colours in 0..255: 0 is perfectly steady, 1 is
one grey level per frame. Lai et al. square the difference in their warping error; the absolute one, their training loss
(equation 2), is in grey levels and is not dominated by a few edges.

Source: Lai et al. 2018, Learning Blind Video Temporal Consistency (warping error); mask of Ruder et al. 2016.
"""

from __future__ import annotations

import cv2
import numpy as np

from cnn_suite.runtime.style.optical_flow import Motion, warped

_LEAST_TRUSTED = 0.1  # of a frame; what matches over a cut does so by accident


class Flicker:
    """Adds up over the frames of a video."""

    def __init__(self) -> None:
        self.frames: list[float] = []
        self._before: np.ndarray | None = None

    @property
    def mean(self) -> float | None:
        """The mean over the frames, 0..255; None before the second frame of a scene."""
        return float(np.mean(self.frames)) if self.frames else None

    def add(self, picture_rgb: np.ndarray, motion: Motion | None) -> float | None:
        """Takes the next painted frame.

        Args:
            picture_rgb: `uint8 (height, width, 3)`.
            motion: Between the original frames of this picture and of the one before; None if a scene begins.

        Returns:
            The flicker of this frame, 0..255; None if a scene begins or too little can be compared.
        """
        before, self._before = self._before, picture_rgb
        if before is None or motion is None:
            return None
        value = flicker_between(before, picture_rgb, motion)
        if value is not None:
            self.frames.append(value)
        return value


def flicker_between(earlier_rgb: np.ndarray, later_rgb: np.ndarray, motion: Motion) -> float | None:
    """The flicker of one pair of painted frames.

    Args:
        earlier_rgb: Painted frame, `uint8 (height, width, 3)`.
        later_rgb: The next one, the same shape.
        motion: Between the original frames.

    Returns:
        0..255; None if the flow can be trusted on less than a tenth of the frame, as at a cut.
    """
    trusted = (motion.trusted > 0.5).astype(np.uint8)
    if trusted.mean() < _LEAST_TRUSTED:
        return None
    apart = cv2.absdiff(later_rgb, warped(earlier_rgb, motion.backward))
    return float(np.mean(cv2.mean(apart, trusted)[:3]))
