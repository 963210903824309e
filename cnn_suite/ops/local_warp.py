"""Local warp: elastic deformation of pictures by a grid of displaced points and a smooth field between them.

Simard, Steinkraus & Platt 2003, Best Practices for Convolutional Neural Networks (elastic distortions), with a coarse
grid instead of smoothed noise, so that no pixel can move farther than the farthest grid point.
Pictures are `(batch, height, width, channels)`, displacements `(batch, rows, columns, 2)` in pixels, y before x.
"""

import math

from keras import ops


def local_warp(images, displacements):
    """Deforms pictures: each output pixel is read at its displaced position.

    The field between the grid points is a mean of the four points around, with smooth weights (`3t^2 - 2t^3`), so that
    it has no creases and nowhere exceeds them. Pixels are interpolated; beyond the border lies its last pixel.

    Args:
        images: Float `(batch, height, width, channels)`, sides known.
        displacements: Float `(batch, cells_y + 1, cells_x + 1, 2)`, (y, x) in pixels; the corner points of the grid
            are the corner pixels of the picture.

    Returns:
        Pictures of the same shape and type.

    Source: Simard et al. 2003, section 2.
    """
    height, width, channels = images.shape[1:]
    field = dense_field(displacements, (height, width))
    rows = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1))
    columns = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width))
    y = ops.clip(rows + field[..., 0], 0.0, height - 1.0)
    x = ops.clip(columns + field[..., 1], 0.0, width - 1.0)
    top, left = ops.floor(y), ops.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    top, left = ops.cast(top, "int32"), ops.cast(left, "int32")
    below, beside = ops.minimum(top + 1, height - 1), ops.minimum(left + 1, width - 1)

    pixels = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32") * (height * width), (-1, 1, 1))

    def at(row, column):
        return ops.cast(ops.take(pixels, first + row * width + column, axis=0), "float32")

    upper = at(top, left) * (1 - right) + at(top, beside) * right
    lower = at(below, left) * (1 - right) + at(below, beside) * right
    return ops.cast(upper * (1 - down) + lower * down, images.dtype)


def dense_field(displacements, size_hw):
    """The displacement of every pixel, float32 `(batch, *size_hw, 2)`, from those of the grid points."""
    cells_y, cells_x = displacements.shape[1] - 1, displacements.shape[2] - 1
    down, across = _weights(size_hw[0], cells_y), _weights(size_hw[1], cells_x)
    return ops.einsum("hi,bijk,wj->bhwk", down, ops.cast(displacements, "float32"), across)


def displacements_of(draws, largest, size_hw):
    """Grid displacements, evenly spread over an ellipse of `largest` times each side.

    Args:
        draws: Float `(batch, cells_y + 1, cells_x + 1, 2)`, evenly distributed in 0..1.
        largest: Farthest displacement, as a fraction of the side.
        size_hw: Sides of the picture in pixels.

    Returns:
        Float32, same shape as `draws`, (y, x) in pixels.
    """
    radius, angle = ops.sqrt(draws[..., :1]), 2 * math.pi * draws[..., 1:]
    unit = radius * ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)
    return unit * ops.convert_to_tensor([largest * size_hw[0], largest * size_hw[1]], "float32")


def _weights(side, cells):
    """How much every grid point counts for every pixel of a side, `(side, cells + 1)`; each row sums to 1."""
    places = ops.arange(side, dtype="float32") * (cells / max(1, side - 1))
    distance = ops.abs(places[:, None] - ops.arange(cells + 1, dtype="float32")[None])
    near = ops.maximum(0.0, 1.0 - distance)
    return near * near * (3.0 - 2.0 * near)
