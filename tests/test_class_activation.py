"""Class activation maps: by hand, by finite differences, and as pictures."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite import models
from cnn_suite.class_activation import ClassActivation, activation_view, logits_of


def colour_classifier(side=6):
    """Red or green: two maps, which hold a picture's red and green, their means, and the class of the larger one."""
    image = keras.Input((side, side, 3))
    x = layers.Conv2D(2, 1, use_bias=False, name="maps")(image)
    network = keras.Model(image, layers.Dense(2, "softmax", name="head")(layers.GlobalAveragePooling2D()(x)))
    kernel = np.array([[1, 0], [0, 1], [0, 0]], np.float32).reshape(1, 1, 3, 2) / 255
    network.set_weights([kernel, np.array([[3, -1], [-1, 3]], np.float32), np.zeros(2, np.float32)])
    return network


def halves():
    """A picture that is red at the left and green at the right, a little less of it."""
    picture = np.zeros((6, 6, 3), np.uint8)
    picture[:, :3, 0], picture[:, 3:, 1] = 255, 204
    return picture


def test_behind_a_mean_the_maps_are_those_of_the_classes_weights():
    # By hand: red counts 3 / 36 and green -1 / 36 for the class red; what is negative is cut off.
    activation = ClassActivation(colour_classifier())
    red, probabilities = activation(halves(), 0)
    np.testing.assert_allclose(red, np.repeat([[3 / 36] * 3 + [0] * 3], 6, axis=0), rtol=1e-5)
    green, _ = activation(halves(), 1)
    np.testing.assert_allclose(green, np.repeat([[0] * 3 + [0.8 * 3 / 36] * 3], 6, axis=0), rtol=1e-5)
    likeliest, _ = activation(halves())
    np.testing.assert_array_equal(likeliest, red)
    logits = np.array([0.5 * 3 - 0.4, -0.5 + 0.4 * 3])
    np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(), rtol=1e-5)


def test_a_map_of_one_place_says_nothing_and_is_not_looked_at():
    image = keras.Input((6, 6, 3))
    x = layers.GlobalAveragePooling2D(keepdims=True)(layers.Conv2D(2, 3, name="maps")(image))
    x = layers.Conv2D(2, 1, name="logits")(x)
    network = keras.Model(image, layers.Softmax()(layers.Flatten()(x)))
    assert ClassActivation(network)(halves())[0].shape == (4, 4)
    assert ClassActivation(network, "logits")(halves())[0].shape == (1, 1)


def test_weights_are_mean_slopes_of_the_logit():
    keras.utils.set_random_seed(0)
    maps = keras.Input((3, 4, 2), name="maps_in")
    head = keras.Sequential([layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(3)])
    image = keras.Input((3, 4, 1))
    x = layers.Conv2D(2, 3, padding="same", activation="tanh", name="maps")(image)
    network = keras.Model(image, layers.Softmax()(head(x)))
    picture = np.random.default_rng(0).normal(0, 1, (3, 4, 1)).astype(np.float32)
    values = keras.Model(image, x)(picture[None]).numpy()[0].astype(np.float64)
    keras.Model(maps, head(maps))
    slopes, small = np.zeros_like(values), 1e-2
    for place in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[place] += small
        down[place] -= small
        slopes[place] = (head(up[None])[0, 2] - head(down[None])[0, 2]) / (2 * small)
    expected = np.maximum((values * slopes.mean(axis=(0, 1))).sum(axis=-1), 0)
    found, _ = ClassActivation(network, "maps")(picture, 2)
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-3 * expected.max())


@pytest.mark.parametrize("name", ["resnet20", "squeezenet", "network_in_network", "lenet5"])
def test_logits_are_what_the_softmax_is_taken_of(name):
    build = getattr(models, name)
    model = build((64, 64, 3), 4) if name == "squeezenet" else build()
    logits = keras.Model(model.inputs[0], logits_of(model))
    pictures = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:])).astype(np.float32)
    np.testing.assert_allclose(keras.ops.softmax(logits(pictures)), model(pictures), atol=1e-5)


def test_a_network_that_gives_logits_is_taken_as_it_is():
    model = models.resnet20((16, 16, 3), 4, classifier_activation=None)
    assert logits_of(model) is model.outputs[0]
    other = keras.Model(model.inputs[0], layers.Activation("tanh")(model.outputs[0]))
    assert logits_of(other) is other.outputs[0]


def test_the_view_is_warm_where_the_class_is_and_names_it():
    draw = activation_view(ClassActivation(colour_classifier()), ("red", "green"), "green", lambda picture: picture)
    found = draw(halves()).astype(int)
    assert found.shape == (480, 480, 3) and draw(halves()).dtype == np.uint8
    assert found[300, 80, 2] > found[300, 80, 0] - 128  # red pixels under blue: no heat
    assert found[300, 400, 0] > 60 and found[300, 400, 2] < 60  # green pixels under red: heat
    likeliest = activation_view(ClassActivation(colour_classifier()), ("red", "green"), None, lambda picture: picture)
    assert not np.array_equal(likeliest(halves()), draw(halves()))


def test_what_is_no_layer_with_a_map_is_refused():
    with pytest.raises(ValueError, match="`layer` must be one of resnet20 that gives a feature map: .*Received 'fc'"):
        ClassActivation(models.resnet20((16, 16, 3), 4), "fc")
    image = keras.Input((4,))
    with pytest.raises(ValueError, match="flat that gives a feature map: it has none. Received None"):
        ClassActivation(keras.Model(image, layers.Dense(2)(image), name="flat"))
