"""The square around a face on which its points are looked for: between a picture's pixels and the crop's."""

from __future__ import annotations

import cv2
import numpy as np

CONTEXT = 1.25  # side of the square in longer sides of the box: a box a little off still leaves the whole face in it


def crop_matrix(box_px: np.ndarray, size: int, *, context: float = CONTEXT) -> np.ndarray:
    """The map from a picture to the square crop around a box.

    Args:
        box_px: Corners x0, y0, x1, y1 in pixels of the picture.
        size: Side of the crop in pixels.
        context: Side of the square, relative to the longer side of the box.

    Returns:
        Float64 `(2, 3)`: `matrix @ (x, y, 1)` is the place in the crop.
    """
    x0, y0, x1, y1 = (float(value) for value in box_px)
    side = max(x1 - x0, y1 - y0, 1.0) * context
    scale = size / side
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    return np.array([[scale, 0.0, -left * scale], [0.0, scale, -top * scale]])


def crop(image_rgb: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The crop `(size, size, 3)` that a map gives; black outside the picture."""
    return cv2.warpAffine(image_rgb, matrix, (size, size), flags=cv2.INTER_LINEAR)


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points `(..., 2)` by a map `(2, 3)`."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]


def moved_back(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points `(..., 2)` by the inverse of a map."""
    return moved(points, cv2.invertAffineTransform(matrix))
