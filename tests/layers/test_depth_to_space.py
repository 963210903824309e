"""Channels become pixels: by hand, against TensorFlow, refusals."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.depth_to_space import DepthToSpace


def test_four_channels_become_a_square_of_pixels():
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 1, 4)
    np.testing.assert_array_equal(DepthToSpace(2)(x)[0, :, :, 0], [[1, 2], [3, 4]])


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_it_equals_tensorflow(factor):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 36)).astype(np.float32)
    found = DepthToSpace(factor)(x)
    expected = x if factor == 1 else tf.nn.depth_to_space(x, factor)
    np.testing.assert_array_equal(found, expected)
    assert found.shape == DepthToSpace(factor).compute_output_shape(x.shape)


def test_sides_may_be_open():
    assert DepthToSpace(2).compute_output_shape((None, None, 4, 12)) == (None, None, 8, 3)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="`factor` must be a whole number of at least 1. Received 0"):
        DepthToSpace(0)
    with pytest.raises(ValueError, match="The number of channels must be divisible by `factor` squared, 4. Received 6"):
        DepthToSpace(2)(np.ones((1, 2, 2, 6)))
