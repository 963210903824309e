"""Local response normalisation: by hand, against TensorFlow's kernel, short channels, half precision, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.local_response_norm import LocalResponseNormalization


def responses(shape=(2, 3, 5, 7), seed=0):
    return np.random.default_rng(seed).normal(scale=3.0, size=shape).astype(np.float32)


def test_a_response_is_divided_by_the_squares_around_it():
    layer = LocalResponseNormalization(radius=1, bias=1.0, alpha=2.0, beta=0.5)
    # windows of 1, 2, 3: 1 + 4 = 5; 1 + 4 + 9 = 14; 4 + 9 = 13; denominators sqrt(1 + 2 * 5) and so on
    expected = [1 / 11**0.5, 2 / 29**0.5, 3 / 27**0.5]
    np.testing.assert_allclose(layer(np.array([[[[1.0, 2.0, 3.0]]]]))[0, 0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 97])
@pytest.mark.parametrize("radius", [0, 1, 2, 5])
def test_it_equals_the_kernel_of_tensorflow(channels, radius):
    x = responses((2, 3, 5, channels))
    theirs = tf.nn.local_response_normalization(x, radius, bias=2.0, alpha=0.3, beta=0.75)
    ours = LocalResponseNormalization(radius, alpha=0.3)(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_defaults_are_the_numbers_of_the_paper():
    x = 50 * responses()
    theirs = tf.nn.local_response_normalization(x, 2, bias=2.0, alpha=1e-4, beta=0.75)
    np.testing.assert_allclose(LocalResponseNormalization()(x), theirs, rtol=1e-5)


def test_its_gradient_equals_that_of_the_kernel():
    x = tf.constant(responses())
    layer = LocalResponseNormalization(alpha=0.3)
    gradients = []
    for normalise in (layer, lambda y: tf.nn.local_response_normalization(y, 2, bias=2.0, alpha=0.3, beta=0.75)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(normalise(x) ** 2)
        gradients.append(tape.gradient(total, x))
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


def test_a_pixel_does_not_see_other_pixels_and_signs_stay():
    x = responses()
    y = np.asarray(LocalResponseNormalization(alpha=0.3)(x))
    np.testing.assert_array_equal(np.sign(y), np.sign(x))
    alone = LocalResponseNormalization(alpha=0.3)(x[:1, 1:2, 2:3])
    np.testing.assert_allclose(alone, y[:1, 1:2, 2:3], rtol=1e-6)


def test_without_alpha_it_is_a_constant_factor():
    x = responses()
    np.testing.assert_allclose(LocalResponseNormalization(alpha=0.0)(x), x / 2.0**0.75, rtol=1e-6)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_does_not_overflow(precision):
    x = tf.cast(300 * responses(), precision)  # squares up to a million: float16 ends at 65,504
    y = LocalResponseNormalization(dtype=precision)(x)
    assert y.dtype == precision
    exact = LocalResponseNormalization()(tf.cast(x, "float32"))
    np.testing.assert_allclose(tf.cast(y, "float32"), exact, rtol=1e-2)


def test_sides_may_stay_open_and_vectors_are_taken_too():
    x = keras.Input((None, None, 3))
    assert LocalResponseNormalization()(x).shape == (None, None, None, 3)
    assert LocalResponseNormalization()(responses((4, 6))).shape == (4, 6)


def test_config_survives_saving(tmp_path):
    x = keras.Input((2, 3, 5))
    layer = LocalResponseNormalization(1, 1.5, 0.3, 0.5, name="norm")
    model = keras.Model(x, layer(x))
    model.save(tmp_path / "norm.keras")
    again = keras.saving.load_model(tmp_path / "norm.keras")
    assert again.get_layer("norm").get_config() == layer.get_config()
    x = responses((1, 2, 3, 5))
    np.testing.assert_array_equal(again(x), model(x))


def test_a_radius_that_is_none_is_refused():
    with pytest.raises(ValueError, match="`radius` must be a whole number of channels, at least 0. Received -1"):
        LocalResponseNormalization(radius=-1)
    with pytest.raises(ValueError, match="Received 1.5"):
        LocalResponseNormalization(radius=1.5)


@pytest.mark.parametrize("wrong", [{"bias": 0.0}, {"alpha": -1.0}, {"beta": -0.5}])
def test_numbers_with_which_the_denominator_can_vanish_are_refused(wrong):
    with pytest.raises(ValueError, match="denominator can become 0. Received bias="):
        LocalResponseNormalization(**wrong)
