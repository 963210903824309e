"""Synthetic faces: two aligned faces blended, or joined along a soft border.

In aligned faces, eyes and mouths coincide. A teacher encodes a mixture like any face, so that a few hundred people
become as many as there are pairs of them. Without a teacher such pictures have no label.

Source: Zhang et al. 2018, mixup; Yun et al. 2019, CutMix; Beyer et al. 2021, Knowledge distillation: A good teacher is
patient and consistent, section 3.1, for the teacher's part.
"""

import math

import tensorflow as tf

SOFTNESS = 0.04  # of the border, in sides of the picture


def blended(images: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """A batch of faces, some of them blended with their neighbour in the batch.

    Args:
        images: Float `(batch, height, width, 3)`.
        probability: Probability that a face is blended.
        seed: Int `(2,)`.

    Returns:
        Float32 of the same shape; a mixture is half of the time a weighted mean of two faces and half of the time one
        face on each side of a straight border through the middle half of the picture.
    """
    seeds = tf.unstack(tf.random.split(seed, 4))
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    chosen = tf.random.stateless_uniform([batch, 1, 1, 1], seeds[0]) < probability
    everywhere = tf.random.stateless_uniform([batch, 1, 1, 1], seeds[1])
    share = tf.where(everywhere < 0.5, 0.2 + 1.2 * everywhere, _side(batch, height, width, seeds[2], seeds[3]))
    images = tf.cast(images, tf.float32)
    return tf.where(chosen, share * images + (1 - share) * tf.roll(images, 1, axis=0), images)


def _side(
    batch: tf.Tensor, height: tf.Tensor, width: tf.Tensor, angle_seed: tf.Tensor, place_seed: tf.Tensor
) -> tf.Tensor:
    """1 on one side of a random border, 0 on the other, `(batch, height, width, 1)`."""
    angle = tf.random.stateless_uniform([batch, 1, 1, 1], angle_seed, 0, 2 * math.pi)
    place = tf.random.stateless_uniform([batch, 1, 1, 1], place_seed, -0.25, 0.25)
    y = tf.linspace(-0.5, 0.5, height)[None, :, None, None]
    x = tf.linspace(-0.5, 0.5, width)[None, None, :, None]
    beyond = tf.cos(angle) * tf.cast(x, tf.float32) + tf.sin(angle) * tf.cast(y, tf.float32) - place
    return tf.sigmoid(beyond / SOFTNESS)
