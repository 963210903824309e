"""Random rectangles in a batch of pictures: as masks, for erasing and for cutting out."""

from collections.abc import Sequence

import tensorflow as tf


def rectangle_masks(sides: tf.Tensor, place: tf.Tensor, size_hw: Sequence[int], *, whole: bool) -> tf.Tensor:
    """Where rectangles lie.

    Args:
        sides: Float32 `(batch, 2)`, height and width in pixels; rounded, and at most those of the picture.
        place: Float32 `(batch, 2)`, y and x in 0..1, below 1.
        size_hw: Height and width of the pictures.
        whole: Whether a rectangle always lies inside the picture. Otherwise `place` is its middle, and what lies
            outside is cut off.

    Returns:
        Bool `(batch, height, width, 1)`, true inside.
    """
    size = tf.constant(list(size_hw), tf.float32)
    sides = tf.minimum(tf.round(sides), size)
    start = tf.floor(place * (size - sides + 1)) if whole else tf.floor(place * size) - tf.floor(sides / 2)
    spans = []
    for axis, side in enumerate(size_hw):
        pixels = tf.range(side, dtype=tf.float32)[None]
        first = start[:, axis, None]
        spans.append((pixels >= first) & (pixels < first + sides[:, axis, None]))
    return (spans[0][:, :, None] & spans[1][:, None, :])[..., None]
