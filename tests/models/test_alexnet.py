"""AlexNet: parameters and sizes of every layer in both forms, the order of its layers, sizes and errors."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.models.alexnet import alexnet
from cnn_suite.models.surgery import features_at

# Filters * (kernel * kernel * channels seen + 1), and units * (inputs + 1).
SINGLE_TOWER = {
    "conv1": 34_944,
    "conv2": 614_656,
    "conv3": 885_120,
    "conv4": 1_327_488,
    "conv5": 884_992,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "predictions": 4_097_000,
}
ORIGINAL = {**SINGLE_TOWER, "conv2": 307_456, "conv4": 663_936, "conv5": 442_624}
SIZES = {
    "conv1": (55, 55, 96),
    "pool1": (27, 27, 96),
    "conv2": (27, 27, 256),
    "pool2": (13, 13, 256),
    "conv3": (13, 13, 384),
    "conv4": (13, 13, 384),
    "conv5": (13, 13, 256),
    "pool5": (6, 6, 256),
    "flatten": (9216,),
    "fc6": (4096,),
    "fc7": (4096,),
    "predictions": (1000,),
}


def pictures(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("groups, expected, total", [(1, SINGLE_TOWER, 62_378_344), (2, ORIGINAL, 60_965_224)])
def test_every_layer_has_the_parameters_and_the_size_of_the_paper(groups, expected, total):
    model = alexnet(groups=groups)
    assert {layer.name: layer.count_params() for layer in model.layers if layer.weights} == expected
    assert model.count_params() == total
    assert {name: tuple(model.get_layer(name).output.shape[1:]) for name in SIZES} == SIZES


def test_responses_are_rectified_then_normalised_then_pooled():
    body, x = alexnet((67, 75, 3), include_top=False), pictures((1, 67, 75, 3))
    found = features_at(body, ["scale", "conv1", "norm1", "pool1"])(x)
    conv1 = body.get_layer("conv1")
    rectified = tf.nn.relu(tf.nn.conv2d(found["scale"], conv1.kernel, 4, "VALID") + conv1.bias)
    np.testing.assert_allclose(found["conv1"], rectified, rtol=1e-3, atol=1e-4)
    normalised = tf.nn.local_response_normalization(rectified, 2, 2.0, 1e-4, 0.75)
    np.testing.assert_allclose(found["norm1"], normalised, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found["pool1"], tf.nn.max_pool2d(found["norm1"], 3, 2, "VALID"))


def test_with_two_groups_half_of_the_channels_does_not_see_the_other_half():
    body = alexnet((67, 67, 3), groups=2, include_top=False)
    found = features_at(body, ["pool1", "conv2"])(pictures((1, 67, 67, 3)))
    kernel = body.get_layer("conv2").kernel  # (5, 5, 48, 256)
    upper = tf.nn.relu(tf.nn.conv2d(found["pool1"][..., 48:], kernel[..., 128:], 1, "SAME"))
    np.testing.assert_allclose(found["conv2"][..., 128:], upper, rtol=1e-3, atol=1e-4)


def test_dropout_stands_behind_both_hidden_dense_layers():
    model = alexnet((67, 67, 3), 5, dropout=0.3)
    assert [layer.name for layer in model.layers[-6:]] == [
        "flatten",
        "fc6",
        "dropout6",
        "fc7",
        "dropout",
        "predictions",
    ]
    assert model.get_layer("dropout6").rate == model.get_layer("dropout").rate == 0.3
    without = alexnet((67, 67, 3), 5, dropout=0.0)
    assert not [layer.name for layer in without.layers if "dropout" in layer.name]


def test_the_smallest_and_odd_sizes_work_and_one_pixel_less_is_refused():
    assert alexnet((67, 67, 3), include_top=False).output_shape == (None, 1, 1, 256)
    assert alexnet((67, 101, 1), 4)(pictures((1, 67, 101, 1))).shape == (1, 4)
    with pytest.raises(ValueError, match="of alexnet must have sides of at least 67. Received"):
        alexnet((66, 67, 3))


def test_without_top_sides_may_stay_open():
    body = alexnet((None, None, 3), groups=2, include_top=False)
    assert body(pictures((1, 99, 131, 3))).shape == (1, 2, 3, 256)
    with pytest.raises(ValueError, match="of alexnet must have fixed sides"):
        alexnet((None, None, 3))


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"groups": 3}, r"`groups` of alexnet must be 1 \(single tower\) or 2 \(the original\). Received 3"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"dropout": 1.5}, "`dropout` must be at least 0 and less than 1. Received 1.5"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        alexnet(**{"image_shape": (67, 67, 3), **wrong})
