"""YOLOv2's reorganisation: against Darknet's loops, its counter-example to space-to-depth, refusals."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.reorganise import Reorganise


def by_darknets_loops(x, stride):
    """Every number of reorg_cpu, on `(channels, height, width)` as it lies in memory."""
    channels, height, width = x.shape
    memory, result = x.ravel(), np.zeros(x.size, x.dtype)
    fewer = channels // stride**2
    for k in range(channels):
        for j in range(height):
            for i in range(width):
                offset, c2 = k // fewer, k % fewer
                w2, h2 = i * stride + offset % stride, j * stride + offset // stride
                result[i + width * (j + height * k)] = memory[w2 + width * stride * (h2 + height * stride * c2)]
    return result.reshape(channels * stride**2, height // stride, width // stride)


SHAPES = [(2, (4, 4, 8)), (2, (6, 4, 4)), (2, (2, 2, 12)), (3, (3, 6, 9)), (1, (3, 5, 2))]


@pytest.mark.parametrize("stride, shape", SHAPES)
def test_it_equals_the_loops_of_darknet(stride, shape):
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    found = np.asarray(Reorganise(stride)(x))
    assert found.shape == Reorganise(stride).compute_output_shape(x.shape)
    for ours, picture in zip(found, x):
        np.testing.assert_array_equal(ours.transpose(2, 0, 1), by_darknets_loops(picture.transpose(2, 0, 1), stride))


def test_it_is_not_space_to_depth():
    x = np.arange(64, dtype="float32").reshape(1, 4, 4, 4)
    assert not np.array_equal(Reorganise(2)(x), tf.nn.space_to_depth(x, 2))


def test_no_number_is_lost():
    x = np.random.default_rng(0).permutation(2 * 6 * 4 * 8).reshape(2, 6, 4, 8).astype("float32")
    for ours, picture in zip(np.asarray(Reorganise(2)(x)), x):
        np.testing.assert_array_equal(np.sort(ours, axis=None), np.sort(picture, axis=None))


def test_half_precision_stays():
    assert Reorganise(2, dtype="float16")(np.ones((1, 2, 2, 4), "float16")).dtype == "float16"


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="its square must divide the number of channels. Received 2 for 6 channels."):
        Reorganise(2)(np.ones((1, 2, 2, 6)))
