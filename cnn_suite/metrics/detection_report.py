"""Why a detector scores what it scores: precision-recall curves, the best confidence, confusions, the worst pictures.

Everything here looks at one IoU threshold (0.5 unless said otherwise) and at all detections; the averages of the COCO
protocol are in `cnn_suite.metrics.detection`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_suite.metrics.detection_matching import match_greedily
from cnn_suite.metrics.detection_pictures import DetectionsLike, PictureDetections, Truths, checked_pictures
from cnn_suite.ops.numpy_boxes import iou


@dataclass(frozen=True)
class OperatingPoint:
    """What a detector does when it keeps the boxes of at least this confidence."""

    confidence: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision and recall at every confidence that occurs, from the highest down; arrays `(n,)`.

    Detections of equal confidence cannot be told apart by a threshold, so they make one point. `truths` is the number
    of objects to find; where it is 0 the recall is NaN.
    """

    confidence: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    truths: int

    def best(self) -> OperatingPoint | None:
        """The point of the highest F1, the most confident one among equals; None without truths or detections."""
        if not self.truths or not len(self.confidence):
            return None
        both = self.precision + self.recall
        f1 = np.divide(2 * self.precision * self.recall, both, out=np.zeros_like(both), where=both > 0)
        top = int(f1.argmax())
        return OperatingPoint(*(float(row[top]) for row in (self.confidence, self.precision, self.recall, f1)))


@dataclass(frozen=True)
class PictureOutcome:
    """What happened to the objects and detections of one picture at one confidence.

    Args:
        pairs: Int `(n, 2)`: class of the truth and class of the detection that belong together; the number of classes
            stands for background, so `(2, background)` is a missed object and `(background, 2)` a false detection.
        background: The number of classes.
    """

    pairs: np.ndarray
    background: int

    @property
    def missed(self) -> int:
        """Objects that nothing was found on."""
        return int((self.pairs[:, 1] == self.background).sum())

    @property
    def false(self) -> int:
        """Detections where no object is, doubles included."""
        return int((self.pairs[:, 0] == self.background).sum())

    @property
    def wrong_class(self) -> int:
        """Objects found under another class's name."""
        return len(self.pairs) - self.missed - self.false - int((self.pairs[:, 0] == self.pairs[:, 1]).sum())

    @property
    def errors(self) -> int:
        """All three kinds together."""
        return self.missed + self.false + self.wrong_class


@dataclass(frozen=True)
class DetectionReport:
    """All of this module at once, for a set of pictures.

    Args:
        curves: One a class.
        overall: The curve over all classes together.
        confidence: The confidence at which `outcomes` and `confusion` were taken.
        outcomes: One a picture.
        confusion: Int `(classes + 1, classes + 1)`, rows the truth, columns what was found, background last.
    """

    curves: tuple[PrecisionRecallCurve, ...]
    overall: PrecisionRecallCurve
    confidence: float
    outcomes: tuple[PictureOutcome, ...]
    confusion: np.ndarray

    def as_dict(self, labels: Sequence[str]) -> dict[str, Any]:
        """The best confidences, the confusions and the error counts as plain numbers for JSON."""
        points = {name: curve.best() for name, curve in zip(labels, self.curves, strict=True)}
        overall = self.overall.best()
        return {
            "best_f1": None if overall is None else vars(overall),
            "best_f1_per_class": {name: None if point is None else vars(point) for name, point in points.items()},
            "at_confidence": self.confidence,
            "confusion_matrix": {"labels": [*labels, "background"], "rows_truth": self.confusion.tolist()},
            "errors": {
                kind: sum(getattr(outcome, kind) for outcome in self.outcomes)
                for kind in ("missed", "false", "wrong_class")
            },
        }


def detection_report(
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    classes: int,
    *,
    confidence: float | None = None,
    iou_threshold: float = 0.5,
) -> DetectionReport:
    """Curves, confusions and errors of a set of pictures.

    Args:
        truths: One a picture.
        detections: One a picture, in the same order, down to a low confidence.
        classes: How many classes there are.
        confidence: What a detection needs to enter the confusions. None for the best F1 over all classes.
        iou_threshold: The least overlap of a match.

    Raises:
        ValueError: As `coco_metrics` does, or if `iou_threshold` is not in (0, 1].
    """
    overall = precision_recall_curve(truths, detections, classes, iou_threshold=iou_threshold)
    if confidence is None:
        best = overall.best()
        confidence = 0.5 if best is None else best.confidence
    outcomes = picture_outcomes(truths, detections, classes, confidence=confidence, iou_threshold=iou_threshold)
    return DetectionReport(
        tuple(
            precision_recall_curve(truths, detections, classes, class_id=k, iou_threshold=iou_threshold)
            for k in range(classes)
        ),
        overall,
        confidence,
        outcomes,
        confusion_matrix(outcomes, classes),
    )


def precision_recall_curve(
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    classes: int,
    *,
    class_id: int | None = None,
    iou_threshold: float = 0.5,
) -> PrecisionRecallCurve:
    """Precision and recall of one class, or of all classes together, at every confidence.

    Args:
        truths: One a picture.
        detections: One a picture, in the same order.
        classes: How many classes there are.
        class_id: The class; None for all of them. A detection must have its truth's class in either case.
        iou_threshold: The least overlap of a match.

    Raises:
        ValueError: As `coco_metrics` does, or if `iou_threshold` is not in (0, 1].
    """
    pictures = list(zip(*checked_pictures(truths, detections, classes), strict=True))
    confidences, hits, to_find = [np.zeros(0)], [np.zeros(0, bool)], 0
    for truth, found in pictures:
        matched = _match_within_classes(truth, found, iou_threshold)
        kept = np.append(~truth.ignored, True)[matched]  # a detection on an ignored truth is neither right nor wrong
        kept &= True if class_id is None else found.class_id == class_id
        confidences.append(found.confidence[kept])
        hits.append(matched[kept] >= 0)
        to_find += int((~truth.ignored & (True if class_id is None else truth.class_id == class_id)).sum())
    confidence, hit = np.concatenate(confidences), np.concatenate(hits)
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], np.cumsum(hit[order])
    points = np.flatnonzero(np.append(np.diff(confidence) != 0, True)[: len(confidence)])  # the last of each tie
    recall = right[points] / to_find if to_find else np.full(len(points), np.nan)
    return PrecisionRecallCurve(confidence[points], right[points] / (points + 1), recall, to_find)


def picture_outcomes(
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    classes: int,
    *,
    confidence: float,
    iou_threshold: float = 0.5,
) -> tuple[PictureOutcome, ...]:
    """What happened in every picture to the objects and to the detections of at least `confidence`.

    Detections are first matched with truths of their own class, exactly as for the curves; what is left over is then
    matched across classes. Crowd regions, difficult objects and what lies on them are left out.

    Raises:
        ValueError: As `coco_metrics` does, or if `iou_threshold` is not in (0, 1].
    """
    checked = zip(*checked_pictures(truths, detections, classes), strict=True)
    return tuple(_outcome(truth, _at_least(found, confidence), classes, iou_threshold) for truth, found in checked)


def confusion_matrix(outcomes: Sequence[PictureOutcome], classes: int) -> np.ndarray:
    """How often each class was found as each other: int `(classes + 1, classes + 1)`, rows truth, background last."""
    counts = np.zeros((classes + 1, classes + 1), np.int64)
    for outcome in outcomes:
        np.add.at(counts, tuple(outcome.pairs.T), 1)
    return counts


def worst_pictures(outcomes: Sequence[PictureOutcome], count: int) -> list[int]:
    """Indices of the pictures with the most errors, worst first; pictures without an error are never among them."""
    order = sorted(range(len(outcomes)), key=lambda index: -outcomes[index].errors)
    return [index for index in order[:count] if outcomes[index].errors]


def _outcome(truth: Truths, found: PictureDetections, background: int, iou_threshold: float) -> PictureOutcome:
    matched = _match_within_classes(truth, found, iou_threshold)
    open_truths = np.setdiff1d(np.flatnonzero(~truth.ignored), matched)
    open_found = np.flatnonzero(matched < 0)
    no_crowd = np.zeros(len(open_truths), bool)
    overlap = iou(found.xyxy_px[open_found], truth.xyxy_px[open_truths])
    across = match_greedily(overlap, no_crowd[None], no_crowd, np.array([iou_threshold]))[0, 0]
    swapped = across >= 0
    right = found.class_id[np.append(~truth.ignored, False)[matched]]
    mistaken = open_truths[across[swapped]]
    missed = truth.class_id[np.setdiff1d(open_truths, mistaken)]
    false = found.class_id[open_found[~swapped]]
    pairs = [
        np.stack([right, right], axis=1),
        np.stack([truth.class_id[mistaken], found.class_id[open_found[swapped]]], axis=1),
        np.stack([missed, np.full_like(missed, background)], axis=1),
        np.stack([np.full_like(false, background), false], axis=1),
    ]
    return PictureOutcome(np.concatenate(pairs), background)


def _match_within_classes(truth: Truths, found: PictureDetections, iou_threshold: float) -> np.ndarray:
    """The truth of its own class that each detection found, int `(D,)`, -1 for none."""
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"`iou_threshold` must be above 0 and at most 1. Received {iou_threshold}.")
    same = found.class_id[:, None] == truth.class_id[None, :]
    overlap = np.where(same, iou(found.xyxy_px, truth.xyxy_px, truth.crowd), 0.0)
    return match_greedily(overlap, truth.ignored[None], truth.ignored, np.array([iou_threshold]))[0, 0]


def _at_least(found: PictureDetections, confidence: float) -> PictureDetections:
    kept = found.confidence >= confidence
    return PictureDetections(found.xyxy_px[kept], found.confidence[kept], found.class_id[kept])
