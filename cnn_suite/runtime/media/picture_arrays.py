"""Pictures as arrays: at another size, in three channels, and as bytes again."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def fitted_size_hw(size_hw: Sequence[int], longest: float, *, smallest: int = 1) -> tuple[int, int]:
    """The size of the same shape whose longest side is `longest`, each side at least `smallest`."""
    scale = longest / max(size_hw)
    return max(smallest, round(size_hw[0] * scale)), max(smallest, round(size_hw[1] * scale))


def resized(picture: np.ndarray, size_hw: Sequence[int]) -> np.ndarray:
    """A picture or a mask, float32 or uint8, at another size: averaged where it shrinks, smooth where it grows.

    Args:
        picture: `(height, width)` or `(height, width, channels)`.
        size_hw: The size wanted.

    Returns:
        The same dtype, within the range of the input.
    """
    if picture.shape[:2] == tuple(size_hw):
        return picture
    size_wh = size_hw[1], size_hw[0]
    if size_hw[0] * size_hw[1] < picture.shape[0] * picture.shape[1]:
        return cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(picture, size_wh, interpolation=cv2.INTER_CUBIC)
    return np.clip(enlarged, picture.min(), picture.max())  # the cubic overshoots at edges


def reduced(picture: np.ndarray, longest_side: int | None, *, smallest: int = 1) -> np.ndarray:
    """A picture no larger than `longest_side`, of its shape, each side at least `smallest`; None leaves it as it is."""
    if longest_side is None or max(picture.shape[:2]) <= longest_side:
        return picture
    return resized(picture, fitted_size_hw(picture.shape[:2], longest_side, smallest=smallest))


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """A picture of one channel or three, `(height, width, 1 or 3)`, as a new one of three."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3)).copy()


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """A picture of numbers about 0..255 as whole ones, uint8."""
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
