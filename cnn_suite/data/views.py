"""Views: the placement of a picture on a canvas, and the resulting pixels and boxes.

Letterboxing, scaling, shifting and mirroring are one affine map along the axes: canvas = scale * picture + offset, in
unit coordinates of both. A picture is sampled once, however many of them are combined, and its boxes move by the same
two numbers per axis. Runs inside tf.data and inside the exported graph.
"""

from typing import NamedTuple

import tensorflow as tf

GREY = 114.0  # what lies outside the picture


class View(NamedTuple):
    """`scale` and `offset`, float `(2,)` in x, y order; a negative scale mirrors."""

    scale: tf.Tensor
    offset: tf.Tensor


def letterbox_view(picture_hw: tf.Tensor, canvas_hw: tuple[int, int]) -> View:
    """The whole picture as large as possible in the middle of the canvas, sides kept in proportion."""
    padded_hw, margin_hw = _padded(picture_hw, canvas_hw)
    whole = tf.cast(padded_hw, tf.float32)
    return View(xy(tf.cast(picture_hw, tf.float32) / whole), xy(tf.cast(margin_hw, tf.float32) / whole))


def whole_view(picture_hw: tf.Tensor, canvas_hw: tuple[int, int], resize: str) -> View:
    """The view with which `whole` places a picture on the canvas."""
    if resize == "stretch":
        return View(tf.ones(2), tf.zeros(2))
    return letterbox_view(picture_hw, canvas_hw)


def whole(images: tf.Tensor, canvas_hw: tuple[int, int], resize: str) -> tf.Tensor:
    """Whole pictures on the canvas.

    Args:
        images: Uint8 `(batch, height, width, 3)`, one size for the whole batch.
        canvas_hw: Height and width of the canvas.
        resize: "letterbox" (sides kept in proportion, grey round it) or "stretch" (the canvas filled).

    Returns:
        Float32 `(batch, *canvas_hw, 3)`, 0..255.
    """
    if resize == "letterbox":
        return letterbox(images, canvas_hw)
    resized = tf.image.resize(tf.cast(images, tf.float32), canvas_hw)
    return tf.reshape(resized, (images.shape[0] or -1, *canvas_hw, 3))


def xy(hw: tf.Tensor) -> tf.Tensor:
    """Vertical and horizontal number as horizontal and vertical one; `[::-1]` makes TensorFlow's optimiser complain."""
    return tf.reverse(hw, [0])


def _padded(picture_hw: tf.Tensor, canvas_hw: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Size of the picture padded to the canvas's proportions, and the margin above and to the left, in its pixels."""
    height, width = picture_hw[0], picture_hw[1]
    padded_hw = tf.stack([
        tf.maximum(height, (width * canvas_hw[0] + canvas_hw[1] - 1) // canvas_hw[1]),
        tf.maximum(width, (height * canvas_hw[1] + canvas_hw[0] - 1) // canvas_hw[0]),
    ])
    return padded_hw, (padded_hw - picture_hw) // 2


def letterbox(images: tf.Tensor, canvas_hw: tuple[int, int]) -> tf.Tensor:
    """Whole pictures on a grey canvas: padded to its proportions first, then resized once.

    In this order the resize has a fixed size and the padding moves bytes, not floats: LiteRT needs a third of the
    time that it takes to resize first and pad the result.

    Args:
        images: Uint8 `(batch, height, width, 3)`, one size for the whole batch.
        canvas_hw: Height and width of the canvas.

    Returns:
        Float32 `(batch, *canvas_hw, 3)`, 0..255; `letterbox_view` tells where the picture lies.
    """
    picture_hw = tf.shape(images)[1:3]
    padded_hw, before_hw = _padded(picture_hw, canvas_hw)
    after_hw = padded_hw - picture_hw - before_hw
    nothing = tf.constant([0, 0])
    rows, columns = (tf.stack([before_hw[axis], after_hw[axis]]) for axis in (0, 1))
    paddings = tf.stack([nothing, rows, columns, nothing])
    padded = tf.pad(images, paddings, constant_values=tf.cast(GREY, images.dtype))
    resized = tf.image.resize(tf.cast(padded, tf.float32), canvas_hw)  # LiteRT resizes no uint8 to float
    return tf.reshape(resized, (images.shape[0] or -1, *canvas_hw, 3))  # a static batch lets LiteRT plan ahead


def sample(image: tf.Tensor, view: View, canvas_hw: tf.Tensor) -> tf.Tensor:
    """The canvas that a view of a picture gives, sampled bilinearly once.

    Args:
        image: `(height, width, 3)`, 0..255.
        view: How the picture lies on the canvas.
        canvas_hw: Int `(2,)`, height and width of the canvas.

    Returns:
        Float32 `(*canvas_hw, 3)`, grey where the picture does not reach.
    """
    picture_wh = xy(tf.cast(tf.shape(image)[:2], tf.float32))
    canvas_wh = xy(tf.cast(canvas_hw, tf.float32))
    ends = tf.stack([0.5 / canvas_wh, 1 - 0.5 / canvas_wh])  # centres of the first and the last pixel
    corners = ((ends - view.offset) / view.scale * picture_wh - 0.5) / tf.maximum(picture_wh - 1, 1)
    region = tf.stack([corners[0, 1], corners[0, 0], corners[1, 1], corners[1, 0]])
    return tf.image.crop_and_resize(image[None], region[None], [0], canvas_hw, extrapolation_value=GREY)[0]


def move_boxes(boxes: tf.Tensor, view: View) -> tf.Tensor:
    """Unit boxes of the picture as unit boxes of the canvas, xyxy `(n, 4)`, not clipped."""
    first = boxes[:, 0:2] * view.scale + view.offset
    second = boxes[:, 2:4] * view.scale + view.offset
    return tf.concat([tf.minimum(first, second), tf.maximum(first, second)], axis=1)


def boxes_in_picture(boxes: tf.Tensor, view: View) -> tf.Tensor:
    """Unit boxes of the canvas as unit boxes of the picture, xyxy `(..., 4)`, clipped to the picture."""
    scale, offset = tf.tile(view.scale, [2]), tf.tile(view.offset, [2])
    return tf.clip_by_value((boxes - offset) / scale, 0.0, 1.0)
