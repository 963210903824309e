"""Random colour augmentation as one affine map of RGB values.

Brightness, contrast, saturation and hue are all affine in RGB (hue as a turn of the colour plane of YIQ), so they are
composed into one 3x3 matrix and one offset and cost a single product a pixel: about a tenth of the time of
`keras.layers.RandomColorJitter`, which converts to HSV and back.
"""

import math
from typing import Protocol

import numpy as np
import tensorflow as tf

# Rows: luma and the two colour axes of YIQ (NTSC 1953, ITU-R BT.470).
RGB_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32)
YIQ_TO_RGB = np.linalg.inv(RGB_TO_YIQ).astype(np.float32)
MIDDLE = 127.5


class ColourRanges(Protocol):
    """How far colours may change; the augmentation sections of all tasks have these."""

    @property
    def brightness(self) -> float:
        """Largest change, as a fraction of the range of values."""

    @property
    def contrast(self) -> float:
        """Largest relative change of the distance from the middle."""

    @property
    def saturation(self) -> float:
        """Largest relative change of the distance from grey."""

    @property
    def hue(self) -> float:
        """Largest turn, as a fraction of the colour circle."""


def random_colour(image: tf.Tensor, seed: tf.Tensor, settings: ColourRanges) -> tf.Tensor:
    """A picture with brightness, contrast, saturation and hue randomly changed.

    Args:
        image: Float32 `(height, width, 3)`, RGB 0..255.
        seed: Int `(2,)`.
        settings: `brightness`, `contrast` and `saturation` are the largest relative changes, `hue` the largest turn
            as a fraction of the colour circle.

    Returns:
        Float32 of the same shape, clipped to 0..255.
    """
    if not any((settings.brightness, settings.contrast, settings.saturation, settings.hue)):
        return image
    change = tf.random.stateless_uniform([4], seed, -1.0, 1.0)
    contrast = 1 + settings.contrast * change[1]
    matrix = colour_matrix(contrast, 1 + settings.saturation * change[2], 2 * math.pi * settings.hue * change[3])
    offset = MIDDLE * (1 - contrast + 2 * settings.brightness * change[0])
    return tf.clip_by_value(tf.tensordot(image, tf.transpose(matrix), 1) + offset, 0.0, 255.0)


def random_colours(images: tf.Tensor, seed: tf.Tensor, settings: ColourRanges) -> tf.Tensor:
    """A batch of pictures, each with its own random colour change; see `random_colour`.

    Args:
        images: Float32 `(batch, height, width, 1 or 3)`, 0..255. Grey pictures have neither saturation nor hue.
        seed: Int `(2,)`.
        settings: As for `random_colour`.

    Returns:
        Float32 of the same shape, clipped to 0..255.
    """
    if not any((settings.brightness, settings.contrast, settings.saturation, settings.hue)):
        return images
    change = tf.random.stateless_uniform([tf.shape(images)[0], 4], seed, -1.0, 1.0)
    contrast = 1 + settings.contrast * change[:, 1]
    offset = (MIDDLE * (1 - contrast + 2 * settings.brightness * change[:, 0]))[:, None, None, None]
    if images.shape[3] == 1 or not (settings.saturation or settings.hue):
        return tf.clip_by_value(images * contrast[:, None, None, None] + offset, 0.0, 255.0)
    turn = 2 * math.pi * settings.hue * change[:, 3]
    matrix = colour_matrix(contrast, 1 + settings.saturation * change[:, 2], turn)
    pixels = tf.reshape(images, (-1, images.shape[1] * images.shape[2], 3))
    changed = tf.reshape(tf.matmul(pixels, matrix, transpose_b=True), (-1, *images.shape[1:]))
    return tf.clip_by_value(changed + offset, 0.0, 255.0)


def colour_matrix(contrast: tf.Tensor, saturation: tf.Tensor, hue_rad: tf.Tensor) -> tf.Tensor:
    """The matrix that scales contrast and saturation and turns the hue; identity at 1, 1, 0.

    `(3, 3)` for single numbers, `(batch, 3, 3)` for vectors of them.
    """
    cosine, sine = tf.cos(hue_rad) * saturation, tf.sin(hue_rad) * saturation
    one, zero = tf.ones_like(cosine), tf.zeros_like(cosine)
    rows = [[one, zero, zero], [zero, cosine, -sine], [zero, sine, cosine]]
    turn = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)
    return contrast[..., None, None] * (YIQ_TO_RGB @ turn @ RGB_TO_YIQ)
