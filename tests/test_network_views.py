"""Feature maps and sliding windows as pictures, with networks whose answers are known."""

import keras
import numpy as np
from keras import layers

from cnn_suite import models
from cnn_suite.network_views import ClassWindows, feature_maps, map_layers


def test_layers_with_maps_are_listed_in_order():
    assert map_layers(models.lenet5())[-4:] == ["conv1", "pool1", "conv2", "pool2"]
    assert "conv2_block1" in map_layers(models.resnet20((32, 32, 3)))


def test_channels_lie_beside_one_another_each_from_black_to_white():
    image = keras.Input((4, 4, 3))
    network = keras.Model(image, layers.Conv2D(2, 1, use_bias=False, name="conv")(image))
    network.set_weights([np.array([[1, -1], [0, 0], [0, 0]], np.float32).reshape(1, 1, 3, 2)])
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, 2:, 0] = 90  # the right half is red
    found = feature_maps(network, "conv", lambda given: given)(picture)
    assert found.shape == (320, 640, 3)
    assert found[150, [50, 250, 370, 570], 0].tolist() == [0, 255, 255, 0]


def test_of_several_styles_the_first_is_looked_at():
    image, mixture = keras.Input((4, 4, 3), name="image"), keras.Input((2,), name="mixture")
    change = layers.Reshape((1, 1, 3))(layers.Dense(3, use_bias=False, name="dense")(mixture))
    network = keras.Model([image, mixture], layers.Multiply(name="changed")([image, change]))
    network.set_weights([np.array([[1, 0, 0], [-1, 0, 0]], np.float32)])  # the second style turns red round
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, 2:, 0] = 90
    found = feature_maps(network, "changed", lambda given: given)(picture)
    assert found[150, [50, 250], 0].tolist() == [0, 255]


def test_every_layer_of_a_style_network_can_be_looked_at():
    network = models.stylizer((32, 32, 3), styles=2, variant="thin")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    for layer in ("down1_conv", map_layers(network)[-1]):  # one before the mixture takes part, and the last
        assert feature_maps(network, layer, lambda given: given)(picture).std() > 1


def bright_classifier(size):
    """Dark or bright, by the mean of a window: bright has the logit mean / 32 - 4."""
    image = keras.Input((size, size, 1))
    x = layers.AveragePooling2D(2)(image)
    network = keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(x)))
    cells = (size // 2) ** 2
    kernel = np.tile([[0, 1 / 32 / cells]], (cells, 1)).astype(np.float32)
    network.set_weights([kernel, np.array([0, -4], np.float32)])
    return network


def test_the_surest_window_is_framed_where_it_is():
    windows = ClassWindows(bright_classifier(8), ["dark", "bright"], windows=3)
    picture = np.zeros((240, 480, 3), np.uint8)
    picture[160:, 400:] = 255  # the last of 3 x 6 windows
    probabilities = windows(picture)
    assert probabilities.shape == (9, 21, 2)  # 24 x 48 pixels, windows of 8 every 2
    assert np.unravel_index(probabilities[..., 1].argmax(), (9, 21)) == (8, 20)
    drawn = windows.view("bright")(picture)
    assert drawn.shape == picture.shape
    framed = np.argwhere((drawn == (255, 190, 0)).all(axis=-1))
    assert framed.min(axis=0).tolist() >= [155, 395] and drawn[230, 470].min() > 200 and drawn[20, 20].max() == 0
