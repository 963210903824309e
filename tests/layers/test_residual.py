"""The residual block: its shortcut, its arithmetic, and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.residual import ResidualBlock


def pictures(shape=(2, 5, 7, 8), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_a_block_with_zero_last_weights_equals_its_shortcut():
    block = ResidualBlock(8)
    x = pictures()
    block(x)
    block.restore_norm.gamma.assign(np.zeros(8))
    np.testing.assert_array_equal(block(x), x)
    np.testing.assert_array_equal(block(x, training=True), x)


def test_a_block_is_its_input_plus_two_convolutions():
    block = ResidualBlock(8, bottleneck=3, activation="relu")
    x = pictures()
    block(x)
    inner = tf.nn.relu(tf.nn.conv2d(x, block.reduce.kernel, 1, "SAME") / np.sqrt(1 + block.reduce_norm.epsilon))
    outer = tf.nn.conv2d(inner, block.restore.kernel, 1, "SAME") / np.sqrt(1 + block.restore_norm.epsilon)
    np.testing.assert_allclose(block(x), x + tf.nn.relu(outer), rtol=1e-4, atol=1e-5)


def test_the_bottleneck_is_half_of_the_filters_unless_given():
    assert ResidualBlock(8).bottleneck == 4
    assert ResidualBlock(8, bottleneck=2).bottleneck == 2


def test_parameters_are_those_of_two_convolutions_and_two_norms():
    block = ResidualBlock(8)
    block.build((None, None, None, 8))
    assert block.count_params() == 8 * 4 + 4 * 4 + 9 * 4 * 8 + 4 * 8


def test_training_normalises_by_the_batch_and_moves_the_statistics():
    block = ResidualBlock(8, momentum=0.5)
    x = pictures()
    quiet = np.asarray(block(x, training=False))
    before = block.reduce_norm.moving_mean.numpy().copy()
    assert np.abs(np.asarray(block(x, training=True)) - quiet).max() > 1e-3
    mean = np.asarray(block.reduce(x)).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(block.reduce_norm.moving_mean, 0.5 * before + 0.5 * mean, rtol=1e-4, atol=1e-6)


def test_sides_may_stay_open():
    x = keras.Input((None, None, 8))
    model = keras.Model(x, ResidualBlock(8)(x))
    assert model.output_shape == (None, None, None, 8)
    assert model(pictures((1, 3, 9, 8))).shape == (1, 3, 9, 8)


def test_config_and_weights_survive_saving(tmp_path):
    x = keras.Input((4, 5, 8))
    block = ResidualBlock(8, bottleneck=2, activation="relu", momentum=0.5, name="block")
    model = keras.Model(x, block(x))
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).uniform(0.5, 1, weight.shape))
    model.save(tmp_path / "block.keras")
    again = keras.saving.load_model(tmp_path / "block.keras")
    assert again.get_layer("block").get_config() == block.get_config()
    np.testing.assert_array_equal(again(pictures((1, 4, 5, 8))), model(pictures((1, 4, 5, 8))))


def test_an_input_of_other_channels_is_refused():
    with pytest.raises(ValueError, match="`odd` adds its input to its output and needs 8 input channels. Received 6"):
        ResidualBlock(8, name="odd")(pictures((1, 3, 3, 6)))
