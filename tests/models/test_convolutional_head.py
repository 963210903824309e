"""The head without a dense layer: its arithmetic by hand, its start, and errors."""

import keras
import numpy as np
import pytest

from cnn_suite.models.convolutional_head import convolutional_classifier


def head(classes=2, **options):
    x = keras.Input((None, None, 1))
    return keras.Model(x, convolutional_classifier(x, classes, **options))


def test_maps_are_rectified_averaged_and_compared():
    model = head()
    model.set_weights([np.array([[[[1.0, -1.0]]]]), np.zeros(2)])
    # first map: 0, 2, 4, 0, average 1.5; second map: 3, 0, 0, 0, average 0.75
    x = np.array([-3.0, 2.0, 4.0, 0.0]).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(model(x)[0, 0], 1 / (1 + np.exp(-0.75)), rtol=1e-6)


def test_without_softmax_it_gives_averages():
    model = head(activation=None)
    model.set_weights([np.array([[[[1.0, -1.0]]]]), np.zeros(2)])
    np.testing.assert_allclose(model(np.array([-3.0, 2.0, 4.0, 0.0]).reshape(1, 2, 2, 1)), [[1.5, 0.75]])


def test_every_class_starts_alive_and_alike():
    x = np.random.default_rng(0).uniform(0, 3, (4, 5, 7, 1)).astype(np.float32)
    np.testing.assert_allclose(head(10)(x), np.full((4, 10), 0.1), atol=0.02)
    assert float(np.min(head(10, activation=None)(x))) > 0.5


def test_the_convolution_is_named_and_no_class_is_refused():
    assert head(name="conv10").get_layer("conv10").filters == 2
    with pytest.raises(ValueError, match="`classes` must be a whole number of at least 1. Received 0"):
        head(0)
