"""Instance normalisation: against Keras's own and NumPy; mixtures of styles; a context; half precision."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.instance_norm import InstanceNorm


def maps(shape=(2, 5, 7, 3), seed=0):
    return np.random.default_rng(seed).normal(3, 2, shape).astype(np.float32)


def built(styles=1, channels=3, **more):
    """A layer whose every style scales and shifts in its own way."""
    layer = InstanceNorm(styles, **more)
    layer.build((None, None, None, channels))
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(size=(styles, channels)) for _ in range(2)])
    return layer


def by_numpy(x, gamma, beta, epsilon=1e-5):
    found = np.empty(x.shape)
    for picture, channel in np.ndindex(x.shape[0], x.shape[3]):
        values = x[picture, :, :, channel].astype(np.float64)
        scaled = (values - values.mean()) / np.sqrt(values.var() + epsilon)
        found[picture, :, :, channel] = scaled * gamma[channel] + beta[channel]
    return found


# 1, 3: mean 2, variance 1.
def test_two_positions_by_hand():
    x = np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(np.ravel(InstanceNorm(epsilon=0.0)(x)), [-1, 1])
    np.testing.assert_allclose(np.ravel(InstanceNorm(epsilon=3.0)(x)), [-0.5, 0.5])


def test_it_equals_group_normalisation_with_a_channel_a_group_and_numpy():
    x, layer = maps(), built()
    groups = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
    groups.build(x.shape)
    gamma, beta = (weight[0] for weight in layer.get_weights())
    groups.set_weights([gamma, beta])
    np.testing.assert_allclose(layer(x), groups(x), atol=1e-5)
    np.testing.assert_allclose(layer(x), by_numpy(x, gamma, beta), atol=1e-5)


def test_a_picture_does_not_see_the_others_of_its_batch_nor_whether_it_trains():
    x, layer = maps(), built()
    np.testing.assert_allclose(layer(x[:1]), layer(x)[:1], atol=1e-6)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))


def test_contrast_and_brightness_of_a_picture_do_not_count():
    x, layer = maps(), built(epsilon=1e-9)
    np.testing.assert_allclose(layer(20 * x + 50), layer(x), atol=1e-4)


def test_one_colour_gives_the_shift_and_no_nan():
    layer = built()
    found = np.asarray(layer(np.full((1, 4, 4, 3), 7.0, np.float32)))
    np.testing.assert_allclose(found, np.broadcast_to(layer.beta[0], found.shape), atol=1e-3)


def test_each_style_alone_is_the_norm_with_its_own_scale_and_shift():
    x, layer = maps(), built(styles=3)
    gamma, beta = layer.get_weights()
    for style in range(3):
        found = layer(x, np.tile(np.eye(3, dtype=np.float32)[style], (2, 1)))
        np.testing.assert_allclose(found, by_numpy(x, gamma[style], beta[style]), atol=1e-5)
    np.testing.assert_allclose(layer(x), by_numpy(x, gamma[0], beta[0]), atol=1e-5)  # the first without a mixture


def test_a_mixture_has_the_weighted_mean_of_scales_and_shifts_for_every_picture_its_own():
    x, layer = maps(), built(styles=2)
    gamma, beta = layer.get_weights()
    mixture = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    found = layer(x, mixture)
    for picture, weights in enumerate(mixture):
        expected = by_numpy(x[picture : picture + 1], weights @ gamma, weights @ beta)
        np.testing.assert_allclose(found[picture], expected[0], atol=1e-5)
    one_for_all = layer(x, mixture[:1])
    np.testing.assert_allclose(one_for_all[1], by_numpy(x[1:], gamma.mean(0), beta.mean(0))[0], atol=1e-5)


# Squares are about 404, where 8 bits of mantissa tell 404 from 406: of a variance of 4 nothing would be left.
def test_statistics_of_half_precision_are_float32():
    x = np.random.default_rng(0).normal(20, 2, (1, 128, 128, 1)).astype("bfloat16")
    layer = InstanceNorm(dtype="mixed_bfloat16")
    found = layer(x)
    assert found.dtype == "bfloat16" and layer.gamma.dtype == "float32"
    expected = by_numpy(np.asarray(x, np.float32), [1.0], [0.0])
    np.testing.assert_allclose(np.asarray(found, np.float32), expected, atol=0.12)


def test_it_has_a_scale_and_a_shift_a_style_and_channel_and_keeps_shapes():
    layer = built(styles=4, channels=6)
    assert layer.count_params() == 2 * 4 * 6
    assert layer.compute_output_shape((None, None, 9, 6)) == (None, None, 9, 6)
    assert layer.compute_output_shape((2, 8, 9, 6), (2, 4)) == (2, 8, 9, 6)


# What is known of a picture


def with_context(styles=1, channels=3, numbers=2):
    layer = InstanceNorm(styles)
    layer.build((None, None, None, channels), (None, styles), (None, numbers))
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(size=weight.shape) for weight in layer.weights])
    return layer


# Context (1, 2), one channel: the changes are 1 * 0.5 + 2 * 0.25 = 1 and 1 * 3 - 2 * 1 = 1. The normalised -1, 1 become
# -1 * 2 + 1 = -1 and 1 * 2 + 1 = 3, then with gamma 10 and beta 1: -9 and 31.
def test_a_context_scales_and_shifts_what_is_normalised_by_hand():
    layer = InstanceNorm(epsilon=0.0)
    x, context = np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1), np.array([[1, 2]], np.float32)
    layer(x, None, context)
    layer.set_weights([np.array(w) for w in ([[10.0]], [[1.0]], [[0.5, 3.0], [0.25, -1.0]])])
    np.testing.assert_allclose(np.ravel(layer(x, None, context)), [-9, 31])


def test_before_training_a_context_changes_nothing_and_then_it_can_learn():
    x, layer = maps(), InstanceNorm()
    context = np.array([[1, 2], [-3, 4]], np.float32)
    np.testing.assert_allclose(layer(x, None, context), InstanceNorm()(x), atol=1e-6)
    found = keras.Input((2,))
    model = keras.Model([image := keras.Input((5, 7, 3)), found], layer(image, None, found))
    model.compile("sgd", "mse")
    model.train_on_batch([x, context], x)
    assert np.abs(layer.context_kernel).min() > 0


def test_every_picture_is_changed_by_its_own_context_in_its_own_style():
    x, layer = maps(), with_context(styles=2)
    gamma, beta, kernel = layer.get_weights()
    mixture, context = np.eye(2, dtype=np.float32), np.array([[0.5, 1], [-1, 2]], np.float32)
    found = layer(x, mixture, context)
    for picture in range(2):
        times, plus = np.split(context[picture] @ kernel, 2)
        scale, shift = gamma[picture] * (1 + times), beta[picture] + gamma[picture] * plus
        np.testing.assert_allclose(found[picture], by_numpy(x[picture : picture + 1], scale, shift)[0], atol=1e-4)


def test_a_context_costs_two_weights_a_number_and_channel():
    assert with_context(channels=6, numbers=5).count_params() == 2 * 6 + 5 * 2 * 6
    assert with_context().compute_output_shape((2, 8, 9, 3), (2, 1), (2, 2)) == (2, 8, 9, 3)


@pytest.mark.parametrize("styles", [0, -1, 1.5])
def test_styles_must_be_a_number_of_them(styles):
    with pytest.raises(ValueError, match=f"`styles` must be a whole number of at least 1. Received {styles}"):
        InstanceNorm(styles)
