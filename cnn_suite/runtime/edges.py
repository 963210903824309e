"""3x3 edge filters for images, applied as in a convolutional layer: without flipping the filter."""

from __future__ import annotations

import cv2
import numpy as np

_VERTICAL = {
    "plain": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "Sobel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Scharr": [[3, 0, -3], [10, 0, -10], [3, 0, -3]],
}
EDGE_FILTERS: dict[str, np.ndarray] = {
    f"{name}, {direction}": np.array(rows, np.float32) if direction == "vertical" else np.array(rows, np.float32).T
    for name, rows in _VERTICAL.items()
    for direction in ("vertical", "horizontal")
}


def edges(image_rgb: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A filter's answers as a picture: bright to dark is white, dark to bright black, and what is even grey.

    Args:
        image_rgb: Uint8 `(height, width, 3)`; its luma is looked at.
        kernel: Float32 `(3, 3)`.

    Returns:
        Uint8 `(height, width, 3)`. The largest answer that is possible is 255, the least 0.
    """
    luma = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    answers = cv2.filter2D(luma, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    most = kernel[kernel > 0].sum()  # of a white side against a black one, in units of 255
    grey = np.clip(np.rint(127.5 + answers / (2 * most)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
