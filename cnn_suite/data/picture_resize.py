"""Resizing of pictures to the input of a classifier, identical in NumPy (training) and in the exported graph.

The picture is cut or padded to the input's proportions first and resized once, so that the resize has a fixed size.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import tensorflow as tf

from cnn_suite.data.views import GREY, letterbox

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as OpenCV's grey


def resized(image: np.ndarray, size_hw: Sequence[int], how: str, channels: int) -> np.ndarray:
    """A picture with the size and channels of a network's input.

    Args:
        image: Uint8 `(height, width, 1 or 3)`.
        size_hw: Size of the result.
        how: "crop" (the largest middle part of the right proportions), "stretch", or "letterbox" (the whole picture on
            grey).
        channels: 1 (luma) or 3.

    Returns:
        Uint8 `(*size_hw, channels)`.
    """
    if image.shape[2] != channels:
        code = cv2.COLOR_RGB2GRAY if channels == 1 else cv2.COLOR_GRAY2RGB
        image = cv2.cvtColor(image, code).reshape(*image.shape[:2], channels)
    if image.shape[:2] == tuple(size_hw):
        return image
    height, width = image.shape[:2]
    if how == "crop":
        part_h, part_w = _cropped_hw(height, width, size_hw)
        top, left = (height - part_h) // 2, (width - part_w) // 2
        image = image[top : top + part_h, left : left + part_w]
    elif how == "letterbox":
        image = _padded(image, size_hw)
    result = cv2.resize(image, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR)
    return result.reshape(*size_hw, channels)


def resized_in_graph(images: tf.Tensor, size_hw: Sequence[int], how: str, channels: int) -> tf.Tensor:
    """The same for a batch of pictures of one size, in operations that LiteRT has.

    Args:
        images: Uint8 `(batch, height, width, 3)`.
        size_hw: Size of the result.
        how: As in `resized`.
        channels: 1 or 3.

    Returns:
        Float32 `(batch, *size_hw, channels)`, 0..255.
    """
    size_hw = (int(size_hw[0]), int(size_hw[1]))
    if how == "letterbox":
        pictures = letterbox(images, size_hw)
    else:
        if how == "crop":
            height, width = tf.unstack(tf.shape(images)[1:3])
            part_h = tf.maximum(1, tf.minimum(height, width * size_hw[0] // size_hw[1]))
            part_w = tf.maximum(1, tf.minimum(width, height * size_hw[1] // size_hw[0]))
            top, left = (height - part_h) // 2, (width - part_w) // 2
            images = images[:, top : top + part_h, left : left + part_w]
        pictures = tf.image.resize(tf.cast(images, tf.float32), size_hw)  # LiteRT resizes no uint8 to float
    pictures = tf.reshape(pictures, (images.shape[0] or -1, *size_hw, 3))
    if channels == 1:
        return tf.reduce_sum(pictures * tf.constant(LUMA), axis=-1, keepdims=True)
    return pictures


def _cropped_hw(height: int, width: int, size_hw: Sequence[int]) -> tuple[int, int]:
    """The largest part of a picture with the proportions of the result."""
    return (
        max(1, min(height, width * size_hw[0] // size_hw[1])),
        max(1, min(width, height * size_hw[1] // size_hw[0])),
    )


def _padded(image: np.ndarray, size_hw: Sequence[int]) -> np.ndarray:
    """The picture in the middle of grey, with the proportions of the result."""
    height, width = image.shape[:2]
    whole_h = max(height, -(-width * size_hw[0] // size_hw[1]))
    whole_w = max(width, -(-height * size_hw[1] // size_hw[0]))
    canvas = np.full((whole_h, whole_w, image.shape[2]), int(GREY), np.uint8)
    top, left = (whole_h - height) // 2, (whole_w - width) // 2
    canvas[top : top + height, left : left + width] = image
    return canvas
