"""ImageNet weights of SqueezeNet 1.1 (rcmalli/keras-squeezenet, MIT) on a photograph of a cat."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
from keras.applications.imagenet_utils import preprocess_input

from cnn_suite.data.picture_files import read_rgb
from cnn_suite.models.squeezenet import squeezenet

FOLDER = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "classification"
WEIGHTS = FOLDER / "weights" / "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
CAT = FOLDER / "photos" / "cat.jpeg"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not (WEIGHTS.is_file() and CAT.is_file()),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds classification/weights and classification/photos",
)


@pytest.fixture(scope="module")
def cat():
    return np.asarray(tf.image.resize(read_rgb(CAT), (227, 227)))[None]


@pytest.fixture(scope="module")
def body():
    return squeezenet((227, 227, 3), include_top=False, weights=WEIGHTS)


def keras_squeezenet(rgb):
    """Its body, straight from the file."""
    x = preprocess_input(rgb.copy(), data_format="channels_last", mode="caffe")
    with h5py.File(WEIGHTS) as file:

        def convolved(x, name, strides=1, padding="SAME"):
            kernel, bias = (file[name][key][()] for key in file[name].attrs["weight_names"])
            return tf.nn.relu(tf.nn.conv2d(x, kernel, strides, padding) + bias)

        x = tf.nn.max_pool2d(convolved(x, "conv1", 2, "VALID"), 3, 2, "VALID")
        for number in range(2, 10):
            squeezed = convolved(x, f"fire{number}/squeeze1x1")
            x = tf.concat([convolved(squeezed, f"fire{number}/expand{size}") for size in ("1x1", "3x3")], -1)
            x = tf.nn.max_pool2d(x, 3, 2, "VALID") if number in (3, 5) else x
    return np.asarray(x)


def test_the_photograph_gives_what_the_file_gives_by_hand(body, cat):
    expected = keras_squeezenet(cat)
    np.testing.assert_allclose(body(cat), expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_features_are_sparse_and_hang_on_the_order_of_colours(body, cat):
    features = np.asarray(body(cat))
    assert features.shape == (1, 13, 13, 512)
    assert 0.5 < (features == 0).mean() < 0.98
    swapped = np.asarray(body(cat[..., ::-1]))
    pooled, other = features.mean((1, 2))[0], swapped.mean((1, 2))[0]
    assert np.corrcoef(pooled, other)[0, 1] < 0.99


def test_features_know_the_cat_in_a_mirror_from_noise_of_its_colours(body, cat):
    def pooled(x):
        return np.asarray(body(x)).mean((1, 2))[0]

    shuffled = np.random.default_rng(0).permutation(cat.reshape(-1, 3)).reshape(cat.shape)
    mirrored, noise = (np.corrcoef(pooled(cat), pooled(x))[0, 1] for x in (cat[:, :, ::-1], shuffled))
    assert mirrored > 0.9 > noise
