"""Figures of localizers: one answer a picture, compared with its one object or with none.

Source: Russakovsky et al. 2014, ImageNet Large Scale Visual Recognition Challenge, section 4.2; its localization error
is one minus `localized`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cnn_suite.metrics.detection_pictures import DetectionsLike, Truths
from cnn_suite.ops.numpy_boxes import iou


class LocalizationFigures(NamedTuple):
    """Figures of a set of pictures; those over no picture are None.

    Attributes:
        localized: Share of pictures with the right answer: the class and a box with enough overlap, or no object.
        per_class: The same of the pictures of each class.
        class_accuracy: Share of the objects whose class is named, wherever and however unsure.
        mean_iou: Mean overlap of the true boxes and the answers, however unsure; 0 for no answer.
        missed: Share of the objects without a sure answer.
        false_alarms: Share of the pictures without object that have a sure answer.
    """

    localized: float
    per_class: list[float | None]
    class_accuracy: float | None
    mean_iou: float | None
    missed: float | None
    false_alarms: float | None

    def as_dict(self, labels: Sequence[str]) -> dict[str, Any]:
        """All of them by name, those of the classes by label."""
        return self._asdict() | {"per_class": dict(zip(labels, self.per_class))}


def localization_figures(
    truths: Sequence[Truths],
    answers: Sequence[DetectionsLike],
    classes: int,
    confidence: float,
    min_iou: float = 0.5,
) -> LocalizationFigures:
    """Measures answers.

    Args:
        truths: The object of every picture, or none; boxes in pixels.
        answers: The answer to every picture, however unsure, or none.
        classes: Number of classes.
        confidence: Score from which an answer is sure.
        min_iou: Overlap from which a place is right.

    Raises:
        ValueError: If there is no picture, the lengths differ, or a picture has more than one object or answer.
    """
    if not len(truths) or len(truths) != len(answers) or _most(truths) > 1 or _most(answers) > 1:
        raise ValueError(
            "`truths` and `answers` must have one entry a picture, for at least one picture, with at most one object "
            f"each. Received {len(truths)} and {len(answers)}."
        )
    true_id, found_id = (np.array([_first(one.class_id, -1) for one in side]) for side in (truths, answers))
    overlap = np.array([_overlap(truth, answer) for truth, answer in zip(truths, answers)])
    sure = np.array([_first(answer.confidence, 0.0) >= confidence for answer in answers]) & (found_id >= 0)
    there, named = true_id >= 0, (found_id == true_id) & (true_id >= 0)
    right = np.where(there, named & sure & (overlap >= min_iou), ~sure)
    return LocalizationFigures(
        localized=float(right.mean()),
        per_class=[_mean(right[true_id == number]) for number in range(classes)],
        class_accuracy=_mean(named[there]),
        mean_iou=_mean(overlap[there]),
        missed=_mean(~sure[there]),
        false_alarms=_mean(sure[~there]),
    )


def _most(pictures: Sequence[DetectionsLike] | Sequence[Truths]) -> int:
    return max(len(picture.class_id) for picture in pictures)


def _first(values: np.ndarray, otherwise: float) -> float:
    return values[0] if len(values) else otherwise


def _overlap(truth: Truths, answer: DetectionsLike) -> float:
    pairs = iou(truth.xyxy_px, answer.xyxy_px)
    return float(pairs[0, 0]) if pairs.size else 0.0


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
