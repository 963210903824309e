"""Batches of annotated pictures: decode, cache, shuffle, augment, batch, prefetch, all in tf.data.

Pictures may have any size and any number of boxes; a batch is padded to its own largest number, nothing is cut.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from cnn_suite.config_detection import Data
from cnn_suite.config_sections import Training
from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.augmentation import Example, augment, mosaic
from cnn_suite.data.colour import random_colour
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.data.views import move_boxes, whole, whole_view

CROWD = -2.0  # class id of truths that are neither to be found nor to be punished, difficult objects among them
PADDING = -1.0


def truths_of(picture: AnnotatedPicture) -> np.ndarray:
    """Truths of a picture, float32 `(n, 5)`: unit xyxy and class id, `CROWD` for crowds and difficult objects."""
    class_ids = np.where(picture.ignored, CROWD, picture.class_ids)
    return np.concatenate([picture.boxes.reshape(-1, 4), class_ids.reshape(-1, 1)], axis=1).astype(np.float32)


def examples(pictures: Sequence[AnnotatedPicture], cache: str = "memory") -> tf.data.Dataset:
    """Decoded pictures uint8 `(height, width, 3)` with truths `(n, 5)`, in order."""
    dataset = _rows(pictures).map(_decoder(pictures), num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.cache() if cache == "memory" else dataset


def _rows(pictures: Sequence[AnnotatedPicture]) -> tf.data.Dataset:
    """Number of every picture, and its truths."""
    if not pictures:
        raise ValueError("`pictures` must contain at least one picture. Received none. Check the split names.")
    truths = [truths_of(picture) for picture in pictures]
    rows = tf.RaggedTensor.from_row_lengths(np.concatenate(truths), [len(t) for t in truths])
    return tf.data.Dataset.from_tensor_slices((np.arange(len(pictures)), rows))


def _decoder(pictures: Sequence[AnnotatedPicture]) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    def decoded(index, truths):
        image = tf.numpy_function(lambda i: load_pixels(pictures[i]), [index], tf.uint8)
        return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(truths, (None, 5))

    return decoded


def training_batches(
    pictures: Sequence[AnnotatedPicture],
    size_hw: tuple[int, int],
    data: Data,
    training: Training,
    *,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    multi_scale: float = 0.0,
) -> tf.data.Dataset:
    """Augmented full batches of every epoch from `first_epoch` on, one after the other, the same for the same seed.

    The pictures come in passes, each of them every picture once in an order of its own. A batch may span two passes,
    so that none is left out where the batch size does not divide their number.

    Args:
        pictures: Training pictures; decoded once with `data.cache` "memory", otherwise on every use, so that
            only the pictures of a few batches are held.
        size_hw: Size of the network's input.
        data: Batch size and augmentation.
        training: Number of epochs, steps.
        seed: Seed for order and augmentation.
        first_epoch: Epoch from which an interrupted training, or a phase of it, continues.
        epochs: End epoch, exclusive; None for the end of the training.
        multi_scale: Fraction by which the size of the input varies between batches.

    Returns:
        Data set of float32 images `(batch, height, width, 3)`, 0..255, and truths `(batch, n, 5)` padded with -1.
    """
    count, settings = len(pictures), data.augmentation
    cached = data.cache == "memory"
    source = examples(pictures) if cached else _rows(pictures)
    decoded = _decoder(pictures)
    steps = training.steps(count, data.batch_size)
    first = first_epoch * steps * data.batch_size  # examples of the epochs before
    mosaic_end = (training.total_epochs - settings.close_mosaic_epochs) * steps  # in batches

    def augmented(index, chosen):
        own_seed = tf.stack([tf.cast(seed, tf.int64), index])
        batch = index // data.batch_size
        canvas_hw = _canvas_of(size_hw, multi_scale, tf.stack([tf.cast(seed, tf.int64), -1 - batch]))
        chosen = [Example(*(c if cached else decoded(*c))) for c in chosen]
        return tuple(_one_example(chosen, own_seed, canvas_hw, data, batch < mosaic_end))

    chosen = passes(source, count, seed, first // count, 4 if settings.mosaic else 1).skip(first % count)
    index = tf.data.Dataset.range(first, (epochs or training.total_epochs) * steps * data.batch_size)
    stream = tf.data.Dataset.zip((index, chosen)).map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
    return _batched(stream, data.batch_size).prefetch(tf.data.AUTOTUNE)


def passes(source: tf.data.Dataset, count: int, seed: int, first: int, companions: int) -> tf.data.Dataset:
    """Endless passes over the examples from number `first` on: tuples of `companions` examples, each in an order of
    its own."""

    def one_pass(number):
        # For this small graph alone: the orders then depend on `seed` only, and a seed that is a tensor is not
        # compared with 0, as TensorFlow does where the global seed is 0.
        tf.compat.v1.set_random_seed(1)
        seeds = [tf.cast(seed, tf.int64) * 1_000_003 + number * 4 + k for k in range(companions)]
        return tf.data.Dataset.zip(tuple(source.shuffle(count, seed=own) for own in seeds))

    return tf.data.Dataset.range(first, tf.int64.max).flat_map(one_pass)


def _one_example(chosen: list[Example], seed, canvas_hw, data: Data, open_mosaic) -> Example:
    settings, resize = data.augmentation, data.resize
    choice_seed, place_seed, colour_seed = tf.unstack(tf.random.split(seed, 3))
    if len(chosen) == 1:
        placed = augment(chosen[0], place_seed, canvas_hw, settings, resize)
    else:
        with_mosaic = open_mosaic & (tf.random.stateless_uniform([], choice_seed) < settings.mosaic)
        placed = tf.cond(
            with_mosaic,
            lambda: mosaic(tuple(chosen), place_seed, canvas_hw, settings, resize),
            lambda: augment(chosen[0], place_seed, canvas_hw, settings, resize),
        )
    return placed._replace(image=random_colour(placed.image, colour_seed, settings))


def _canvas_of(size_hw: tuple[int, int], multi_scale: float, batch_seed: tf.Tensor) -> tf.Tensor:
    """Size of the input for one batch, a multiple of 32 within `multi_scale` of the usual one."""
    if multi_scale == 0:
        return tf.constant(size_hw)
    factor = tf.random.stateless_uniform([], batch_seed, 1 - multi_scale, 1 + multi_scale)
    return tf.maximum(tf.cast(tf.round(tf.constant(size_hw, tf.float32) * factor / 32), tf.int32), 1) * 32


def evaluation_batches(
    decoded: tf.data.Dataset, size_hw: tuple[int, int], batch_size: int, resize: str = "letterbox"
) -> tf.data.Dataset:
    """Batches of whole pictures in order, without randomness; images and truths as in `training_batches`."""

    def placed(image, truths):
        view = whole_view(tf.shape(image)[:2], size_hw, resize)
        boxes = move_boxes(truths[:, :4], view)
        return whole(image[None], size_hw, resize)[0], tf.concat([boxes, truths[:, 4:]], axis=1)

    batches = _batched(decoded.map(placed, num_parallel_calls=tf.data.AUTOTUNE), batch_size)
    return batches.prefetch(tf.data.AUTOTUNE)


def _batched(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    return dataset.padded_batch(
        batch_size, padded_shapes=((None, None, 3), (None, 5)), padding_values=(0.0, PADDING)
    )
