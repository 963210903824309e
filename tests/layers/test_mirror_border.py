"""A mirrored border: by hand, against NumPy, with open sides."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.mirror_border import MirrorBorder


def maps(shape=(2, 5, 7, 3)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_the_edge_is_repeated_and_what_follows_mirrored():
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 2, 2, 1)  # 1 2 over 3 4
    found = np.asarray(MirrorBorder(1)(x))[0, :, :, 0]
    np.testing.assert_array_equal(found, [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])
    np.testing.assert_array_equal(MirrorBorder(2)(x)[0, 2, :, 0], [2, 1, 1, 2, 2, 1])


@pytest.mark.parametrize("width", [0, 1, 5])
def test_it_equals_numpy(width):
    x, layer = maps(), MirrorBorder(width)
    found = np.asarray(layer(x))
    sides = (width, width)
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), sides, sides, (0, 0)), mode="symmetric"))
    assert found.shape == layer.compute_output_shape(x.shape)


def test_sides_may_be_open():
    assert MirrorBorder(3).compute_output_shape((None, None, 4, 3)) == (None, None, 10, 3)
    bordered = tf.function(lambda x: MirrorBorder(2)(x), [tf.TensorSpec((None, None, None, 3), tf.float32)])
    np.testing.assert_array_equal(bordered(maps()), MirrorBorder(2)(maps()))


def test_half_precision_stays():
    assert MirrorBorder(1, dtype="float16")(np.ones((1, 2, 2, 3), "float16")).dtype == "float16"
