"""What the tests of the YOLO losses share: random truths and the gradient of a loss."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def random_truths():
    """Function: `count` objects of all sizes inside the picture, unit xyxy and class."""

    def make(generator, count, classes):
        wh = np.exp(generator.uniform(np.log(0.05), np.log(0.9), (count, 2)))
        x0y0 = generator.uniform(0, 1, (count, 2)) * (1 - wh)
        class_ids = generator.integers(0, classes, (count, 1))
        return np.concatenate([x0y0, x0y0 + wh, class_ids], axis=1).astype(np.float32)

    return make


@pytest.fixture
def gradient():
    """Function: the gradient of a loss by the raw predictions."""

    def of(loss, truths, raw):
        raw = tf.Variable(raw)
        with tf.GradientTape() as tape:
            value = loss(tf.constant(truths), raw)
        return tape.gradient(value, raw).numpy()

    return of
