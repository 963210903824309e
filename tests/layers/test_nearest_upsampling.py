"""Enlarging by repeating cells: against Keras's layer and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.nearest_upsampling import NearestUpsampling


def test_every_cell_is_repeated():
    x = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1)
    found = np.asarray(NearestUpsampling()(x))[0, :, :, 0]
    np.testing.assert_array_equal(found, [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 1, 1, 1)])
def test_it_equals_keras_and_numpy(factor, shape):
    x, layer = np.random.default_rng(0).normal(size=shape).astype(np.float32), NearestUpsampling(factor)
    found = np.asarray(layer(x))
    np.testing.assert_array_equal(found, keras.layers.UpSampling2D(factor)(x))
    np.testing.assert_array_equal(found, x.repeat(factor, axis=1).repeat(factor, axis=2))
    assert found.shape == layer.compute_output_shape(shape)


def test_sides_may_be_open():
    layer = NearestUpsampling(2)
    assert layer.compute_output_shape((None, None, 5, 4)) == (None, None, 10, 4)
    serve = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 2), tf.float32)])
    assert serve(np.ones((1, 3, 4, 2), np.float32)).shape == (1, 6, 8, 2)


def test_half_precision_stays():
    assert NearestUpsampling(dtype="float16")(np.ones((1, 2, 2, 4), "float16")).dtype == "float16"


@pytest.mark.parametrize("factor", [0, 1.5])
def test_a_factor_must_be_whole(factor):
    with pytest.raises(ValueError, match=f"`factor` must be a whole number of at least 1. Received {factor}"):
        NearestUpsampling(factor)
