"""A map at the size of another: by hand, with open sides, with other channels."""

import numpy as np
import tensorflow as tf

from cnn_suite.layers.cropped_to import CroppedTo


def test_rows_and_columns_too_many_are_left_out():
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)  # 0 1 2 3 over 4 5 6 7 over 8 9 10 11
    found = CroppedTo()(x, np.zeros((1, 2, 3, 5)))
    np.testing.assert_array_equal(found[0, :, :, 0], [[0, 1, 2], [4, 5, 6]])


def test_a_map_of_that_size_stays_as_it_is():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(CroppedTo()(x, x), x)


def test_sides_may_be_open_and_channels_may_differ():
    assert CroppedTo().compute_output_shape((None, 9, 9, 8), (None, None, 4, 3)) == (None, None, 4, 8)
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    cropped = tf.function(lambda x, other: CroppedTo()(x, other), [spec, spec])
    assert cropped(np.ones((1, 4, 4, 3)), np.ones((1, 3, 2, 3))).shape == (1, 3, 2, 3)
