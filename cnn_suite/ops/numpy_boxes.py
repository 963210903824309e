"""Areas, intersection over union and non-maximum suppression in plain NumPy, for code that runs without Keras.

Boxes are xyxy with x0 <= x1 and y0 <= y1, in any one unit. Everything is computed in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def areas(boxes: ArrayLike) -> np.ndarray:
    """Area of every box `(n, 4)`, float64 `(n,)`, in its unit squared.

    Raises:
        ValueError: If the shape is not (n, 4).
    """
    x0, y0, x1, y1 = checked_boxes("boxes", boxes).T
    return (x1 - x0) * (y1 - y0)


def iou(a: ArrayLike, b: ArrayLike, crowd: ArrayLike | None = None) -> np.ndarray:
    """Intersection over union of every box in `a` with every box in `b`.

    Args:
        a: Boxes, `(n, 4)` xyxy.
        b: Boxes, `(m, 4)` xyxy.
        crowd: Bool `(m,)`: which of `b` are regions that hold many objects. A single one of them lies inside, so that
            what counts is the share of the box of `a` that is covered, as COCO has it. None for none.

    Returns:
        Float64 `(n, m)` in [0, 1]; 0 where both boxes have no area.

    Raises:
        ValueError: If a shape is not (n, 4).

    Source: Everingham et al. 2010, The PASCAL VOC Challenge, bounding box evaluation.
    """
    a, b = checked_boxes("a", a), checked_boxes("b", b)
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])  # (n, m, 2)
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=-1)  # (n, m)
    union = areas(a)[:, None] + areas(b)[None, :] - intersection
    if crowd is not None:
        union = np.where(crowd, areas(a)[:, None], union)
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def nms(
    xyxy: ArrayLike,
    scores: ArrayLike,
    class_ids: ArrayLike | None = None,
    iou_threshold: float = 0.5,
    max_detections: int | None = None,
) -> np.ndarray:
    """Greedy non-maximum suppression: the best box stays, boxes overlapping it by more than the threshold go.

    Args:
        xyxy: Boxes, `(n, 4)` xyxy.
        scores: `(n,)`; of equal scores the lower index comes first.
        class_ids: `(n,)`; when given, boxes of different classes never suppress each other.
        iou_threshold: A box goes when its IoU with a kept one is greater than this, as in `tf.image`.
        max_detections: The most boxes to keep; None for no limit.

    Returns:
        Integers `(k,)`: indices of the kept boxes, best score first.

    Raises:
        ValueError: If shapes do not fit or a limit is out of range.
    """
    boxes, scores = checked_boxes("xyxy", xyxy), np.asarray(scores, np.float64)
    if scores.shape != (len(boxes),):
        raise ValueError(f"`scores` must have shape ({len(boxes)},), one a box. Received shape {scores.shape}.")
    classes = np.zeros(len(boxes), np.int64) if class_ids is None else np.asarray(class_ids)
    if classes.shape != scores.shape:
        raise ValueError(f"`class_ids` must have shape {scores.shape}, one a box. Received shape {classes.shape}.")
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"`iou_threshold` must lie in [0, 1]. Received {iou_threshold}.")
    limit = len(boxes) if max_detections is None else max_detections
    if limit < 0:
        raise ValueError(f"`max_detections` must be 0 or more. Received {max_detections}.")
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < limit:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        overlap = iou(boxes[best : best + 1], boxes[waiting])[0]
        waiting = waiting[(overlap <= iou_threshold) | (classes[waiting] != classes[best])]
    return np.asarray(kept, np.int64)


def checked_boxes(name: str, boxes: ArrayLike) -> np.ndarray:
    """Boxes as float64 `(n, 4)`, whatever the shape of none.

    Raises:
        ValueError: If the shape is another; `name` says what they are.
    """
    array = np.asarray(boxes, np.float64)
    array = array.reshape(0, 4) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"`{name}` must have shape (n, 4) in xyxy order. Received shape {array.shape}.")
    return array
