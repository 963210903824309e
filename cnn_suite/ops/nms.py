"""Non-max suppression with static shapes, for any Keras backend: per class, class-agnostic and soft.

The algorithm of the course notes: pick the box with the highest score, discard every box that overlaps it too much,
continue with what is left; independently for each class unless asked otherwise.
"""

from typing import Any, NamedTuple

from keras import ops

from cnn_suite.ops.boxes import paired_iou

GONE = float("-inf")  # score of a candidate that is kept already or discarded


class Kept(NamedTuple):
    """The kept boxes: `indices` int32 `(batch, max_detections)` into the candidates, `scores` likewise, both 0 past
    `count` int32 `(batch,)`."""

    indices: Any
    scores: Any
    count: Any


def non_max_suppression(
    boxes,
    scores,
    class_ids=None,
    *,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.0,
    max_detections: int = 100,
    soft_sigma: float = 0.0,
) -> Kept:
    """Greedy non-max suppression of every picture of a batch.

    Args:
        boxes: Float `(batch, n, 4)`, xyxy.
        scores: Float `(batch, n)`.
        class_ids: Int `(batch, n)`: boxes suppress only boxes of their own class. None: class-agnostic.
        iou_threshold: Boxes that overlap a higher-scoring one by more than this are discarded.
        score_threshold: Only boxes with a score above it are used.
        max_detections: Length of the result.
        soft_sigma: Above 0 overlapping scores are multiplied by exp(-IoU^2 / (2 * sigma)) instead of discarded
            (soft-NMS, with `tf.image`'s meaning of sigma); `iou_threshold` is then not used.

    Returns:
        `Kept`, best score first; of equal scores the lower index comes first.

    Source: Bodla et al. 2017, Soft-NMS; the greedy form is folklore.
    """
    boxes, scores = ops.cast(boxes, "float32"), ops.cast(scores, "float32")
    batch = ops.shape(scores)[0]
    # One candidate more, never kept, so that a picture without candidates has a maximum.
    boxes = ops.pad(boxes, ((0, 0), (0, 1), (0, 0)))
    open_scores = ops.pad(ops.where(scores > score_threshold, scores, GONE), ((0, 0), (0, 1)), constant_values=GONE)
    if class_ids is not None:
        class_ids = ops.pad(ops.cast(class_ids, "int32"), ((0, 0), (0, 1)))
    slots = ops.arange(ops.shape(open_scores)[1], dtype="int32")[None]

    def any_open(step, open_scores, *_):
        return (step < max_detections) & ops.any(open_scores > GONE)

    def pick(step, open_scores, indices, kept_scores):
        best = ops.cast(ops.argmax(open_scores, axis=-1), "int32")[:, None]
        best_score = ops.take_along_axis(open_scores, best, axis=1)
        overlap = paired_iou(ops.take_along_axis(boxes, best[..., None], axis=1), boxes)
        if class_ids is not None:
            overlap = ops.where(class_ids == ops.take_along_axis(class_ids, best, axis=1), overlap, 0.0)
        if soft_sigma > 0:
            left = open_scores * ops.exp(-(overlap**2) / (2 * soft_sigma))
            left = ops.where(left > score_threshold, left, GONE)
        else:
            left = ops.where(overlap > iou_threshold, GONE, open_scores)
        here = ops.arange(max_detections, dtype="int32")[None] == step
        indices = ops.where(here, best, indices)
        kept_scores = ops.where(here, best_score, kept_scores)
        return step + 1, ops.where(slots == best, GONE, left), indices, kept_scores

    indices = ops.zeros((batch, max_detections), dtype="int32")
    kept_scores = ops.full((batch, max_detections), GONE, dtype="float32")
    start = (ops.convert_to_tensor(0, dtype="int32"), open_scores, indices, kept_scores)
    _, _, indices, kept_scores = ops.while_loop(any_open, pick, start)
    found = kept_scores > GONE
    count = ops.sum(ops.cast(found, "int32"), axis=1)
    return Kept(ops.where(found, indices, 0), ops.where(found, kept_scores, 0.0), count)
