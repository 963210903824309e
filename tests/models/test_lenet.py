"""LeNet-5: the notes' table, layer by layer, its arithmetic, its variants, sizes and errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.models.lenet import lenet5
from cnn_suite.models.surgery import features_at

# The notes, "CNN Example": layer, activation shape, parameters.
NOTES = [
    ("image", (28, 28, 1), 0),
    ("conv1", (28, 28, 6), 156),
    ("pool1", (14, 14, 6), 0),
    ("conv2", (10, 10, 16), 2416),
    ("pool2", (5, 5, 16), 0),
    ("fc3", (120,), 48120),
    ("fc4", (84,), 10164),
    ("predictions", (10,), 850),
]


def digits(shape=(2, 28, 28, 1), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("variant", ["notes", "relu"])
def test_every_layer_has_the_shape_and_the_parameters_of_the_notes(variant):
    model = lenet5(variant=variant)
    for name, shape, parameters in NOTES:
        layer = model.get_layer(name)
        assert (name, tuple(layer.output.shape[1:]), layer.count_params()) == (name, shape, parameters)
    assert model.count_params() == 61_706
    assert [layer.name for layer in model.layers if layer.name not in ("scale", "flatten")] == [row[0] for row in NOTES]


def test_the_network_of_the_course_for_coloured_pictures_has_its_rows():
    model = lenet5((32, 32, 3), variant="course")
    parameters = {layer.name: layer.count_params() for layer in model.layers if layer.weights}
    assert parameters == {"conv1": 608, "conv2": 3216, "fc3": 48120, "fc4": 10164, "predictions": 850}
    assert model.get_layer("conv1").output.shape[1:] == (28, 28, 8)
    assert model.count_params() == 62_958
    assert lenet5((28, 28, 3)).count_params() == 62_006  # two more channels: 2 * 25 * 6 = 300 more weights


def test_it_is_sigmoids_averages_and_tanh_as_the_notes_say():
    model, x = lenet5(), digits()
    conv1, conv2, fc3, fc4, head = (model.get_layer(n) for n in ("conv1", "conv2", "fc3", "fc4", "predictions"))
    y = tf.sigmoid(tf.nn.conv2d(x / 255, conv1.kernel, 1, "SAME") + conv1.bias)
    y = tf.nn.avg_pool2d(y, 2, 2, "VALID")
    y = tf.sigmoid(tf.nn.conv2d(y, conv2.kernel, 1, "VALID") + conv2.bias)
    y = tf.reshape(tf.nn.avg_pool2d(y, 2, 2, "VALID"), (2, 400))
    y = tf.tanh(tf.tanh(y @ fc3.kernel + fc3.bias) @ fc4.kernel + fc4.bias)
    np.testing.assert_allclose(model(x), tf.nn.softmax(y @ head.kernel + head.bias), rtol=1e-4, atol=1e-6)


def test_the_relu_variant_keeps_the_largest_of_its_rectified_responses():
    model, x = lenet5(variant="relu"), digits()
    found = features_at(model, ["conv1", "pool1"])(x)
    conv1 = model.get_layer("conv1")
    expected = tf.nn.relu(tf.nn.conv2d(x / 255, conv1.kernel, 1, "SAME") + conv1.bias)
    np.testing.assert_allclose(found["conv1"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["pool1"], tf.nn.max_pool2d(found["conv1"], 2, 2, "VALID"))


@pytest.mark.parametrize("variant, smallest", [("notes", 12), ("relu", 12), ("course", 16)])
def test_the_smallest_and_odd_sizes_work_and_one_pixel_less_is_refused(variant, smallest):
    assert lenet5((smallest, smallest, 1), variant=variant).get_layer("pool2").output.shape == (None, 1, 1, 16)
    odd = lenet5((smallest, smallest + 5, 3), 4, variant=variant)
    assert odd(digits((1, smallest, smallest + 5, 3))).shape == (1, 4)
    with pytest.raises(ValueError, match=f"of lenet5 must have sides of at least {smallest}. Received"):
        lenet5((smallest, smallest - 1, 1), variant=variant)


def test_without_top_sides_may_stay_open():
    body = lenet5((None, None, 1), include_top=False)
    assert body.output_shape == (None, None, None, 16)
    assert body(digits((1, 28, 33, 1))).shape == (1, 5, 6, 16)
    with pytest.raises(ValueError, match="of lenet5 must have fixed sides"):
        lenet5((None, 28, 1))


def test_dropout_classes_logits_and_name():
    model = lenet5(classes=3, dropout=0.5, classifier_activation=None, name="reader")
    assert model.name == "reader"
    assert model.output_shape == (None, 3)
    assert model.get_layer("dropout").rate == 0.5
    assert model.get_layer("predictions").activation is keras.activations.linear


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"variant": "paper"}, "`variant` of lenet5 must be one of notes, relu, course. Received 'paper'"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"dropout": 1.0}, "`dropout` must be at least 0 and less than 1. Received 1.0"),
        ({"image_shape": (28, 28)}, r"must be \(height, width, channels\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        lenet5(**wrong)
