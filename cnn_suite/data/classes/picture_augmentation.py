"""Random augmentation of a batch of training pictures that preserves classes, and mixtures that combine them.

All of them work on the whole batch at once and draw every number from the seed they are given. A change whose setting
is 0 adds nothing to the graph: mirror and shift alone are one kernel on bytes.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from cnn_suite.config_classification import Augmentation
from cnn_suite.data.boxes.rectangles import rectangle_masks
from cnn_suite.data.classes.picture_views import random_views
from cnn_suite.data.classes.rand_augment import rand_augment
from cnn_suite.data.colour import random_colours
from cnn_suite.ops.local_warp import displacements_of, local_warp
from cnn_suite.ops.pca_colour import pca_colour

_NARROWEST = 0.3  # height over width of an erased rectangle, and width over height (Zhong et al. 2020, table 1)


def augment_pictures(images: tf.Tensor, seed: tf.Tensor, settings: Augmentation, size_hw: Sequence[int]) -> tf.Tensor:
    """Every picture randomly changed: its view, then local warp, colour, RandAugment and erasing.

    A change draws the same numbers whatever else is switched on.

    Args:
        images: Uint8 or float32 `(batch, height, width, 1 or 3)`, 0..255, sides known. Grey pictures have no
            saturation, hue or main axes of colour.
        seed: Int `(2,)`.
        settings: What may change, and how far.
        size_hw: Size of the results.

    Returns:
        `(batch, *size_hw, channels)`, 0..255; of the same dtype where whole pixels move or are erased and nothing
        else is done, else float32.
    """
    images = random_views(images, seed, settings, size_hw)
    if settings.warp:
        images = _warped(tf.cast(images, tf.float32), _own(seed, 1), settings)
    if settings.brightness or settings.contrast or (images.shape[3] == 3 and (settings.saturation or settings.hue)):
        images = random_colours(tf.cast(images, tf.float32), _own(seed, 2), settings)
    if settings.pca_colour and images.shape[3] == 3:
        draws = tf.random.stateless_normal([tf.shape(images)[0], 3], _own(seed, 3), stddev=settings.pca_colour)
        images = pca_colour(tf.cast(images, tf.float32), draws)
    if settings.rand_augment:
        operations, strength = settings.rand_augment, settings.rand_augment_strength
        images = rand_augment(tf.cast(images, tf.float32), _own(seed, 4), operations, strength, settings.fill)
    return _erased(images, _own(seed, 5), settings) if settings.erase else images


def mix_pictures(
    images: tf.Tensor, shares: tf.Tensor, seed: tf.Tensor, settings: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """MixUp or CutMix of every picture with the one before it in the batch; if both are set, one of them per batch.

    Args:
        images: Uint8 or float32 `(batch, height, width, channels)`, in random order.
        shares: Float32 `(batch, classes)`, each row summing to 1.
        seed: Int `(2,)`.
        settings: `mixup` and `cutmix`, the alpha of the Beta distribution of their shares; 0 for none.

    Returns:
        Pictures (float32, or as they were with CutMix alone) and their shares, rows summing to 1.
    """
    if not (settings.mixup or settings.cutmix):
        return images, shares
    if not settings.mixup:
        return _cutmix(images, shares, seed, settings.cutmix)
    images = tf.cast(images, tf.float32)
    if not settings.cutmix:
        return _mixup(images, shares, seed, settings.mixup)
    return tf.cond(
        tf.random.stateless_uniform([], _own(seed, 1)) < 0.5,
        lambda: _mixup(images, shares, seed, settings.mixup),
        lambda: _cutmix(images, shares, seed, settings.cutmix),
    )


def _own(seed: tf.Tensor, number: int) -> tf.Tensor:
    """The seed of one change."""
    return tf.random.experimental.stateless_fold_in(seed, number)


def _warped(images: tf.Tensor, seed: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    points = settings.warp_cells + 1
    draws = tf.random.stateless_uniform([tf.shape(images)[0], points, points, 2], seed)
    return local_warp(images, displacements_of(draws, settings.warp, images.shape[1:3]))


def _erased(images: tf.Tensor, seed: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Pictures with a rectangle of one random colour, as often as configured.

    Source: Zhong et al. 2020, Random Erasing Data Augmentation, algorithm 1. There every pixel of the rectangle is
    drawn by itself; one colour a rectangle costs a hundredth and hides as much.
    """
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    draws = tf.random.stateless_uniform([batch, 5 + channels], seed)
    smallest, largest = settings.erase_area
    area = (smallest + (largest - smallest) * draws[:, 0]) * height * width
    tallness = tf.exp((2 * draws[:, 1] - 1) * math.log(_NARROWEST))
    sides = tf.stack([tf.sqrt(area * tallness), tf.sqrt(area / tallness)], axis=1)
    inside = rectangle_masks(sides, draws[:, 2:4], (height, width), whole=True)
    inside &= (draws[:, 4] < settings.erase)[:, None, None, None]
    colours = tf.cast(tf.floor(256 * draws[:, None, None, 5:]), images.dtype)
    return tf.where(inside, colours, images)


def _mixup(images: tf.Tensor, shares: tf.Tensor, seed: tf.Tensor, alpha: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums of two pictures; Zhang et al. 2018, mixup, section 2, with one share per picture."""
    kept = _beta(tf.shape(images)[0], seed, alpha)
    return _between(images, kept[:, None, None, None]), _between(shares, kept[:, None])


def _cutmix(images: tf.Tensor, shares: tf.Tensor, seed: tf.Tensor, alpha: float) -> tuple[tf.Tensor, tf.Tensor]:
    """A rectangle out of another picture; Yun et al. 2019, CutMix, algorithm A1, with a rectangle a picture."""
    batch, size_hw = tf.shape(images)[0], images.shape[1:3]
    side = tf.sqrt(1 - _beta(batch, seed, alpha))[:, None]
    place = tf.random.stateless_uniform([batch, 2], _own(seed, 2))
    inside = rectangle_masks(side * tf.constant(list(size_hw), tf.float32), place, size_hw, whole=False)
    kept = 1 - tf.reduce_mean(tf.cast(inside, tf.float32), axis=(1, 2))  # (batch, 1)
    return tf.where(inside, tf.roll(images, 1, 0), images), _between(shares, kept)


def _between(values: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
    return kept * values + (1 - kept) * tf.roll(values, 1, 0)


def _beta(count: tf.Tensor, seed: tf.Tensor, alpha: float) -> tf.Tensor:
    """Draws from Beta(alpha, alpha), `(count,)`: a gamma draw over the sum of two."""
    draws = tf.random.stateless_gamma([2, count], seed, alpha)
    return tf.math.divide_no_nan(draws[0], draws[0] + draws[1])  # both can be 0 if alpha is tiny
