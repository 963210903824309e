"""Mean and variance of every channel of a picture, in float32 and in one pass."""

from keras import ops


def picture_moments(x):
    """Mean and variance over the positions of each picture.

    As `keras.ops.moments`, but also of bfloat16 in float32, whose sums over a picture are too long for it. A graph with
    several calls for one map computes them once.

    Args:
        x: `(batch, height, width, channels)`.

    Returns:
        Two float32 tensors `(batch, 1, 1, channels)`.
    """
    wide = ops.cast(x, "float32")
    mean = ops.mean(wide, axis=(1, 2), keepdims=True)
    square = ops.mean(ops.square(wide), axis=(1, 2), keepdims=True)
    return mean, ops.maximum(square - ops.square(mean), 0.0)
