"""Views of a batch of pictures: the middle, towards the corners, or at random.

Random ones are mirrored, shifted, scaled, turned and slanted and sampled once: all of it is one affine map a picture,
applied by one kernel to the whole batch. Without scaling, turning and slanting the map moves whole pixels and nothing
is interpolated.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from cnn_suite.config_classification import Augmentation

_FILLS = {"reflect": "REFLECT", "edge": "NEAREST", "black": "CONSTANT"}


def random_views(images: tf.Tensor, seed: tf.Tensor, settings: Augmentation, size_hw: Sequence[int]) -> tf.Tensor:
    """A random view of every picture.

    Args:
        images: Uint8 or float32 `(batch, height, width, channels)`, sides known.
        seed: Int `(2,)`.
        settings: Ranges.
        size_hw: Size of the views, in pixels of the pictures; where it is smaller, a view without any change is the
            middle of the picture.

    Returns:
        Views `(batch, *size_hw, channels)`; of the same dtype where whole pixels move, else float32.
    """
    exact = _moves_whole_pixels(settings)
    if exact and not (settings.mirror or settings.flip or settings.shift) and _fits(size_hw, images.shape[1:3]):
        return centre_views(images, size_hw)
    maps = _random_maps(tf.shape(images)[0], seed, settings, images.shape[1:3], size_hw, exact)
    return sample_maps(images if exact else tf.cast(images, tf.float32), maps, size_hw, settings.fill, exact)


def centre_views(images: tf.Tensor, size_hw: Sequence[int]) -> tf.Tensor:
    """The middle of every picture, `(batch, *size_hw, channels)`."""
    top, left = ((side - wanted) // 2 for side, wanted in zip(images.shape[1:3], size_hw))
    return images[:, top : top + size_hw[0], left : left + size_hw[1]]


def corner_views(images: tf.Tensor, size_hw: Sequence[int], share: float) -> list[tf.Tensor]:
    """The middle of every picture, and four views shifted towards its corners; what lies outside is reflected.

    Args:
        images: `(batch, height, width, channels)`, sides known and at least those of the views.
        size_hw: Size of the views.
        share: The shift, as a fraction of that size.

    Returns:
        Five times `(batch, *size_hw, channels)`.

    Source: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 4.1.
    """
    down, right = (round(share * side) for side in size_hw)
    wide = tf.pad(images, [(0, 0), (down, down), (right, right), (0, 0)], "SYMMETRIC")  # as in training
    top, left = ((side - wanted) // 2 for side, wanted in zip(wide.shape[1:3], size_hw))
    shifts = [(0, 0), (-down, -right), (-down, right), (down, -right), (down, right)]
    return [wide[:, top + y : top + y + size_hw[0], left + x : left + x + size_hw[1]] for y, x in shifts]


def sample_maps(
    images: tf.Tensor, maps: tf.Tensor, size_hw: Sequence[int], fill: str = "reflect", nearest: bool = False
) -> tf.Tensor:
    """Samples pictures through affine maps.

    Args:
        images: `(batch, height, width, channels)`.
        maps: Float32 `(batch, 2, 3)`: from a pixel's (x, y, 1) in the view to its (x, y) in the picture.
        size_hw: Size of the views.
        fill: What lies outside a picture: "reflect", "edge" or "black".
        nearest: Whether to take the nearest pixel instead of interpolating.

    Returns:
        `(batch, *size_hw, channels)`, dtype as `images`.
    """
    zeros = tf.zeros_like(maps[:, 0, :2])
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.concat([tf.reshape(maps, (-1, 6)), zeros], axis=1),
        output_shape=tf.constant(list(size_hw), tf.int32),
        fill_value=0.0,
        interpolation="NEAREST" if nearest else "BILINEAR",
        fill_mode=_FILLS[fill],
    )
    return tf.ensure_shape(views, (None, *size_hw, images.shape[3]))


def _moves_whole_pixels(settings: Augmentation) -> bool:
    still = settings.rotation_deg == 0 and settings.shear_deg == 0
    return still and settings.scale == (1.0, 1.0) and settings.aspect == 1


def _random_maps(batch, seed, settings: Augmentation, picture_hw, size_hw, exact: bool) -> tf.Tensor:
    """Maps from views to pictures: middle to middle, then slanted, turned, scaled and shifted."""
    draws = tf.random.stateless_uniform([batch, 8], seed)
    signed = 2 * draws - 1
    turned = 1 - 2 * tf.cast(draws[:, :2] < [settings.mirror, settings.flip], tf.float32)  # (batch, 2): x, y
    size_xy = tf.constant([size_hw[1], size_hw[0]], tf.float32)
    picture_xy = tf.constant([picture_hw[1], picture_hw[0]], tf.float32)
    if exact:
        furthest = tf.round(settings.shift * size_xy)
        shift = tf.floor(draws[:, 2:4] * (2 * furthest + 1)) - furthest
        linear = tf.linalg.diag(turned)
        start = tf.floor((picture_xy - size_xy) / 2) + shift + (1 - turned) / 2 * (size_xy - 1)
    else:
        shift = signed[:, 2:4] * settings.shift * size_xy
        linear = _linear(signed[:, 4:8], settings) * turned[:, None, :]
        start = (picture_xy - 1) / 2 + shift - tf.linalg.matvec(linear, (size_xy - 1) / 2)
    return tf.concat([linear, start[:, :, None]], axis=2)


def _fits(size_hw, picture_hw) -> bool:
    return size_hw[0] <= picture_hw[0] and size_hw[1] <= picture_hw[1]


def _linear(draws, settings: Augmentation) -> tf.Tensor:
    """Turn times slant over size, `(batch, 2, 2)`, of draws `(batch, 4)` in -1..1."""
    angle = draws[:, 0] * math.radians(settings.rotation_deg)
    slant = tf.tan(draws[:, 1] * math.radians(settings.shear_deg))
    low, high = (math.log(factor) for factor in settings.scale)
    zoom = tf.exp(low + (high - low) * (draws[:, 2] + 1) / 2)
    stretch = tf.exp(draws[:, 3] * math.log(settings.aspect) / 2)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    turn = tf.stack([tf.stack([cosine, -sine], -1), tf.stack([sine, cosine], -1)], 1)
    one, zero = tf.ones_like(slant), tf.zeros_like(slant)
    shear = tf.stack([tf.stack([one, slant], -1), tf.stack([zero, one], -1)], 1)
    size = tf.stack([zoom * stretch, zoom / stretch], -1)
    return turn @ shear / size[:, None, :]
