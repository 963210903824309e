"""Boxes: conversions and overlaps, for any Keras backend.

A box is xyxy in unit coordinates of its picture unless a name says otherwise; leading axes are free. Whatever comes in
is computed, and comes out, as float32.
"""

import math

from keras import ops


def _check_boxes(boxes, argument: str):
    boxes = ops.cast(boxes, "float32")
    if len(boxes.shape) == 0 or boxes.shape[-1] != 4:
        raise ValueError(
            f"`{argument}` must have shape (..., 4). Received shape {tuple(boxes.shape)}. "
            "Class and confidence belong in tensors of their own."
        )
    return boxes


def xyxy_to_cxcywh(boxes):
    """Centre form of corner boxes.

    Args:
        boxes: Float `(..., 4)`, x0 y0 x1 y1.

    Returns:
        Float `(..., 4)`, centre x, centre y, width, height in the same unit.
    """
    x0, y0, x1, y1 = ops.split(_check_boxes(boxes, "boxes"), 4, axis=-1)
    return ops.concatenate([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=-1)


def cxcywh_to_xyxy(boxes):
    """Corner form of centre boxes, the inverse of `xyxy_to_cxcywh`.

    Args:
        boxes: Float `(..., 4)`, centre x, centre y, width, height.

    Returns:
        Float `(..., 4)`, x0 y0 x1 y1 in the same unit.
    """
    x, y, w, h = ops.split(_check_boxes(boxes, "boxes"), 4, axis=-1)
    return ops.concatenate([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)


def area(boxes):
    """Area of xyxy boxes, `(...)`; 0 where a side is negative."""
    boxes = _check_boxes(boxes, "boxes")
    return ops.maximum(boxes[..., 2] - boxes[..., 0], 0) * ops.maximum(boxes[..., 3] - boxes[..., 1], 0)


def _intersection(a, b):
    width = ops.minimum(a[..., 2], b[..., 2]) - ops.maximum(a[..., 0], b[..., 0])
    height = ops.minimum(a[..., 3], b[..., 3]) - ops.maximum(a[..., 1], b[..., 1])
    return ops.maximum(width, 0) * ops.maximum(height, 0)


def paired_iou(a, b, crowd=None):
    """Intersection over union of `a[i]` with `b[i]`.

    Args:
        a: Boxes, float `(..., 4)`, xyxy with x0 <= x1 and y0 <= y1.
        b: Boxes that broadcast against `a`.
        crowd: Bool that broadcasts against the result: which of `b` are regions that hold many objects, each of them
            small beside the region. With them it is the share of `a[i]` that lies inside, as COCO counts it.

    Returns:
        Float `(...)` in [0, 1]; 0 where both boxes are empty.
    """
    a, b = _check_boxes(a, "a"), _check_boxes(b, "b")
    overlap = _intersection(a, b)
    whole = area(a) + area(b) - overlap
    if crowd is not None:
        whole = ops.where(crowd, area(a), whole)
    return overlap / ops.where(whole > 0, whole, ops.ones_like(whole))


def iou(a, b, crowd=None):
    """Intersection over union of every box in `a` with every box in `b`.

    Args:
        a: Boxes, float `(..., N, 4)`, xyxy with x0 <= x1 and y0 <= y1.
        b: Boxes, float `(..., M, 4)`, same convention as `a`.
        crowd: Bool `(..., M)`, which of `b` are crowds, as for `paired_iou`. None for none.

    Returns:
        Float `(..., N, M)` in [0, 1]; 0 where both boxes are empty.

    Raises:
        ValueError: If the last axis of `a` or `b` is not 4.

    Source: Everingham et al. 2010, The PASCAL VOC Challenge, bounding box evaluation.
    """
    a, b = _check_boxes(a, "a"), _check_boxes(b, "b")
    return paired_iou(a[..., :, None, :], b[..., None, :, :], None if crowd is None else crowd[..., None, :])


def shape_iou(wh_a, wh_b):
    """IoU of every width and height in `wh_a` with every one in `wh_b`, as if all boxes had one centre.

    Args:
        wh_a: Float `(..., N, 2)`, widths and heights.
        wh_b: Float `(..., M, 2)`, same unit.

    Returns:
        Float `(..., N, M)` in [0, 1].

    Source: Redmon & Farhadi 2016, YOLO9000, dimension clusters.
    """
    a, b = ops.cast(wh_a, "float32")[..., :, None, :], ops.cast(wh_b, "float32")[..., None, :, :]
    overlap = ops.prod(ops.minimum(a, b), axis=-1)
    union = ops.prod(a, axis=-1) + ops.prod(b, axis=-1) - overlap
    return overlap / ops.where(union > 0, union, ops.ones_like(union))


def _hull_sides(a, b):
    width = ops.maximum(a[..., 2], b[..., 2]) - ops.minimum(a[..., 0], b[..., 0])
    height = ops.maximum(a[..., 3], b[..., 3]) - ops.minimum(a[..., 1], b[..., 1])
    return width, height


def paired_giou(a, b):
    """Generalised IoU of `a[i]` with `b[i]`: IoU - (hull - union) / hull, in (-1, 1].

    Args:
        a: Boxes, float `(..., 4)`, xyxy.
        b: Boxes that broadcast against `a`.

    Source: Rezatofighi et al. 2019, Generalized Intersection over Union.
    """
    a, b = _check_boxes(a, "a"), _check_boxes(b, "b")
    overlap = _intersection(a, b)
    union = area(a) + area(b) - overlap
    hull_width, hull_height = _hull_sides(a, b)
    hull = hull_width * hull_height
    gap = (hull - union) / ops.where(hull > 0, hull, ops.ones_like(hull))
    return paired_iou(a, b) - gap


def paired_ciou(a, b, *, epsilon: float = 1e-7):
    """Complete IoU of `a[i]` with `b[i]`: IoU - d^2 / c^2 - alpha * v.

    d is the distance of the centres, c the diagonal of the hull, v = 4 / pi^2 * (atan(w_b / h_b) - atan(w_a / h_a))^2
    and alpha = v / (1 - IoU + v), which counts as a constant for the gradient, as in the paper and in Darknet.

    Args:
        a: Boxes, float `(..., 4)`, xyxy with positive sides.
        b: Boxes that broadcast against `a`.
        epsilon: Keeps the denominators above 0.

    Source: Zheng et al. 2020, Distance-IoU Loss.
    """
    a, b = _check_boxes(a, "a"), _check_boxes(b, "b")
    overlap = paired_iou(a, b)
    hull_width, hull_height = _hull_sides(a, b)
    centre_x = (a[..., 0] + a[..., 2] - b[..., 0] - b[..., 2]) / 2
    centre_y = (a[..., 1] + a[..., 3] - b[..., 1] - b[..., 3]) / 2
    distance = (centre_x**2 + centre_y**2) / (hull_width**2 + hull_height**2 + epsilon)
    v = 4 / math.pi**2 * (_angle(b, epsilon) - _angle(a, epsilon)) ** 2
    alpha = ops.stop_gradient(v / (1 - overlap + v + epsilon))
    return overlap - distance - alpha * v


def _angle(boxes, epsilon: float):
    """atan(w / h); the gradient at a box without sides would be 0 / 0 and spoil every other one."""
    return ops.arctan2(boxes[..., 2] - boxes[..., 0], ops.maximum(boxes[..., 3] - boxes[..., 1], epsilon))
