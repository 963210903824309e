"""Padding before a max pooling: by hand, and that no maximum takes it."""

import keras
import numpy as np

from cnn_suite.layers.max_pool_padding import MaxPoolPadding


def test_a_single_cell_with_one_before_and_two_after():
    padded = np.asarray(MaxPoolPadding(1, 2)(np.full((1, 1, 1, 1), 7.0)))[0, :, :, 0]
    assert padded.shape == (4, 4) == MaxPoolPadding(1, 2).compute_output_shape((1, 1, 1, 1))[1:3]
    assert padded[1, 1] == 7
    assert np.isneginf(np.delete(padded.ravel(), 5)).all()


def test_a_pooling_behind_it_keeps_negative_numbers():
    x = -1 - np.random.default_rng(0).random((1, 5, 6, 3)).astype("float32")
    pooled = np.asarray(keras.layers.MaxPooling2D(3, 2)(MaxPoolPadding(1, 1)(x)))
    assert pooled.shape == (1, 3, 3, 3)
    assert np.isfinite(pooled).all() and (pooled < 0).all()
    np.testing.assert_array_equal(pooled[0, 0, 0], x[0, :2, :2].max(axis=(0, 1)))


def test_half_precision_stays():
    assert MaxPoolPadding(1, 1, dtype="float16")(np.ones((1, 2, 2, 1), "float16")).dtype == "float16"
