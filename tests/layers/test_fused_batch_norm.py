"""Batch normalisation on the fused kernel: the numbers of Keras's own, in training, in inference and when saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization


def features(shape=(4, 5, 7, 6), seed=0, mean=0.5, deviation=2.0):
    return np.random.default_rng(seed).normal(mean, deviation, shape).astype(np.float32)


def pair(channels=6, **options):
    """Ours and Keras's, both with the same random weights."""
    rng = np.random.default_rng(1)
    values = {"gamma": rng.uniform(0.5, 1.5, channels), "beta": rng.normal(size=channels)}
    values |= {"moving_mean": rng.normal(size=channels), "moving_variance": rng.uniform(0.5, 1.5, channels)}
    made = []
    for kind in (FusedBatchNormalization, keras.layers.BatchNormalization):
        layer = kind(**options)
        layer.build((None,) * 3 + (channels,))
        for weight in layer.weights:
            weight.assign(values[weight.name])
        made.append(layer)
    return made


def uses_kernel(layer, x, **options):
    call = tf.function(lambda features: layer(features, training=True, **options))
    graph = call.get_concrete_function(tf.convert_to_tensor(x)).graph
    return "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


# By hand: 1, 3 have mean 2 and variance 1 (n, not n - 1), so -1, 1; statistics move by a tenth from 0 and 1.
def test_two_pixels_by_hand():
    layer = FusedBatchNormalization(momentum=0.9, epsilon=1e-12)
    out = layer(np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1), training=True)
    np.testing.assert_allclose(np.ravel(out), [-1, 1], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_mean, [0.2], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [1.0], rtol=1e-6)


def test_training_equals_numpy_in_double_precision():
    layer, _ = pair(momentum=0.9, epsilon=1e-3)
    x = features(mean=30, deviation=0.1)
    gamma, beta, moving_mean, moving_variance = (np.asarray(weight, np.float64) for weight in layer.weights)
    mean, variance = x.astype(np.float64).mean((0, 1, 2)), x.astype(np.float64).var((0, 1, 2))
    out = layer(x, training=True)
    np.testing.assert_allclose(out, (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(layer.moving_mean, 0.9 * moving_mean + 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 * moving_variance + 0.1 * variance, rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 5, 7, 6), (1, 3, 3, 6), (2, 1, 1, 6)])
def test_several_training_steps_equal_those_of_keras(shape):
    layers, optimizers = pair(momentum=0.9), [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
    target = features(shape, seed=9)
    for step in range(4):
        results = []
        for layer, optimizer in zip(layers, optimizers):
            x = tf.constant(features(shape, seed=step))
            with tf.GradientTape() as tape:
                tape.watch(x)
                out = layer(x, training=True)
                loss = tf.reduce_mean(tf.square(out - target))
            gradients = tape.gradient(loss, [x, *layer.trainable_weights])
            optimizer.apply(gradients[1:], layer.trainable_weights)
            results.append([out, *gradients, *layer.weights])
        for ours, keras_own in zip(*results):
            np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-5)
    assert uses_kernel(layers[0], features(shape)) and not uses_kernel(layers[1], features(shape))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_training_in_half_precision_is_close_to_keras_and_keeps_statistics_in_float32(dtype):
    ours, keras_own = pair(momentum=0.5, dtype=dtype)
    x = features()
    outputs = [layer(x, training=True) for layer in (ours, keras_own)]
    assert outputs[0].dtype == outputs[1].dtype != tf.float32
    np.testing.assert_allclose(*(np.asarray(tf.cast(out, tf.float32)) for out in outputs), rtol=0.03, atol=0.03)
    assert {weight.dtype for weight in ours.weights} == {"float32"}
    for weight, other in zip(ours.weights, keras_own.weights):
        np.testing.assert_allclose(weight, other, rtol=0.01, atol=0.01)
    assert uses_kernel(ours, tf.cast(x, ours.compute_dtype))


def test_inference_is_that_of_keras_to_the_last_bit():
    ours, keras_own = pair()
    np.testing.assert_array_equal(ours(features()), keras_own(features()))
    np.testing.assert_array_equal(ours(features(), training=False), keras_own(features(), training=False))


def test_one_pixel_in_all_is_its_own_mean():
    ours, keras_own = pair(momentum=0.5)
    x = features((1, 1, 1, 6))
    np.testing.assert_allclose(ours(x, training=True)[0, 0, 0], ours.beta, rtol=1e-5, atol=1e-6)
    keras_own(x, training=True)
    for weight, other in zip(ours.weights, keras_own.weights):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((5, 6), {}),
        ((5, 4, 6), {}),
        ((2, 3, 4, 2, 6), {}),
        ((4, 6, 5, 3), {"axis": 1}),
        ((4, 5, 7, 6), {"scale": False}),
        ((4, 5, 7, 6), {"center": False}),
    ],
)
def test_what_has_no_kernel_is_left_to_keras(shape, options):
    layers = [kind(momentum=0.9, **options) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization)]
    outputs = [np.asarray(layer(features(shape), training=True)) for layer in layers]
    np.testing.assert_array_equal(*outputs)
    for weight, other in zip(layers[0].weights, layers[1].weights):
        np.testing.assert_array_equal(weight, other)
    assert not uses_kernel(layers[0], features(shape))


def test_masked_pixels_are_left_out_as_by_keras():
    ours, keras_own = pair()
    mask = np.random.default_rng(2).random((4, 5, 7)) > 0.5
    out = ours(features(), training=True, mask=mask)
    np.testing.assert_array_equal(out, keras_own(features(), training=True, mask=mask))
    np.testing.assert_array_equal(ours.moving_mean, keras_own.moving_mean)
    assert np.abs(np.asarray(out) - ours(features(), training=True)).max() > 1e-3


def test_a_frozen_layer_normalises_by_its_statistics_and_keeps_them():
    ours, _ = pair()
    before = ours.get_weights()
    quiet = np.asarray(ours(features()))
    ours.trainable = False
    np.testing.assert_array_equal(ours(features(), training=True), quiet)
    for weight, old in zip(ours.weights, before):
        np.testing.assert_array_equal(weight, old)


def test_fit_moves_statistics_as_keras_does():
    statistics = []
    for kind in (FusedBatchNormalization, keras.layers.BatchNormalization):
        image = keras.Input((None, None, 6))
        layer = kind(momentum=0.8)
        model = keras.Model(image, layer(image))
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(features((12, 3, 5, 6)), features((12, 3, 5, 6), seed=1), batch_size=5, shuffle=False, verbose=0)
        statistics.append(layer.get_weights())
    for ours, keras_own in zip(*statistics):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-6)


def test_config_and_weights_survive_saving(tmp_path):
    image = keras.Input((5, 7, 6))
    layer = FusedBatchNormalization(momentum=0.7, epsilon=0.01, name="norm")
    model = keras.Model(image, layer(image))
    model(features(), training=True)
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    assert type(again.get_layer("norm")) is FusedBatchNormalization
    assert again.get_layer("norm").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(features()), model(features()))
