"""Errors of readers inside of tf.data, as they come out of an iteration."""

import pytest
import tensorflow as tf

from cnn_suite.data.loading_errors import told_plainly


def read(error):
    def load(number):
        raise error

    with told_plainly():
        list(tf.data.Dataset.range(2).map(lambda number: tf.numpy_function(load, [number], tf.uint8)))


@pytest.mark.parametrize("kind", [ValueError, FileNotFoundError])
def test_a_picture_that_cannot_be_read_is_named(kind):
    with pytest.raises(kind, match="^cat/1.jpg cannot be decoded. Replace the picture or take it out of"):
        read(kind("cat/1.jpg cannot be decoded"))


def test_a_slip_of_code_is_told_with_all_its_trace():
    with pytest.raises(tf.errors.OpError, match="Traceback"):
        read(TypeError("a slip"))
    with pytest.raises(tf.errors.OutOfRangeError, match="by itself"), told_plainly():
        raise tf.errors.OutOfRangeError(None, None, "by itself")
