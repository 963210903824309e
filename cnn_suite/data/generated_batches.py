"""Batches of examples generated on the fly from their numbers, reproducible for a given seed.

A source has a length and a method `random(number, generator, settings)` that gives a uint8 picture and a target.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

Example = tuple[np.ndarray, np.ndarray]


class ExampleSource(Protocol):
    """A source of examples."""

    def __len__(self) -> int:
        """How many there are."""

    def still(self, number: int) -> Example:
        """Picture `(size, size, 3)` and target of one example, without augmentation."""

    def random(self, number: int, generator: np.random.Generator, settings: Any) -> Example:
        """The same, randomly augmented."""


def in_passes(count: int, seed: int) -> Callable[[int], int]:
    """From the place in an endless training to a number: passes over all of them, each in an order of its own."""

    def number_of(index: int) -> int:
        turn, place = divmod(index, count)
        return int(np.random.default_rng((seed, turn)).permutation(count)[place])

    return number_of


def training_batches(
    source: ExampleSource,
    settings: Any,
    batch_size: int,
    *,
    seed: int,
    first: int,
    last: int,
    number_of: Callable[[int], int] | None = None,
) -> tf.data.Dataset:
    """Batches of the examples from place `first` up to `last`: float32 pictures and targets.

    Args:
        source: Source of the examples.
        settings: The augmentation settings passed to `random`.
        batch_size: Examples per batch.
        seed: Seed for order and random changes.
        first: Where an interrupted training continues.
        last: End of the range, exclusive.
        number_of: Maps a place to the number of an example; defaults to passes over all examples.
    """
    chosen = number_of or in_passes(len(source), seed)

    def example(index: np.int64) -> Example:
        return source.random(chosen(int(index)), np.random.default_rng((seed, 1, int(index))), settings)

    return _batches(tf.data.Dataset.range(first, last), example, source, batch_size)


def evaluation_batches(source: ExampleSource, batch_size: int) -> tf.data.Dataset:
    """Batches of all examples without augmentation, in order."""
    numbers = tf.data.Dataset.range(len(source))
    return _batches(numbers, lambda index: source.still(int(index)), source, batch_size)


def _batches(
    numbers: tf.data.Dataset, example: Callable[[np.int64], Example], source: ExampleSource, batch_size: int
) -> tf.data.Dataset:
    shapes = [part.shape for part in source.still(0)]

    def made(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, target = tf.numpy_function(example, [index], (tf.uint8, tf.float32))
        return tf.ensure_shape(image, shapes[0]), tf.ensure_shape(target, shapes[1])

    batches = numbers.map(made, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)
    return batches.map(lambda images, targets: (tf.cast(images, tf.float32), targets)).prefetch(tf.data.AUTOTUNE)
