"""Painted video without flicker: every frame is blended with the previous one, warped by the optical flow.

    out(t) = s(t) + w (warp(out(t-1)) - s(t)),    w = blend * trust

s(t) is what the network paints for frame t alone. Trust is 0 if the flow fails its checks (`optical_flow.occlusion`)
and falls with the difference between the frame and its warped predecessor, so that nothing is carried to where the
scene has changed, which would leave ghosts. At a cut everything starts again.

Source: the mask of Ruder et al. 2016, Artistic style transfer for videos, equations 5 and 6; the weight
exp(-50 |I(t) - warp(I(t-1))|^2) of Lai et al. 2018, Learning Blind Video Temporal Consistency, equation 2.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from cnn_suite.runtime.style.optical_flow import LONGEST_SIDE, Motion, motion_between, warped

BLEND = 0.8
_MISMATCH_RATE = 50.0  # Lai et al. 2018; colours in 0..1
_CUT_MISMATCH = 0.05  # mean squared distance of the colours: a third of the scale in one of three channels


class SteadyStylizer:
    """Paints the frames of one video in order.

    Args:
        stylize: Paints one picture, `uint8 (height, width, 3)`, as large as it was.
        blend: Fraction of what is carried over, 0 (each frame by itself) to below 1 (steadiest).
        longest_side: The size on which the flow is computed.

    Raises:
        ValueError: If `blend` is not in [0, 1).
    """

    def __init__(
        self,
        stylize: Callable[[np.ndarray], np.ndarray],
        *,
        blend: float = BLEND,
        longest_side: int | None = LONGEST_SIDE,
    ) -> None:
        if not 0 <= blend < 1:
            raise ValueError(f"`blend` must be at least 0 and less than 1. Received {blend}.")
        self.motion: Motion | None = None
        self.stylized: np.ndarray | None = None
        self._stylize, self._blend, self._longest_side = stylize, blend, longest_side
        self._frame: np.ndarray | None = None
        self._out: np.ndarray | None = None  # float32: rounding to whole grey levels would stop a slow change

    def __call__(self, image_rgb: np.ndarray) -> np.ndarray:
        """The next frame, painted. Afterwards `motion` is what moved since the frame before (None if a scene begins)
        and `stylized` what was painted without looking back.

        Args:
            image_rgb: `uint8 (height, width, 3)`; another size than before begins a new scene.

        Returns:
            `uint8` of the same shape.
        """
        self.stylized = self._stylize(image_rgb)
        self.motion = self._motion_to(image_rgb)
        self._frame = image_rgb
        if self.motion is None or self._out is None or not self._blend:
            self._out = self.stylized.astype(np.float32)
            return self.stylized
        weight = (self._blend * trust(self.motion))[..., None]
        painted = self.stylized.astype(np.float32)
        self._out = painted + weight * (warped(self._out, self.motion.backward, sharp=True) - painted)
        np.clip(self._out, 0, 255, out=self._out)  # cubic interpolation overshoots
        return np.rint(self._out).astype(np.uint8)

    def reset(self) -> None:
        """Resets the state: the next frame starts a new scene."""
        self._frame = self._out = self.motion = self.stylized = None

    def _motion_to(self, image_rgb: np.ndarray) -> Motion | None:
        if self._frame is None or self._frame.shape != image_rgb.shape:
            return None
        motion = motion_between(self._frame, image_rgb, longest_side=self._longest_side)
        return None if float(motion.mismatch.mean()) > _CUT_MISMATCH else motion


def trust(motion: Motion) -> np.ndarray:
    """How far each pixel may be carried over, float32 `(height, width)` in [0, 1]: 0 if the flow fails its checks,
    growing softly from there."""
    checked = cv2.blur(cv2.erode(motion.trusted, np.ones((3, 3), np.uint8)), (3, 3))
    return checked * np.exp(-_MISMATCH_RATE * motion.mismatch)
