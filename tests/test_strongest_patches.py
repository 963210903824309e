"""The pictures' parts that a unit answers to most, by hand and where they lie."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite import models
from cnn_suite.strongest_patches import GREY, strongest_patches


@pytest.fixture
def edges():
    """Two units of 3x3: a vertical edge from bright to dark, and the same upside down in sign."""
    image = keras.Input((9, 9, 1))
    network = keras.Model(image, layers.Conv2D(2, 3, use_bias=False, name="conv")(image))
    kernel = np.tile([1, 0, -1], (3, 1)).astype(np.float32)
    network.set_weights([np.stack([kernel, -kernel], axis=-1)[:, :, None]])
    return network


def spot(y, x, level=200, size=9):
    picture = np.zeros((size, size, 1), np.uint8)
    picture[y : y + 3, x] = level
    return picture


# The unit answers most where the bright column is the left one of its window: (2, 4) for a column at x = 4.
def test_a_patch_lies_where_the_unit_answers_most(edges):
    bright, dim, dark = spot(2, 4), spot(5, 1, 100), spot(0, 0, 0)
    first, second = strongest_patches(edges, "conv", [dim, dark, bright], [0, 1], count=2)
    assert [(patch.picture, patch.y_px, patch.x_px, patch.value) for patch in first] == [(2, 2, 4, 600), (0, 5, 1, 300)]
    np.testing.assert_array_equal(first[0].pixels, bright[2:5, 4:7])
    assert (second[0].picture, second[0].y_px, second[0].x_px) == (2, 2, 2)


def test_equal_answers_keep_the_order_of_the_pictures(edges):
    (found,) = strongest_patches(edges, "conv", [spot(2, 4)] * 4, [0], count=3)
    assert [patch.picture for patch in found] == [0, 1, 2]


def test_beyond_the_border_a_patch_is_grey():
    image = keras.Input((4, 4, 1))
    network = keras.Model(image, layers.Conv2D(1, 3, padding="same", name="conv")(image))
    network.set_weights([np.ones((3, 3, 1, 1), np.float32), np.zeros(1, np.float32)])
    picture = np.zeros((4, 4, 1), np.uint8)
    picture[0, 0] = 255
    ((patch,),) = strongest_patches(network, "conv", [picture], [0])
    assert (patch.y_px, patch.x_px) == (-1, -1)  # the first of the four windows that hold the pixel
    assert patch.pixels[..., 0].tolist() == [[GREY] * 3, [GREY, 255, 0], [GREY, 0, 0]]


def test_of_a_block_it_is_the_whole_picture():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    ((patch,),) = strongest_patches(models.resnet20((32, 32, 3)), "conv2_block1/norm1", [picture], [3])
    np.testing.assert_array_equal(patch.pixels, picture)


def test_what_has_no_map_or_no_such_unit_is_refused(edges):
    with pytest.raises(ValueError, match="has no layer 'cnv'. Nearest: conv"):
        strongest_patches(edges, "cnv", [], [0])
    with pytest.raises(ValueError, match=r"`units` must be from 0 to 1, .* Received \[2\]"):
        strongest_patches(edges, "conv", [], [2])
    with pytest.raises(ValueError, match="must have a map of features"):
        strongest_patches(models.lenet5(), "fc4", [], [0])
