"""Targets of localizers in tf.data: the largest object that a view of a picture shows."""

import tensorflow as tf

from cnn_suite.data.boxes.pipeline import PADDING


def main_object_targets(truths: tf.Tensor, classes: int) -> tf.Tensor:
    """Targets as `ops.localization.encode_localization` gives them, of the largest object of every picture.

    Args:
        truths: `(batch, n, 5)`, unit xyxy and class id; rows with a negative class id are no objects.
        classes: Number of classes.

    Returns:
        Float32 `(batch, 5 + classes)`: pc, bx, by, bh, bw, c1 .. cn; zeros where there is no object.
    """
    truths = tf.pad(truths, [[0, 0], [0, 1], [0, 0]], constant_values=PADDING)  # one to choose where there is none
    corners, sides = truths[..., 0:2], truths[..., 2:4] - truths[..., 0:2]
    size = tf.where(truths[..., 4] >= 0, sides[..., 0] * sides[..., 1], -1.0)
    largest = tf.argmax(size, axis=1)
    chosen = [tf.gather(part, largest, batch_dims=1) for part in (corners + sides / 2, sides, truths[..., 4])]
    middle, side, class_id = chosen
    present = tf.cast(class_id >= 0, tf.float32)[:, None]
    one_hot = tf.one_hot(tf.cast(class_id, tf.int32), classes)
    return present * tf.concat([tf.ones_like(present), middle, tf.reverse(side, [1]), one_hot], axis=1)
