"""ImageNet weights of SqueezeNet on a photograph of a cat.

1.1 is of rcmalli/keras-squeezenet (MIT), 1.0 of songhan/SqueezeNet-Deep-Compression (BSD).
"""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
from keras.applications.imagenet_utils import preprocess_input

from cnn_suite.data.picture_files import read_rgb
from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.models.surgery import features_at
from cnn_suite.weights.deep_compression import read_deep_compression
from cnn_suite.weights.squeezenet import compressed_shapes

FOLDER = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "classification"
WEIGHTS = FOLDER / "weights" / "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
COMPRESSED = FOLDER / "weights" / "compressed_SqueezeNet.net"
CAT = FOLDER / "photos" / "cat.jpeg"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not all(file.is_file() for file in (WEIGHTS, COMPRESSED, CAT)),
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


def test_the_compressed_file_has_the_published_numbers_of_parameters_and_entries():
    layers = read_deep_compression(COMPRESSED, compressed_shapes())
    kernels, biases = zip(*layers.values())
    assert sum(array.size for array in (*kernels, *biases)) == 1_248_424
    # 6,162 entries are fillers, of value 0
    assert np.frombuffer(COMPRESSED.read_bytes(), "<u4", len(layers)).sum() == 422_083
    assert sum(np.count_nonzero(kernel) for kernel in kernels) == 422_083 - 6_162
    assert sum(np.count_nonzero(bias) for bias in biases) == 3_976  # of 3,976


def test_the_compressed_network_knows_the_cat(cat):
    probabilities = np.asarray(squeezenet(variant="1.0", weights=COMPRESSED)(cat))[0]
    tabby, tiger, egyptian = probabilities[[281, 282, 285]]
    assert probabilities.argmax() == 282 and tabby + tiger + egyptian > 0.99
    # by a forward pass by hand; 0.69, 0.08 and 0.23 without the border that the last convolution sees
    np.testing.assert_allclose([tabby, tiger, egyptian], [0.121, 0.612, 0.267], atol=0.002)


def test_the_compressed_body_is_the_whole_network_without_its_head(cat):
    whole = squeezenet(variant="1.0", weights=COMPRESSED)
    body = squeezenet(variant="1.0", include_top=False, weights=COMPRESSED)
    expected = np.asarray(features_at(whole, ["fire9_concat"])(cat)["fire9_concat"])
    np.testing.assert_allclose(body(cat), expected, rtol=1e-5, atol=1e-5)
