"""Average precision and recall of a detector by the COCO protocol, in NumPy.

Ten IoU thresholds 0.50:0.05:0.95, 101 recall points, at most 1, 10 and 100 detections a picture and class, four area
ranges. The numbers equal those of the reference program (pycocotools) to 1e-6, with NaN where it writes -1: for a
class, or an area range, without any truth to find.

Source: Lin et al. 2014, Microsoft COCO: Common Objects in Context; protocol at https://cocodataset.org/#detection-eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_suite.metrics.detection_matching import match_greedily
from cnn_suite.metrics.detection_pictures import DetectionsLike, PictureDetections, Truths, checked_pictures
from cnn_suite.ops.numpy_boxes import areas, iou

__all__ = ["AREA_RANGES_PX", "IOU_THRESHOLDS", "RECALL_POINTS", "CocoMetrics", "Truths", "coco_metrics"]

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
# Square pixels, both ends included: a box of exactly 32 x 32 is small and medium.
AREA_RANGES_PX = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


@dataclass(frozen=True)
class CocoMetrics:
    """What `coco_metrics` returns. Axes: T thresholds, R recall points, K classes, A area ranges, M maxima.

    `ar` maps each maximum of detections a picture and class to its average recall. The area ranges stand in the order
    all, small, medium, large; those of `ar_small` and the like use the last maximum, and so does every precision.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar: dict[int, float]
    ar_small: float
    ar_medium: float
    ar_large: float
    per_class_ap: np.ndarray  # (K,), NaN where the class has no truths
    per_class_ap50: np.ndarray
    per_class_ap75: np.ndarray
    per_class_ar: np.ndarray
    truths: np.ndarray  # (K,) how many there are to find
    precision: np.ndarray  # (T, R, K, A, M), NaN where there is nothing to find
    recall: np.ndarray  # (T, K, A, M)
    scores: np.ndarray  # (T, R, K, A, M), the confidence at which a recall is reached

    def as_dict(self, labels: Sequence[str] | None = None) -> dict[str, Any]:
        """The metrics as plain numbers for JSON, None in place of NaN; arrays over recall points are left out.

        Args:
            labels: The classes' names in order of their number. None for "0", "1", ...

        Raises:
            ValueError: If there is not one label for each class.
        """
        names = [str(number) for number in range(len(self.truths))] if labels is None else list(labels)
        if len(names) != len(self.truths):
            raise ValueError(f"`labels` must name all {len(self.truths)} classes. Received {len(names)}: {names}.")
        whole = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
        numbers: dict[str, Any] = {name: _plain(getattr(self, name)) for name in whole}
        numbers |= {f"ar_{maximum}": _plain(value) for maximum, value in self.ar.items()}
        numbers |= {name: _plain(getattr(self, name)) for name in ("ar_small", "ar_medium", "ar_large")}
        numbers["per_class"] = {
            name: {
                "ap": _plain(self.per_class_ap[k]),
                "ap50": _plain(self.per_class_ap50[k]),
                "ap75": _plain(self.per_class_ap75[k]),
                "ar": _plain(self.per_class_ar[k]),
                "truths": int(self.truths[k]),
            }
            for k, name in enumerate(names)
        }
        return numbers


def coco_metrics(
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    classes: int,
    *,
    max_detections: tuple[int, ...] = (1, 10, 100),
) -> CocoMetrics:
    """Scores the detections of a set of pictures against its truths by the COCO protocol.

    Args:
        truths: One a picture.
        detections: One a picture, in the same order; each box has one class and one confidence.
        classes: How many classes there are; class numbers run from 0.
        max_detections: Rising numbers; only so many most confident boxes a picture and class are looked at.

    Returns:
        All averages, the averages of each class, and the precision at every recall point.

    Raises:
        ValueError: If the two sequences differ in length, a shape or class number is wrong, a confidence is NaN, or
            `max_detections` does not rise.
    """
    truths, found = checked_pictures(truths, detections, classes)
    if not max_detections or min(max_detections) < 1 or list(max_detections) != sorted(set(max_detections)):
        raise ValueError(f"`max_detections` must be rising whole numbers above 0. Received {max_detections}.")
    shape = (len(IOU_THRESHOLDS), len(RECALL_POINTS), classes, len(AREA_RANGES_PX), len(max_detections))
    precision, scores = np.full(shape, np.nan), np.full(shape, np.nan)
    recall = np.full(shape[:1] + shape[2:], np.nan)
    for k in range(classes):
        judged = _Judged.of_class(truths, found, k, max_detections[-1])
        for a in range(len(AREA_RANGES_PX)):
            if judged.to_find[a]:
                for m, maximum in enumerate(max_detections):
                    precision[:, :, k, a, m], scores[:, :, k, a, m], recall[:, k, a, m] = judged.curve(a, maximum)
    to_find = [sum(int(np.sum((t.class_id == k) & ~t.ignored)) for t in truths) for k in range(classes)]
    return _summary(precision, recall, scores, np.array(to_find, np.int64), max_detections)


@dataclass(frozen=True)
class _Judged:
    """All detections of one class over all pictures, each judged at every area range and threshold."""

    confidence: np.ndarray  # (D,)
    rank: np.ndarray  # (D,) place within its own picture
    right: np.ndarray  # (A, T, D) found a truth that counts
    wrong: np.ndarray  # (A, T, D) found none, and should not be there
    to_find: np.ndarray  # (A,)

    @classmethod
    def of_class(cls, truths: list[Truths], found: list[PictureDetections], k: int, maximum: int) -> _Judged:
        parts = [_judge_picture(truth, boxes, k, maximum) for truth, boxes in zip(truths, found, strict=True)]
        ranges = len(AREA_RANGES_PX)
        nothing = np.zeros((ranges, len(IOU_THRESHOLDS), 0), bool)
        return cls(
            np.concatenate([np.zeros(0), *(part.confidence for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(part.rank for part in parts)]),
            np.concatenate([nothing, *(part.right for part in parts)], axis=-1),
            np.concatenate([nothing, *(part.wrong for part in parts)], axis=-1),
            np.sum([np.zeros(ranges, np.int64), *(part.to_find for part in parts)], axis=0),
        )

    def curve(self, area: int, maximum: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Precision `(T, R)` and confidence `(T, R)` at the recall points, and the recall `(T,)` in the end."""
        kept = np.flatnonzero(self.rank < maximum)
        kept = kept[np.argsort(-self.confidence[kept], kind="stable")]  # equals stay in the order of the pictures
        right = np.cumsum(self.right[area][:, kept], axis=1, dtype=np.float64)  # (T, D)
        wrong = np.cumsum(self.wrong[area][:, kept], axis=1, dtype=np.float64)
        recall = right / self.to_find[area]
        precision = right / np.maximum(right + wrong, 1)  # where all so far were ignored, 0
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]  # the best at this recall or above
        # A recall that is never reached has precision 0 and confidence 0: the column appended here.
        precision = np.pad(precision, ((0, 0), (0, 1)))
        confidence = np.append(self.confidence[kept], 0.0)
        place = np.stack([np.searchsorted(row, RECALL_POINTS, side="left") for row in recall])  # (T, R)
        reached = recall[:, -1] if len(kept) else np.zeros(len(recall))
        return np.take_along_axis(precision, place, axis=1), confidence[place], reached


def _judge_picture(truth: Truths, found: PictureDetections, k: int, maximum: int) -> _Judged:
    """Matches the truths and detections of class `k` in one picture, and says which are right, wrong or neither."""
    mine = np.flatnonzero(truth.class_id == k)
    chosen = np.flatnonzero(found.class_id == k)[:maximum]
    boxes, overlooked = found.xyxy_px[chosen], truth.ignored[mine]
    ignored = overlooked | _outside(truth.area_px[mine])  # (A, G)
    overlap = iou(boxes, truth.xyxy_px[mine], truth.crowd[mine])  # (D, G)
    given = match_greedily(overlap, ignored, overlooked, IOU_THRESHOLDS)  # (A, T, D)
    matched = given >= 0
    padded = np.pad(ignored, ((0, 0), (0, 1)))  # index -1, no match, reads the False appended here
    forgiven = np.take_along_axis(padded[:, None, :], given, axis=-1)
    outside = ~matched & _outside(areas(boxes))[:, None, :]
    return _Judged(
        found.confidence[chosen], np.arange(len(chosen)), matched & ~forgiven, ~matched & ~outside, (~ignored).sum(1)
    )


def _outside(area_px: np.ndarray) -> np.ndarray:
    """Bool `(A, n)`: which areas fall outside each of the ranges."""
    low, high = np.array(list(AREA_RANGES_PX.values())).T[..., None]
    return (area_px < low) | (area_px > high)


def _summary(
    precision: np.ndarray, recall: np.ndarray, scores: np.ndarray, truths: np.ndarray, maxima: tuple[int, ...]
) -> CocoMetrics:
    at75 = int(np.argmin(abs(IOU_THRESHOLDS - 0.75)))
    ap_all, ap_small, ap_medium, ap_large = (_mean(precision[..., a, -1]) for a in range(len(AREA_RANGES_PX)))
    return CocoMetrics(
        ap=ap_all,
        ap50=_mean(precision[0, ..., 0, -1]),
        ap75=_mean(precision[at75, ..., 0, -1]),
        ap_small=ap_small,
        ap_medium=ap_medium,
        ap_large=ap_large,
        ar={maximum: _mean(recall[..., 0, m]) for m, maximum in enumerate(maxima)},
        ar_small=_mean(recall[..., 1, -1]),
        ar_medium=_mean(recall[..., 2, -1]),
        ar_large=_mean(recall[..., 3, -1]),
        per_class_ap=precision[..., 0, -1].mean(axis=(0, 1)),
        per_class_ap50=precision[0, ..., 0, -1].mean(axis=0),
        per_class_ap75=precision[at75, ..., 0, -1].mean(axis=0),
        per_class_ar=recall[..., 0, -1].mean(axis=0),
        truths=truths,
        precision=precision,
        recall=recall,
        scores=scores,
    )


def _mean(values: np.ndarray) -> float:
    """The mean over everything that is not NaN; NaN where nothing is left."""
    numbers = values[~np.isnan(values)]
    return float(numbers.mean()) if numbers.size else float("nan")


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
