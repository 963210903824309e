"""Random augmentation of training pictures and their boxes: mirror, scale and shift, mosaic.

Every random number comes from the given seed, so that an epoch can be reproduced exactly.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from cnn_suite.config_detection import Augmentation
from cnn_suite.data.views import View, move_boxes, sample, xy

SMALLEST_SIDE_PX = 2.0  # a box below it on the canvas is not to be seen


class Example(NamedTuple):
    """A picture `(height, width, 3)`, 0..255, and its truths `(n, 5)`: unit xyxy and class id."""

    image: tf.Tensor
    truths: tf.Tensor


def augment(
    example: Example, seed: tf.Tensor, canvas_hw: tf.Tensor, settings: Augmentation, resize: str = "letterbox"
) -> Example:
    """One picture, randomly flipped, scaled and shifted, on its own canvas.

    Args:
        example: Picture and truths.
        seed: Int `(2,)`.
        canvas_hw: Int `(2,)`, size of the result.
        settings: Ranges.
        resize: How a picture is resized before augmentation: "letterbox" or "stretch".

    Returns:
        Float32 picture of `canvas_hw` and the truths that are still in view, clipped to it.
    """
    return _place(example, seed, canvas_hw, canvas_hw, settings, resize)


def mosaic(
    examples: tuple[Example, ...],
    seed: tf.Tensor,
    canvas_hw: tf.Tensor,
    settings: Augmentation,
    resize: str = "letterbox",
) -> Example:
    """Four pictures combined into one, meeting at a random point of the middle half of the canvas.

    Args:
        examples: Four pictures with their truths.
        seed: Int `(2,)`.
        canvas_hw: Int `(2,)`, size of the result.
        settings: Ranges for each of the four.
        resize: As for `augment`.

    Returns:
        As `augment`.

    Source: Bochkovskiy et al. 2020, YOLOv4, section 3.3.
    """
    seeds = tf.random.split(seed, 5)
    share = tf.random.stateless_uniform([2], seeds[4], 0.25, 0.75)
    middle = tf.cast(tf.cast(canvas_hw, tf.float32) * share, tf.int32)
    rows, columns = tf.stack([0, middle[0], canvas_hw[0]]), tf.stack([0, middle[1], canvas_hw[1]])
    tiles, truths = [], []
    for k, example in enumerate(examples):
        top, left = rows[k // 2], columns[k % 2]
        tile_hw = tf.stack([rows[k // 2 + 1] - top, columns[k % 2 + 1] - left])
        placed = _place(example, seeds[k], tile_hw, canvas_hw, settings, resize)
        corner, size = _xy(tf.stack([top, left])), _xy(tile_hw)
        canvas = _xy(canvas_hw)
        boxes = move_boxes(placed.truths[:, :4], View(size / canvas, corner / canvas))
        tiles.append(placed.image)
        truths.append(tf.concat([boxes, placed.truths[:, 4:]], axis=1))
    image = tf.concat([tf.concat(tiles[:2], axis=1), tf.concat(tiles[2:], axis=1)], axis=0)
    return Example(image, tf.concat(truths, axis=0))


def _xy(hw: tf.Tensor) -> tf.Tensor:
    return xy(tf.cast(hw, tf.float32))


def _place(example: Example, seed: tf.Tensor, tile_hw, canvas_hw, settings: Augmentation, resize: str) -> Example:
    """A random view of a picture on a tile; its size follows from the whole canvas, so that objects keep theirs."""
    turn_seed, view_seed = tf.unstack(tf.random.split(seed, 2))
    example = _transposed(example, turn_seed, settings.transpose)
    view = _random_view(tf.shape(example.image)[:2], view_seed, tile_hw, canvas_hw, settings, resize)
    boxes = move_boxes(example.truths[:, :4], view)
    truths = _visible(tf.concat([boxes, example.truths[:, 4:]], axis=1), tile_hw, settings.keep_visible)
    return Example(sample(example.image, view, tile_hw), truths)


def _transposed(example: Example, seed: tf.Tensor, probability: float) -> Example:
    if probability == 0:
        return example
    chosen = tf.random.stateless_uniform([], seed) < probability
    image = tf.cond(chosen, lambda: tf.transpose(example.image, (1, 0, 2)), lambda: example.image)
    swapped = tf.gather(example.truths, [1, 0, 3, 2, 4], axis=1)
    return Example(image, tf.where(chosen, swapped, example.truths))


def _random_view(picture_hw, seed: tf.Tensor, tile_hw, canvas_hw, settings: Augmentation, resize: str) -> View:
    seeds = tf.unstack(tf.random.split(seed, 5))
    smallest, largest = settings.scale
    zoom = tf.exp(tf.random.stateless_uniform([], seeds[0], math.log(smallest), math.log(largest)))
    stretch = tf.exp(tf.random.stateless_uniform([], seeds[1], -0.5, 0.5) * math.log(settings.aspect))
    fitted = _xy(canvas_hw)
    if resize == "letterbox":
        fitted = tf.reduce_min(fitted / _xy(picture_hw)) * _xy(picture_hw)
    size = fitted * zoom * tf.stack([stretch, 1 / stretch])
    free = _xy(tile_hw) - size
    start = free * tf.random.stateless_uniform([2], seeds[2])
    start += _xy(tile_hw) * tf.random.stateless_uniform([2], seeds[3], -settings.shift, settings.shift)
    turned = tf.random.stateless_uniform([2], seeds[4]) < [settings.mirror, settings.flip]
    scale, offset = size / _xy(tile_hw), start / _xy(tile_hw)
    return View(tf.where(turned, -scale, scale), tf.where(turned, offset + scale, offset))


def _visible(truths: tf.Tensor, tile_hw, keep_visible: float) -> tf.Tensor:
    """Truths clipped to the tile, without those that are mostly outside or too small to be seen."""
    boxes, rest = truths[:, :4], truths[:, 4:]
    clipped = tf.clip_by_value(boxes, 0.0, 1.0)
    side = clipped[:, 2:4] - clipped[:, 0:2]
    before = tf.reduce_prod(boxes[:, 2:4] - boxes[:, 0:2], axis=1)
    enough = tf.reduce_prod(side, axis=1) >= keep_visible * before
    large = tf.reduce_all(side * _xy(tile_hw) >= SMALLEST_SIDE_PX, axis=1)
    return tf.boolean_mask(tf.concat([clipped, rest], axis=1), enough & large)
