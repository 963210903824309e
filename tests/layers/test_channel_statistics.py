"""Statistics of channels: by hand, against NumPy, sizes that do not count, constant maps, half precision."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.channel_statistics import ChannelStatistics


# 1, 3: mean 2, variance 1. With 3 more the variance is 4, the deviation 2.
def test_two_positions_by_hand():
    x = np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(ChannelStatistics(epsilon=0.0)(x), [[2, 0]], atol=1e-6)
    np.testing.assert_allclose(ChannelStatistics(epsilon=3.0)(x), [[1, np.log(2)]], atol=1e-6)


def test_every_picture_and_channel_has_its_own():
    x = np.random.default_rng(0).normal(3, 2, (2, 5, 7, 3)).astype(np.float32)
    mean, deviation = x.mean(axis=(1, 2)), np.sqrt(x.var(axis=(1, 2)) + 1e-3)
    found = ChannelStatistics()(x)
    np.testing.assert_allclose(found, np.concatenate([mean / deviation, np.log(deviation)], axis=1), rtol=1e-4)
    assert ChannelStatistics().compute_output_shape((None, None, None, 3)) == (None, 6)


def test_a_map_beside_itself_has_the_same():
    x = np.random.default_rng(1).normal(size=(1, 4, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(ChannelStatistics()(np.tile(x, (1, 3, 2, 1))), ChannelStatistics()(x), atol=1e-5)


# Of variance 0 the deviation is sqrt(0.001).
def test_a_constant_map_gives_finite_numbers():
    found = np.asarray(ChannelStatistics()(np.full((1, 4, 4, 1), 0.5, np.float32)))
    np.testing.assert_allclose(found, [[0.5 / np.sqrt(1e-3), np.log(1e-3) / 2]], rtol=1e-3)


# 128 * 128 squares near 400: in 8 bits of mantissa their sum would say nothing of a variance of 4.
def test_half_precision_is_summed_in_float32():
    x = np.random.default_rng(0).normal(20, 2, (1, 128, 128, 1)).astype("bfloat16")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = ChannelStatistics()(x)
    finally:
        keras.config.set_dtype_policy(before)
    wide = np.asarray(x, np.float64)
    assert found.dtype == "float32"
    assert np.asarray(found)[0] == pytest.approx([wide.mean() / wide.std(), np.log(wide.std())], rel=1e-3)
