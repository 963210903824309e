"""Dense layers as convolutions: every window of a larger picture, against the network on the windows one by one."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite import models
from cnn_suite.models.fully_convolutional import fully_convolutional


def noise(*shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def windows(picture, size, stride):
    rows, columns = ((side - size) // stride + 1 for side in picture.shape[1:3])
    starts = [(stride * row, stride * column) for row in range(rows) for column in range(columns)]
    return np.concatenate([picture[:, y : y + size, x : x + size] for y, x in starts]), (rows, columns)


# The course's own: 14x14x3, 5x5 convolution, pooling by 2, dense layers; on 16x16x3 2x2 answers, on 28x28x3 8x8.
def test_the_courses_sliding_windows():
    body = [layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()]
    head = [layers.Dense(400, "relu"), layers.Dropout(0.5), layers.Dense(400, "relu"), layers.Dense(4, "softmax")]
    dense = keras.Sequential([keras.Input((14, 14, 3)), *body, *head])
    network = fully_convolutional(dense)
    assert network.compute_output_shape((1, 16, 16, 3)) == (1, 2, 2, 4)
    assert network.compute_output_shape((1, 28, 28, 3)) == (1, 8, 8, 4)
    assert network.count_params() == dense.count_params()
    picture = noise(1, 16, 16, 3) / 255
    each, grid = windows(picture, 14, 2)
    np.testing.assert_allclose(network(picture), np.reshape(dense(each), (1, *grid, 4)), rtol=1e-4, atol=1e-6)


def test_a_builders_network_gives_what_it_gives_for_every_window():
    dense = models.lenet5((32, 32, 3), variant="course")
    network = fully_convolutional(dense)
    picture = noise(1, 40, 37, 3)
    each, grid = windows(picture, 32, 4)
    assert grid == (3, 2)
    np.testing.assert_allclose(network(picture), np.reshape(dense(each), (1, *grid, 10)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("build", [models.resnet20, models.network_in_network])
def test_global_pooling_becomes_one_over_windows(build):
    dense = build((32, 32, 3))
    network = fully_convolutional(dense)
    picture = noise(2, 32, 32, 3)
    np.testing.assert_allclose(network(picture)[:, 0, 0], dense(picture), rtol=1e-4, atol=1e-6)
    assert network.compute_output_shape((1, 64, 48, 3))[-1] == 10 and network(noise(1, 64, 48, 3)).shape[1] > 1


def test_normalisation_in_the_head_keeps_its_statistics():
    head = [layers.GlobalMaxPooling2D(), layers.BatchNormalization(), layers.Dense(2)]
    dense = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(3, 3), *head])
    dense.layers[2].set_weights([np.array(row, np.float32) for row in ([1, 2, 3], [0, 1, 2], [5, 6, 7], [4, 5, 6])])
    picture = noise(1, 7, 6, 1)
    each, grid = windows(picture, 6, 1)
    found = fully_convolutional(dense)(picture)
    np.testing.assert_allclose(found, np.reshape(dense(each), (1, *grid, 2)), rtol=1e-4, atol=1e-4)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="resnet20 must have an input of known size"):
        fully_convolutional(models.resnet20((None, None, 3)))
    with pytest.raises(ValueError, match="must be a classifier .* Flatten or a global pooling"):
        fully_convolutional(models.lenet5(include_top=False))
    branches = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Reshape((4, 4)), layers.Dense(2)])
    with pytest.raises(ValueError, match="must end in dense layers, .* Its layer 'reshape.*' is a Reshape"):
        fully_convolutional(branches)
