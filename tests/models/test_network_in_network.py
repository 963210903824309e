"""Network in Network: parameters of both networks, its small networks, its head without dense layers, sizes, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.models.network_in_network import network_in_network
from cnn_suite.models.surgery import features_at

# Filters * (kernel * kernel * channels + 1)
CIFAR10 = {
    "block1_conv": 14_592,
    "block1_cccp1": 30_880,
    "block1_cccp2": 15_456,
    "block2_conv": 460_992,
    "block2_cccp1": 37_056,
    "block2_cccp2": 37_056,
    "block3_conv": 331_968,
    "block3_cccp1": 37_056,
    "block3_cccp2": 1_930,
}


def pictures(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def sizes(model, names):
    return [tuple(model.get_layer(name).output.shape[1:]) for name in names]


def test_the_network_for_cifar_has_the_parameters_and_sizes_of_the_paper():
    model = network_in_network()
    assert {layer.name: layer.count_params() for layer in model.layers if layer.weights} == CIFAR10
    assert model.count_params() == 966_986
    names = ["block1_cccp2", "block1_pool", "block2_pool", "block3_cccp2", "avg_pool"]
    assert sizes(model, names) == [(32, 32, 96), (16, 16, 96), (8, 8, 192), (8, 8, 10), (10,)]


def test_the_network_for_imagenet_has_the_parameters_and_sizes_of_the_model_zoo():
    model = network_in_network((227, 227, 3), 1000, variant="imagenet")
    assert model.count_params() == 7_595_176
    names = ["block1_conv", "block1_pool", "block2_pool", "block3_pool", "block4_cccp2"]
    assert sizes(model, names) == [(55, 55, 96), (27, 27, 96), (13, 13, 256), (6, 6, 384), (6, 6, 1000)]


def test_poolings_and_dropouts_stand_where_the_paper_has_them():
    def between(model):
        return [(type(la).__name__, la.name) for la in model.layers if "pool" in la.name or "dropout" in la.name]

    assert between(network_in_network()) == [
        ("MaxPooling2D", "block1_pool"),
        ("Dropout", "block1_dropout"),
        ("AveragePooling2D", "block2_pool"),
        ("Dropout", "block2_dropout"),
        ("GlobalAveragePooling2D", "avg_pool"),
    ]
    large = between(network_in_network((67, 67, 3), variant="imagenet", dropout=0.3))
    assert [name for _, name in large] == ["block1_pool", "block2_pool", "block3_pool", "block3_dropout", "avg_pool"]
    assert not [la for la in network_in_network(dropout=0.0).layers if "dropout" in la.name]


def test_a_1x1_convolution_is_a_dense_layer_at_every_pixel():
    model, x = network_in_network(), pictures((1, 32, 32, 3))
    found = features_at(model, ["block1_conv", "block1_cccp1"])(x)
    cccp = model.get_layer("block1_cccp1")
    expected = tf.nn.relu(found["block1_conv"] @ cccp.kernel[0, 0] + cccp.bias)
    np.testing.assert_allclose(found["block1_cccp1"], expected, rtol=1e-3, atol=1e-4)


def test_the_head_is_the_softmax_of_the_average_of_a_map_for_every_class():
    model, x = network_in_network((9, 13, 3), 4), pictures((2, 9, 13, 3))
    maps = features_at(model, ["block3_cccp2"])(x)["block3_cccp2"]
    assert maps.shape == (2, 3, 4, 4) and float(tf.reduce_min(maps)) > 0  # every class starts alive
    np.testing.assert_allclose(model(x), tf.nn.softmax(tf.reduce_mean(maps, (1, 2))), rtol=1e-5)
    logits = network_in_network((9, 13, 3), 4, classifier_activation=None)
    logits.set_weights(model.get_weights())
    np.testing.assert_allclose(logits(x), tf.reduce_mean(maps, (1, 2)), rtol=1e-5)


@pytest.mark.parametrize("variant, smallest", [("cifar10", 1), ("imagenet", 67)])
def test_the_smallest_and_odd_sizes_work_and_one_pixel_less_is_refused(variant, smallest):
    model = network_in_network((smallest, smallest + 2, 1), 4, variant=variant)
    assert model.layers[-3].output.shape[1:3] == (1, 1)
    assert model(pictures((1, smallest, smallest + 2, 1))).shape == (1, 4)
    with pytest.raises(ValueError, match=f"of network_in_network must have sides of at least {smallest}. Received"):
        network_in_network((smallest - 1, smallest, 3), variant=variant)


def test_sides_may_stay_open_with_and_without_top():
    assert network_in_network((None, None, 3))(pictures((1, 11, 16, 3))).shape == (1, 10)
    body = network_in_network((None, None, 3), include_top=False)
    assert body.layers[-1].name == "block3_cccp1"
    assert body(pictures((1, 11, 16, 3))).shape == (1, 3, 4, 192)


def test_the_head_is_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network_in_network((8, 8, 3))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("block1_conv").compute_dtype == "bfloat16"
    assert {la.compute_dtype for la in model.layers[-3:]} == {"float32"}
    assert model(pictures((1, 8, 8, 3))).dtype == "float32"


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"variant": "mnist"}, "`variant` of network_in_network must be one of cifar10, imagenet. Received 'mnist'"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"dropout": -0.1}, "`dropout` must be at least 0 and less than 1. Received -0.1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        network_in_network(**wrong)
