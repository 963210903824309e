"""Examples of rare classes count more in training, so that all classes together count alike."""

import numpy as np
import tensorflow as tf

from cnn_suite.tasks.labelled_parts import Datasets


def with_class_weights(batches: tf.data.Dataset, kind: str, data: Datasets) -> tf.data.Dataset:
    """Batches of a training with the weights that it asks for.

    Args:
        batches: Data set of examples and class shares `(batch, classes)`.
        kind: "balanced", or "none" for batches as they are.
        data: What is trained on.

    Returns:
        Data set of examples, class shares and, if balanced, weights `(batch,)`: those of the classes, by their shares.
    """
    if kind == "none":
        return batches
    weights = tf.constant(balanced(data), tf.float32)
    return batches.map(lambda examples, shares: (examples, shares, tf.linalg.matvec(shares, weights)))


def balanced(data: Datasets) -> list[float]:
    """Weight of every class: the mean number of examples over its own."""
    counts = np.bincount(data.training.class_ids, minlength=len(data.labels))
    return (len(data.training) / len(data.labels) / np.maximum(counts, 1)).tolist()
