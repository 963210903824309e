"""Batches of arrays: shapes, order, and what augmentation does to them."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_arrays import Augmentation
from cnn_suite.data.classes.array_batches import augmented, evaluation_batches, stacked, training_batches
from cnn_suite.data.classes.labelled import of_numbers

STILL = Augmentation()


def examples(*shape):
    values = np.random.default_rng(0).normal(size=shape)
    return of_numbers(values, np.arange(len(values)) % 2, "memory")


@pytest.mark.parametrize(("shape", "axes", "expected"), [
    ((3, 10), None, (3, 10, 1)), ((3, 10), 1, (3, 10, 1)),
    ((3, 10, 2), 1, (3, 10, 2)), ((3, 10, 2), None, (3, 10, 2, 1)),
    ((3, 4, 5, 6), 3, (3, 4, 5, 6, 1)), ((3, 4, 5, 6), None, (3, 4, 5, 6, 1)), ((3, 4, 5, 6, 2), 3, (3, 4, 5, 6, 2)),
])  # fmt: skip
def test_channels_come_last_and_are_added_where_there_are_none(shape, axes, expected):
    found = stacked(examples(*shape), axes)
    assert found.shape == expected and found.dtype == np.float32


@pytest.mark.parametrize(("shape", "axes"), [((3, 10), 2), ((3, 4, 5, 6), 2 - 1), ((3, 2, 2, 2, 2), None)])
def test_other_numbers_of_sides_are_refused(shape, axes):
    with pytest.raises(ValueError, match="data.axes: examples must have"):
        stacked(examples(*shape), axes)


def batches(seed=1, first=0, last=9, augmentation=STILL):
    values = np.arange(10, dtype=np.float32)[:, None, None] * np.ones((1, 4, 1), np.float32)
    made = training_batches(values, np.arange(10) % 3, 3, augmentation, 4, seed=seed, first=first, last=last)
    return [(found.numpy(), shares.numpy()) for found, shares in made]


def test_every_pass_has_every_example_once_and_its_own_class():
    made = batches(last=5)
    numbers = np.concatenate([found[:, 0, 0] for found, _ in made])
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))
    assert numbers[:10].tolist() != numbers[10:].tolist()
    for found, shares in made:
        assert shares.argmax(axis=1).tolist() == (found[:, 0, 0] % 3).tolist()


def test_an_interrupted_training_goes_on_with_the_same_batches():
    noisy = Augmentation(noise=0.5, shift=0.5)
    whole, rest = batches(augmentation=noisy), batches(first=4, augmentation=noisy)
    assert len(whole) == 9 and len(rest) == 5
    for (found, _), (again, _) in zip(whole[4:], rest):
        np.testing.assert_array_equal(found, again)


def test_evaluation_is_in_order():
    ((values, shares),) = evaluation_batches(np.eye(3, dtype=np.float32), np.array([2, 0, 1]), 3, 8)
    assert values.numpy().tolist() == np.eye(3).tolist() and shares.numpy().argmax(axis=1).tolist() == [2, 0, 1]


def changed(values, seed=0, **settings):
    seeds = tf.constant([0, seed], tf.int64)
    return augmented(tf.constant(values, tf.float32), seeds, Augmentation(**settings)).numpy()


RAMP = np.arange(1, 9, dtype=np.float32)[None, :, None] * np.ones((200, 1, 1), np.float32)


def test_without_settings_nothing_changes():
    np.testing.assert_array_equal(changed(RAMP), RAMP)


def test_half_of_the_examples_are_mirrored_along_the_axes_named():
    found = changed(RAMP, mirror=(0,))
    turned = (found == RAMP[:, ::-1]).all(axis=(1, 2))
    assert 60 < turned.sum() < 140 and (found[~turned] == RAMP[~turned]).all()
    volume = np.arange(24.0).reshape(1, 2, 3, 4, 1) * np.ones((50, 1, 1, 1, 1))
    kept = changed(volume, mirror=(2,))
    assert {tuple(one[0, 0, :, 0]) for one in kept} == {(0, 1, 2, 3), (3, 2, 1, 0)}


def test_shifts_are_whole_steps_up_to_the_largest_and_the_edge_fills():
    found = changed(RAMP, shift=0.25)[..., 0]
    assert {tuple(one) for one in found} == {
        tuple(np.clip(np.arange(8) - by, 0, 7) + 1.0) for by in (-2, -1, 0, 1, 2)
    }


def test_factors_and_noise_are_of_each_example_alone():
    factors = changed(RAMP, scale=(0.5, 2.0)) / RAMP
    assert np.ptp(factors, axis=(1, 2)).max() < 1e-6
    assert 0.5 <= factors.min() < 0.6 and 1.8 < factors.max() <= 2
    noise = changed(RAMP, noise=0.1) - RAMP
    assert noise.std() == pytest.approx(0.1 * RAMP[0].std(), rel=0.1)


def test_the_same_seed_gives_the_same_changes():
    settings = {"shift": 0.5, "noise": 0.1, "mirror": (0,)}
    np.testing.assert_array_equal(changed(RAMP, 3, **settings), changed(RAMP, 3, **settings))
    assert not np.array_equal(changed(RAMP, 3, **settings), changed(RAMP, 4, **settings))
