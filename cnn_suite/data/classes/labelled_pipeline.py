"""Batches of labelled pictures: stored at one size, shuffled by number, gathered and augmented batch by batch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from cnn_suite.config_classification import Data
from cnn_suite.data.boxes.pipeline import passes
from cnn_suite.data.classes.labelled import LabelledPictures
from cnn_suite.data.classes.picture_augmentation import augment_pictures, mix_pictures
from cnn_suite.data.classes.picture_views import centre_views
from cnn_suite.data.picture_resize import resized

Gather = Callable[[tf.Tensor], tf.Tensor]  # numbers of pictures (batch,) to uint8 (batch, height, width, channels)


def kept_size(size_hw: Sequence[int], margin: float) -> tuple[int, int]:
    """Size at which pictures are stored for random views of `size_hw`."""
    return round(size_hw[0] * margin), round(size_hw[1] * margin)


def gatherer(pictures: LabelledPictures, size_hw: Sequence[int], data: Data, channels: int) -> Gather:
    """A function that returns pictures by number: from memory if they are cached, otherwise decoded on demand."""

    def load(index: int) -> np.ndarray:
        return resized(pictures.load(int(index)), size_hw, data.resize, channels)

    def load_all(indices: np.ndarray) -> np.ndarray:
        with ThreadPoolExecutor() as pool:
            return np.stack(list(pool.map(load, indices)))

    if data.cache == "memory":
        kept = np.empty((len(pictures), *size_hw, channels), np.uint8)
        with ThreadPoolExecutor() as pool:
            for index, pixels in enumerate(pool.map(load, range(len(pictures)))):
                kept[index] = pixels
        everything = tf.constant(kept)
        return lambda indices: tf.gather(everything, indices)

    def gather(indices: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(load_all, [indices], tf.uint8), (None, *size_hw, channels))

    return gather


def training_batches(
    pictures: LabelledPictures,
    classes: int,
    size_hw: Sequence[int],
    channels: int,
    data: Data,
    *,
    seed: int,
    steps_per_epoch: int,
    epochs: int,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Augmented full batches of every epoch from `first_epoch` on, reproducible for a given seed.

    Args:
        pictures: Training pictures.
        classes: Number of classes.
        size_hw: Size of the network's input.
        channels: Channels of the network's input.
        data: Batch size, resizing and augmentation.
        seed: Seed for order and augmentation.
        steps_per_epoch: Batches of one epoch.
        epochs: Epochs of the whole training.
        first_epoch: Epoch from which an interrupted training continues.

    Returns:
        Data set of images `(batch, height, width, channels)`, 0..255, and class shares float32 `(batch, classes)`. With
        `augment_in` "model" images are as they are kept.
    """
    count, batch_size = len(pictures), data.batch_size
    kept_hw = kept_size(size_hw, data.margin)
    gather = gatherer(pictures, kept_hw, data, channels)
    class_ids = tf.constant(pictures.class_ids)
    first = first_epoch * steps_per_epoch * batch_size

    def batch(number, indices):
        own_seed = tf.stack([tf.cast(seed, tf.int64), number])
        views_seed, mix_seed = tf.unstack(tf.random.split(own_seed, 2))
        images, ids = gather(indices), tf.gather(class_ids, indices)
        shares = tf.one_hot(ids, classes)
        if data.augment_in == "pipeline":
            images = augment_pictures(images, views_seed, data.augmentation, size_hw)
        return mix_pictures(images, shares, mix_seed, data.augmentation)

    numbers = tf.data.Dataset.range(first_epoch * steps_per_epoch, epochs * steps_per_epoch)
    order = passes(tf.data.Dataset.range(count), count, seed, first // count, 1).skip(first % count)
    indices = order.map(lambda only: only).batch(batch_size, drop_remainder=True)  # out of its tuple of one
    batches = tf.data.Dataset.zip((numbers, indices)).map(batch, num_parallel_calls=2, deterministic=True)
    return batches.prefetch(4)


def evaluation_batches(
    pictures: LabelledPictures, classes: int, size_hw: Sequence[int], channels: int, data: Data
) -> tf.data.Dataset:
    """Batches in order, without augmentation: images as in the exported graph, and class shares."""
    gather = gatherer(pictures, kept_size(size_hw, data.margin), data, channels)
    class_ids = tf.constant(pictures.class_ids)

    def batch(indices):
        return centre_views(gather(indices), size_hw), tf.one_hot(tf.gather(class_ids, indices), classes)

    numbers = tf.data.Dataset.range(len(pictures)).batch(data.batch_size)
    return numbers.map(batch, num_parallel_calls=2).prefetch(4)
