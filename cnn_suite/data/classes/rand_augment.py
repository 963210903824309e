"""RandAugment for batches: some of fourteen operations, drawn independently for every picture.

Cubuk, Zoph, Shlens & Le 2020, RandAugment, section 3, with the operations and ranges of AutoAugment (Cubuk et al.
2019, appendix, table 6) and Pillow's arithmetic. A batch is dealt out by operation, so that each picture is worked on
once an operation. `keras.layers.RandAugment` draws one choice for the whole batch, works out all of its operations each
time, and keeps a seed of its own, with which an interrupted training could not continue as it would have.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from cnn_suite.data.classes.picture_views import sample_maps

_LUMA = (0.299, 0.587, 0.114)
_SMOOTH = ((1.0, 1.0, 1.0), (1.0, 5.0, 1.0), (1.0, 1.0, 1.0))  # Pillow's ImageFilter.SMOOTH, of 13

_Operation = Callable[[tf.Tensor, tf.Tensor, str], tf.Tensor]  # images, levels (n,) in -1..1, fill -> images


def rand_augment(
    images: tf.Tensor, seed: tf.Tensor, operations: int, strength: float, fill: str = "reflect"
) -> tf.Tensor:
    """Every picture changed by that many operations, one after the other, each drawn from all of them.

    Args:
        images: Float32 `(batch, height, width, 1 or 3)`, 0..255, sides known.
        seed: Int `(2,)`.
        operations: Number of operations, applied one after the other.
        strength: How strong, from 0 (but for those that have no strength: autocontrast, equalise) to 1; the direction
            is drawn.
        fill: What lies outside a picture, as in `sample_maps`.

    Returns:
        Float32 of the same shape, 0..255.
    """
    shape, count = images.shape, tf.shape(images)[0]
    names = list(OPERATIONS)
    for own_seed in tf.unstack(tf.random.split(seed, max(1, operations)))[:operations]:
        draws = tf.random.stateless_uniform([count, 2], own_seed)
        choice = tf.cast(draws[:, 0] * len(names), tf.int32)
        levels = tf.where(draws[:, 1] < 0.5, -strength, strength)
        dealt = tf.dynamic_partition(images, choice, len(names))
        level_of = tf.dynamic_partition(levels, choice, len(names))
        places = tf.dynamic_partition(tf.range(count), choice, len(names))
        changed = [OPERATIONS[name](part, level, fill) for name, part, level in zip(names, dealt, level_of)]
        images = tf.ensure_shape(tf.dynamic_stitch(places, changed), shape)
    return images


def _identity(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return images


def _autocontrast(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    """Every channel spread over the whole range."""
    low = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(images, axis=(1, 2), keepdims=True)
    spread = (images - low) * tf.math.divide_no_nan(255.0, high - low)
    return tf.where(high > low, tf.minimum(spread, 255.0), images)


def _equalise(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    """Every channel's values spread so that all occur about equally often."""
    pixels, channels = images.shape[1] * images.shape[2], images.shape[3]
    values = tf.cast(tf.round(tf.transpose(images, (0, 3, 1, 2))), tf.int32)
    values = tf.reshape(values, (-1, pixels))
    owner = tf.range(tf.shape(values)[0])[:, None] * 256
    counts = tf.math.unsorted_segment_sum(tf.ones_like(values), values + owner, tf.shape(values)[0] * 256)
    counts = tf.reshape(counts, (-1, 256))
    # As Pillow: the brightest value that occurs does not count, and a step of 0 leaves the channel as it is.
    step = (pixels - tf.gather(counts, tf.reduce_max(values, axis=1), batch_dims=1)) // 255
    table = (step[:, None] // 2 + tf.cumsum(counts, axis=1, exclusive=True)) // tf.maximum(step, 1)[:, None]
    table = tf.where(step[:, None] > 0, tf.minimum(table, 255), tf.range(256)[None])
    result = tf.reshape(tf.gather(table, values, batch_dims=1), (-1, channels, *images.shape[1:3]))
    return tf.cast(tf.transpose(result, (0, 2, 3, 1)), tf.float32)


def _solarise(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    """Values from a threshold on inverted: from none of them to all."""
    threshold = 256 * (1 - tf.abs(levels))[:, None, None, None]
    return tf.where(images < threshold, images, 255 - images)


def _posterise(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    """Fewer bits per value: from eight to four."""
    step = tf.pow(2.0, tf.round(4 * tf.abs(levels)))[:, None, None, None]
    return tf.floor(images / step) * step


def _brightness(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _away_from(tf.zeros_like(images), images, levels)


def _contrast(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _away_from(tf.reduce_mean(_grey(images), axis=(1, 2), keepdims=True), images, levels)


def _colour(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _away_from(_grey(images), images, levels)


def _sharpness(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    kernel = tf.constant(_SMOOTH)[:, :, None, None] / 13
    if min(images.shape[1:3]) < 3:
        return images
    channels = tf.transpose(images, (0, 3, 1, 2))
    alone = tf.reshape(channels, (-1, *images.shape[1:3], 1))
    inner = tf.reshape(
        tf.nn.conv2d(alone, kernel, 1, "VALID"), (-1, images.shape[3], images.shape[1] - 2, images.shape[2] - 2)
    )
    inner = tf.transpose(inner, (0, 2, 3, 1))
    # The border has no neighbours and stays: its difference from the smooth picture is nothing.
    difference = tf.pad(images[:, 1:-1, 1:-1] - inner, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return tf.clip_by_value(images + 0.9 * levels[:, None, None, None] * difference, 0.0, 255.0)


def _away_from(base: tf.Tensor, images: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
    """Pillow's ImageEnhance: towards something plain or away from it, by a factor of 0.1 to 1.9."""
    factor = 1 + 0.9 * levels[:, None, None, None]
    return tf.clip_by_value(base + factor * (images - base), 0.0, 255.0)


def _grey(images: tf.Tensor) -> tf.Tensor:
    if images.shape[3] == 1:
        return images
    return tf.reduce_sum(images * tf.constant(_LUMA), axis=3, keepdims=True)


def _rotate(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    """By up to 30 degrees."""
    angle = levels * math.radians(30)
    return _moved(images, fill, [tf.cos(angle), -tf.sin(angle), tf.sin(angle), tf.cos(angle)])


def _shear_x(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _moved(images, fill, [1.0, 0.3 * levels, 0.0, 1.0])


def _shear_y(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _moved(images, fill, [1.0, 0.0, 0.3 * levels, 1.0])


def _translate_x(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _moved(images, fill, [1.0, 0.0, 0.0, 1.0], shift_x=0.45 * images.shape[2] * levels)


def _translate_y(images: tf.Tensor, levels: tf.Tensor, fill: str) -> tf.Tensor:
    return _moved(images, fill, [1.0, 0.0, 0.0, 1.0], shift_y=0.45 * images.shape[1] * levels)


def _moved(images: tf.Tensor, fill: str, linear, shift_x=0.0, shift_y=0.0) -> tf.Tensor:  # type: ignore[no-untyped-def]
    """Pictures through the linear map (xx, xy, yx, yy) about their middle, then shifted."""
    height, width = images.shape[1:3]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    xx, xy, yx, yy = linear
    numbers = [
        xx, xy, middle_x - xx * middle_x - xy * middle_y + shift_x,
        yx, yy, middle_y - yx * middle_x - yy * middle_y + shift_y,
    ]  # fmt: skip
    count = tf.shape(images)[0]
    maps = tf.stack([tf.broadcast_to(tf.cast(number, tf.float32), [count]) for number in numbers], axis=1)
    return sample_maps(images, tf.reshape(maps, (-1, 2, 3)), (height, width), fill)


OPERATIONS: dict[str, _Operation] = {
    "identity": _identity,
    "autocontrast": _autocontrast,
    "equalise": _equalise,
    "rotate": _rotate,
    "solarise": _solarise,
    "colour": _colour,
    "posterise": _posterise,
    "contrast": _contrast,
    "brightness": _brightness,
    "sharpness": _sharpness,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}
