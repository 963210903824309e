"""Weights of classes: by hand, for whole examples and for mixtures."""

import numpy as np
import tensorflow as tf

from cnn_suite.data.classes.labelled import of_arrays
from cnn_suite.tasks.class_weights import balanced, with_class_weights
from cnn_suite.tasks.labelled_parts import Datasets


def of_classes(*class_ids):
    pictures = of_arrays(np.zeros((len(class_ids), 2, 2, 3), np.uint8), np.array(class_ids, np.int32), "by hand")
    return Datasets(("a", "b", "c"), pictures, pictures)


def test_classes_count_alike_together():
    weights = balanced(of_classes(0, 0, 0, 0, 0, 1, 2, 2, 2))  # 3 in the mean
    assert weights == [3 / 5, 3, 1]
    assert np.sum(np.bincount([0, 0, 0, 0, 0, 1, 2, 2, 2]) * weights) == 9


def test_a_class_without_examples_does_no_harm():
    assert balanced(of_classes(0, 0, 1)) == [0.5, 1, 1]


def test_mixtures_weigh_as_their_classes_by_their_shares():
    shares = np.array([[1, 0, 0], [0, 0.25, 0.75]], np.float32)
    batches = tf.data.Dataset.from_tensors((np.zeros((2, 4)), shares))
    data = of_classes(0, 0, 0, 0, 0, 1, 2, 2, 2)
    ((examples, same, weights),) = with_class_weights(batches, "balanced", data).as_numpy_iterator()
    np.testing.assert_array_equal(same, shares)
    np.testing.assert_allclose(weights, [0.6, 1.5], rtol=1e-6)
    assert weights.dtype == np.float32 and examples.shape == (2, 4)
    assert with_class_weights(batches, "none", data) is batches
