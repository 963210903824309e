"""Batches of signals or volumes in tf.data: in memory, shuffled, and augmented batch by batch."""

import numpy as np
import tensorflow as tf

from cnn_suite.config_arrays import Augmentation
from cnn_suite.data.boxes.pipeline import passes
from cnn_suite.data.classes.labelled import LabelledPictures


def stacked(examples: LabelledPictures, axes: int | None) -> np.ndarray:
    """All examples as float32 `(n, *sides, channels)`.

    Args:
        examples: Arrays of one shape.
        axes: Number of sides; None if an example has no axis of channels, which is then added.

    Raises:
        ValueError: If the arrays have other than `axes` sides, with or without channels.
    """
    values = np.stack([examples.load(number) for number in range(len(examples))]).astype(np.float32)
    found = values.ndim - 1
    if axes is None or axes == found:
        values, found = values[..., None], found + 1
    if not 2 <= found <= 4 or (axes is not None and found != axes + 1):
        raise ValueError(
            f"data.axes: examples must have {axes or 'one to three'} sides, with or without one of channels at their "
            f"end. Received shape {examples.load(0).shape}."
        )
    return values


def training_batches(
    values: np.ndarray,
    class_ids: np.ndarray,
    classes: int,
    augmentation: Augmentation,
    batch_size: int,
    *,
    seed: int,
    first: int,
    last: int,
) -> tf.data.Dataset:
    """Augmented full batches, the same for the same seed.

    Args:
        values: Float32 `(n, *sides, channels)`.
        class_ids: Int `(n,)`.
        classes: Number of classes.
        augmentation: Random changes.
        batch_size: Examples of a batch.
        seed: Seed for order and augmentation.
        first: Number of the first batch, from which an interrupted training continues.
        last: Number of batches of the whole training.

    Returns:
        Data set of `(batch, *sides, channels)` and class shares `(batch, classes)`.
    """
    count = len(values)
    everything, ids = tf.constant(values), tf.constant(class_ids)
    skipped = first * batch_size

    def batch(number: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = augmented(tf.gather(everything, indices), tf.stack([tf.cast(seed, tf.int64), number]), augmentation)
        return chosen, tf.one_hot(tf.gather(ids, indices), classes)

    order = passes(tf.data.Dataset.range(count), count, seed, skipped // count, 1).skip(skipped % count)
    indices = order.map(lambda only: only).batch(batch_size, drop_remainder=True)  # out of its tuple of one
    numbers = tf.data.Dataset.range(first, last)
    return tf.data.Dataset.zip((numbers, indices)).map(batch, num_parallel_calls=2, deterministic=True).prefetch(4)


def evaluation_batches(
    values: np.ndarray, class_ids: np.ndarray, classes: int, batch_size: int
) -> tf.data.Dataset:
    """Batches in order, without augmentation; examples and class shares."""
    shares = np.eye(classes, dtype=np.float32)[class_ids]
    return tf.data.Dataset.from_tensor_slices((values, shares)).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def augmented(values: tf.Tensor, seed: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Examples `(batch, *sides, channels)`, each changed at random; what leaves at one end is filled by the edge."""
    sides = len(values.shape) - 2
    seeds = tf.unstack(tf.random.split(seed, 2 + 2 * sides))
    count = tf.shape(values)[0]
    one_each = (-1, *[1] * (sides + 1))
    for axis in range(sides):
        if axis in settings.mirror:
            turned = tf.random.stateless_uniform([count], seeds[2 + axis]) < 0.5
            values = tf.where(tf.reshape(turned, one_each), tf.reverse(values, [axis + 1]), values)
        if settings.shift:
            values = _shifted(values, axis + 1, settings.shift, seeds[2 + sides + axis])
    if settings.scale != (1.0, 1.0):
        factors = tf.random.stateless_uniform([count], seeds[0], *settings.scale)
        values = values * tf.reshape(factors, one_each)
    if settings.noise:
        deviation = tf.math.reduce_std(values, axis=list(range(1, sides + 2)), keepdims=True)
        values += settings.noise * deviation * tf.random.stateless_normal(tf.shape(values), seeds[1])
    return values


def _shifted(values: tf.Tensor, axis: int, most: float, seed: tf.Tensor) -> tf.Tensor:
    length = values.shape[axis]
    far = int(round(most * length))
    by = tf.random.stateless_uniform([tf.shape(values)[0]], seed, -far, far + 1, tf.int32)
    places = tf.clip_by_value(tf.range(length)[None] - by[:, None], 0, length - 1)
    return tf.gather(values, places, axis=axis, batch_dims=1)
