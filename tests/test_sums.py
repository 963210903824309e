"""Parameters and multiply-adds: by hand, the notes' tables, other people's counts, every kind of layer."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite import models
from cnn_suite.layers.inception import InceptionModule
from cnn_suite.sums import model_sums


def sums_of(*stack, shape=(8, 8, 3)):
    return model_sums(keras.Sequential([keras.Input(shape), *stack]))


def test_a_convolution_by_hand():
    # 3x3x3 weights and a bias for each of 10 filters; every weight once for each of 37x37 places.
    found = sums_of(layers.Conv2D(10, 3, name="conv"), shape=(39, 39, 3))
    (row,) = found.layers
    assert (row.name, row.kind, row.output_shape, row.activation_size) == ("conv", "Conv2D", (37, 37, 10), 13690)
    assert (row.parameters, row.multiply_adds) == (280, 37 * 37 * 27 * 10)
    assert (found.parameters, found.trainable, found.multiply_adds) == (280, 280, 369_630)


def test_the_notes_compare_280_parameters_with_62_million():
    convolution = sums_of(layers.Conv2D(10, 3), shape=(39, 39, 3))
    dense_weights = 39 * 39 * 3 * 37 * 37 * 10  # what a dense layer between the same shapes would need
    assert convolution.parameters == 280 and round(dense_weights / 1e6) == 62


def test_the_notes_table_of_lenet_comes_out():
    found = model_sums(models.lenet5())
    rows = {row.name: (row.output_shape, row.activation_size, row.parameters) for row in found.layers}
    assert rows["conv1"] == ((28, 28, 6), 4704, 156)
    assert rows["pool1"] == ((14, 14, 6), 1176, 0)
    assert rows["conv2"] == ((10, 10, 16), 1600, 2416)
    assert rows["pool2"] == ((5, 5, 16), 400, 0)
    assert rows["fc3"] == ((120,), 120, 48120)
    assert rows["fc4"] == ((84,), 84, 10164)
    assert rows["predictions"] == ((10,), 10, 850)
    assert found.parameters == 61_706


def test_the_notes_120_million_multiplications_become_12_4_million_by_a_bottleneck():
    # 28x28x192 in, 32 filters of 5x5; with 16 channels between. The notes write 28x28x28 once, for 28x28x16.
    direct = sums_of(layers.Conv2D(32, 5, padding="same"), shape=(28, 28, 192))
    assert direct.multiply_adds == 5 * 5 * 192 * 28 * 28 * 32 == 120_422_400
    bottleneck = [layers.Conv2D(16, 1), layers.Conv2D(32, 5, padding="same")]
    narrow = sums_of(*bottleneck, shape=(28, 28, 192))
    assert [row.multiply_adds for row in narrow.layers] == [2_408_448, 10_035_200]
    assert narrow.multiply_adds == 12_443_648


def test_layers_inside_of_a_block_are_rows_of_their_own():
    found = sums_of(InceptionModule(64, 96, 128, 16, 32, 32, name="3a"), shape=(28, 28, 192))
    rows = {row.name: row for row in found.layers}
    assert rows["3a/5x5_reduce"].multiply_adds == 2_408_448 and rows["3a/5x5"].multiply_adds == 10_035_200
    assert sum(row.parameters for row in found.layers) == found.parameters == 163_696


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 8 * 8 * 9 * 3 * 2),
        (layers.SeparableConv2D(5, 3, padding="same"), 8 * 8 * (9 * 3 + 3 * 5)),
        (layers.Conv2DTranspose(5, 3, strides=2, padding="same"), 8 * 8 * 9 * 3 * 5),
        (layers.Conv2D(6, 3, padding="same", groups=3), 8 * 8 * 9 * 1 * 6),
        (layers.Conv2D(4, 3, strides=2, padding="same"), 4 * 4 * 9 * 3 * 4),
        (layers.Dense(7), 8 * 8 * 3 * 7),
        (layers.EinsumDense("abcd,de->abce", output_shape=(8, 8, 7)), 8 * 8 * 3 * 7),
        (layers.BatchNormalization(), 0),
        (layers.MaxPooling2D(), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else "",
)
def test_every_kind_of_layer_uses_its_weights_once_a_place(layer, expected):
    assert sums_of(layer).multiply_adds == expected


def test_a_layer_that_is_called_twice_works_twice_and_is_counted_once():
    image = keras.Input((4, 4, 3))
    shared = layers.Conv2D(3, 1, use_bias=False, name="shared")
    found = model_sums(keras.Model(image, shared(shared(image))))
    assert [(row.name, row.parameters, row.multiply_adds) for row in found.layers[-2:]] == [
        ("shared", 9, 144),
        ("shared", 0, 144),
    ]


def test_counting_leaves_keras_as_it_was():
    before = layers.Layer.__call__
    sums_of(layers.Conv2D(2, 1))
    assert layers.Layer.__call__ is before
    with pytest.raises(ValueError):
        model_sums(keras.Model(keras.Input((None, None, 3), name="x"), keras.Input((2,), name="y")))
    assert layers.Layer.__call__ is before


def test_open_sides_need_a_size():
    network = models.resnet20((None, None, 3))
    with pytest.raises(ValueError, match="`image_shape` is required, because 'resnet20' takes any size"):
        model_sums(network)
    assert model_sums(network, (32, 32, 3)).multiply_adds == model_sums(models.resnet20()).multiply_adds


def test_of_several_inputs_the_first_is_the_picture():
    first, second = keras.Input((None, None, 3)), keras.Input((2,))
    scale = layers.Dense(4)(second)[:, None, None, :]
    sums = model_sums(keras.Model([first, second], layers.Conv2D(4, 3, padding="same")(first) * scale), (5, 6, 3))
    assert sums.multiply_adds == 5 * 6 * 4 * 27 + 2 * 4


def test_inputs_may_be_named():
    first, second = keras.Input((8,), name="b"), keras.Input((4,), name="a")
    joined = layers.Concatenate()([layers.Dense(3)(first), layers.Dense(5)(second)])
    assert model_sums(keras.Model({"b": first, "a": second}, joined)).multiply_adds == 8 * 3 + 4 * 5
    assert model_sums(keras.Model({"b": first}, layers.Dense(3)(first))).multiply_adds == 8 * 3


@pytest.mark.parametrize("shape", [(9, 7, 3), (9, 8)])
def test_another_shape_than_that_of_the_input_is_refused(shape):
    network = keras.Sequential([keras.Input((None, 8, 3)), layers.Conv2D(2, 3)], name="strips")
    assert model_sums(network, (9, 8, 3)).input_shape == (9, 8, 3)
    says = r"'strips' takes inputs of shape \(None, 8, 3\) only. Received \(9, (7, 3|8)\). Leave the size out."
    with pytest.raises(ValueError, match=says):
        model_sums(network, shape)


def test_a_further_input_with_open_sides_is_refused():
    first, second = keras.Input((2,)), keras.Input((None,))
    with pytest.raises(ValueError, match="Only the first input of `model` may have unspecified sides"):
        model_sums(keras.Model([first, second], [first, second]))


class Subclassed(keras.Model):
    """A model whose inputs nobody knows."""

    def call(self, x):
        return x


@pytest.mark.parametrize("make", [Subclassed, keras.Sequential, lambda: keras.Sequential([layers.Dense(2)])])
def test_a_model_that_does_not_know_its_inputs_is_refused(make):
    with pytest.raises(ValueError, match="`model` must know its inputs: .* Received (Subclassed|Sequential) '"):
        model_sums(make(), (8, 8, 3))


def test_a_keras_application_is_counted_alike():
    # 300,774,272 multiply-adds: the paper's 300 million.
    found = model_sums(keras.applications.MobileNetV2(weights=None))
    assert (found.parameters, found.multiply_adds) == (3_538_984, 300_774_272)
    assert sum(row.parameters for row in found.layers) == found.parameters


def test_multiply_adds_agree_with_tensorflows_own_profiler():
    import tensorflow as tf
    from tensorflow.python.profiler import model_analyzer, option_builder

    network = models.resnet20()
    spec = tf.TensorSpec((1, 32, 32, 3), tf.float32)
    graph = tf.function(lambda x: network(x, training=False)).get_concrete_function(spec).graph
    options = option_builder.ProfileOptionBuilder(option_builder.ProfileOptionBuilder.float_operation())
    profile = model_analyzer.profile(graph, options=options.with_empty_output().build())
    convolutions = 2 * model_sums(network).multiply_adds  # it counts multiplications and additions, and other work too
    assert convolutions <= profile.total_float_ops < 1.05 * convolutions


def test_everything_is_a_whole_number():
    for row in model_sums(models.lenet5()).layers:
        assert all(isinstance(value, (int, np.integer)) for value in (row.parameters, row.multiply_adds))
