"""L2 pooling: by hand, against PyTorch's definition in NumPy, and gradients where a window is nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.l2_pooling import L2Pooling


def maps(shape=(2, 7, 8, 3), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_the_pool_of_3_and_4_is_5():
    assert float(L2Pooling(2)(np.array([[3, 0], [0, -4]], np.float32).reshape(1, 2, 2, 1))[0, 0, 0, 0]) == 5


@pytest.mark.parametrize(("size", "strides"), [(3, None), (2, 1), (3, 2), (1, 1)])
def test_pools_equal_numpy(size, strides):
    x, step = maps(), strides or size
    found = np.asarray(L2Pooling(size, strides)(x))
    assert found.shape == (2, (7 - size) // step + 1, (8 - size) // step + 1, 3)
    for row, column in np.ndindex(found.shape[1:3]):
        window = x[:, row * step : row * step + size, column * step : column * step + size]
        np.testing.assert_allclose(found[:, row, column], np.sqrt((window**2).sum(axis=(1, 2))), rtol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])  # XLA's root has another gradient at 0 than TensorFlow's kernel
def test_the_gradient_of_a_window_of_zeros_is_0_and_of_others_the_direction(compiled):
    x = np.zeros((1, 3, 6, 1), np.float32)
    x[0, 0, 3], x[0, 2, 5] = 3, -4
    layer = L2Pooling(3)

    @tf.function(jit_compile=compiled)
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x))
        return tape.gradient(total, x)

    np.testing.assert_allclose(slope(tf.constant(x)), x / 5, rtol=1e-6)


def test_half_precision_does_not_overflow():
    found = L2Pooling(2, dtype="float16")(np.full((1, 2, 2, 1), 1000, np.float16))
    assert found.dtype == "float16" and float(found[0, 0, 0, 0]) == 2000


def test_sides_may_stay_open_and_config_survives_saving(tmp_path):
    x = keras.Input((None, 8, 3))
    model = keras.Model(x, L2Pooling(2, 3, name="pool")(x))
    assert model.output_shape == (None, None, 3, 3)
    model.save(tmp_path / "pool.keras")
    again = keras.saving.load_model(tmp_path / "pool.keras")
    assert again.get_layer("pool").get_config() == model.get_layer("pool").get_config()
    np.testing.assert_array_equal(again(maps()), model(maps()))


@pytest.mark.parametrize(("arguments", "name"), [({"pool_size": 0}, "pool_size"), ({"strides": 1.5}, "strides")])
def test_numbers_that_do_not_fit_are_refused(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}` must be a whole number of at least 1. Received {arguments[name]}"):
        L2Pooling(**arguments)
