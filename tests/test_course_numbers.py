"""The worked numbers of the course chapters from "One layer of a convolutional network" to "Inception network"."""

import keras
import numpy as np
from keras import layers

from cnn_suite import models
from cnn_suite.layers.inception import InceptionModule
from cnn_suite.models.surgery import features_at
from cnn_suite.sums import model_sums

MATRIX = np.array([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]], np.float32)[None, :, :, None]


def test_one_layer_is_a_filter_a_bias_and_an_activation():
    # 6x6x3 and two 3x3x3 filters give 4x4x2: a = relu(w * a0 + b).
    layer = layers.Conv2D(2, 3, activation="relu", bias_initializer="ones")
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 3)).astype(np.float32)
    found = np.asarray(layer(x))
    assert found.shape == (1, 4, 4, 2) and layer.kernel.shape == (3, 3, 3, 2) and layer.bias.shape == (2,)
    window = (x[0, 1:4, 2:5, :, None] * np.asarray(layer.kernel)).sum(axis=(0, 1, 2)) + 1
    np.testing.assert_allclose(found[0, 1, 2], np.maximum(window, 0), rtol=1e-5, atol=1e-6)


def test_the_simple_network_shrinks_39_to_37_to_17_to_7_and_unrolls_1960_values():
    # f=3, s=1, 10 filters; f=5, s=2, 20 filters; f=5, s=2, 40 filters; (n + 2p - f) / s + 1 each time.
    network = keras.Sequential(
        [
            keras.Input((39, 39, 3)),
            layers.Conv2D(10, 3),
            layers.Conv2D(20, 5, strides=2),
            layers.Conv2D(40, 5, strides=2),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    shapes = [row.output_shape for row in model_sums(network).layers]
    assert shapes == [(37, 37, 10), (17, 17, 20), (7, 7, 40), (1960,), (1,)]


def test_max_pooling_of_the_notes_matrix():
    found = np.asarray(layers.MaxPooling2D(2, 2)(MATRIX))[0, :, :, 0]
    np.testing.assert_array_equal(found, [[9, 2], [6, 3]])


def test_average_pooling_of_the_notes_matrix():
    found = np.asarray(layers.AveragePooling2D(2, 2)(MATRIX))[0, :, :, 0]
    np.testing.assert_array_equal(found, [[3.75, 1.25], [3.75, 2.0]])


def test_pooling_has_nothing_to_learn():
    assert layers.MaxPooling2D(2, 2).count_params() == 0


def test_a_1x1_filter_on_one_channel_multiplies_by_its_value():
    layer = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0))
    matrix = np.array([[1, 2, 3, 6, 5, 8], [3, 5, 5, 1, 3, 4]], np.float32)[None, :, :, None]
    np.testing.assert_array_equal(layer(matrix), 2 * matrix)


def test_1x1_filters_choose_the_number_of_channels_and_keep_the_size():
    x = np.ones((1, 6, 6, 32), np.float32)
    assert layers.Conv2D(8, 1, activation="relu")(x).shape == (1, 6, 6, 8)


def test_the_inception_module_of_the_notes_makes_192_channels_256():
    x = keras.Input((28, 28, 192))
    assert InceptionModule(64, 96, 128, 16, 32, 32)(x).shape == (None, 28, 28, 256)
    assert InceptionModule(64, None, 128, None, 32, None)(x).shape == (None, 28, 28, 64 + 128 + 32 + 192)  # naive


def test_vgg_halves_the_sides_and_doubles_the_channels():
    names = [f"block{number}_pool" for number in range(1, 6)]
    network = models.vgg16((224, 224, 3), include_top=False)
    shapes = [tuple(features_at(network, names).output[name].shape[1:]) for name in names]
    assert shapes == [(112, 112, 64), (56, 56, 128), (28, 28, 256), (14, 14, 512), (7, 7, 512)]


def test_the_rows_of_the_googlenet_table_have_the_notes_output_sizes():
    rows = {
        "conv1": (112, 112, 64),
        "pool1": (56, 56, 64),
        "conv2": (56, 56, 192),
        "pool2": (28, 28, 192),
        "inception_3a": (28, 28, 256),
        "inception_3b": (28, 28, 480),
        "inception_4a": (14, 14, 512),
        "inception_4b": (14, 14, 512),
        "inception_4c": (14, 14, 512),
        "inception_4d": (14, 14, 528),
        "inception_4e": (14, 14, 832),
        "inception_5a": (7, 7, 832),
        "inception_5b": (7, 7, 1024),
        "avg_pool": (1024,),
        "predictions": (1000,),
    }
    outputs = features_at(models.googlenet(), list(rows)).output
    assert {name: tuple(tensor.shape[1:]) for name, tensor in outputs.items()} == rows


# The columns of the notes' GoogLeNet table: params in units of 1024 weights without biases, ops in millions.
NOTES = {
    "conv1": (2.7, 34),
    "conv2": (112, 360),
    "3a": (159, 128),
    "3b": (380, 304),
    "4a": (364, 73),
    "4b": (437, 88),
    "4c": (463, 100),
    "4d": (580, 119),
    "4e": (840, 170),
    "5a": (1072, 54),
    "5b": (1388, 71),
    "predictions": (1000, 1),
}
# Where the paper's table, which the notes copy, is not what its own columns of filters give.
SLIPS_OF_PARAMS = {"conv1": 9.2, "4a": 366.8, "4c": 497.5, "4d": 590.5, "4e": 847.0, "5a": 1018.0, "5b": 1408.8}
SLIPS_OF_OPS = {"conv1": 118.0, "5a": 51.1}


def test_the_notes_columns_of_googlenet_come_out_but_for_the_papers_slips():
    network = models.googlenet()
    params, ops = dict.fromkeys(NOTES, 0.0), dict.fromkeys(NOTES, 0.0)
    for row in model_sums(network).layers:
        name = row.name.partition("/")[0].removeprefix("inception_").removesuffix("_reduce")
        if name in NOTES:
            biases = row.output_shape[-1] if row.parameters else 0
            params[name] += (row.parameters - biases) / 1024
            ops[name] += row.multiply_adds / 1e6
    for name, (thousands, millions) in NOTES.items():
        assert abs(params[name] - SLIPS_OF_PARAMS.get(name, thousands)) <= max(1.1, 0.002 * thousands), name
        assert abs(ops[name] - SLIPS_OF_OPS.get(name, millions)) <= 0.7, name
    assert not any(abs(params[name] - NOTES[name][0]) <= 1.1 for name in SLIPS_OF_PARAMS)
