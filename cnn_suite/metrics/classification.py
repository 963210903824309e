"""Metrics of a classifier, in NumPy: accuracy with its interval, per-class metrics, and calibration.

A picture's prediction is its most probable class; equally probable classes stand in the order of their numbers, here
and in top-5, so that a classifier that says the same of every class is right about class 0 alone.

Sources: Brier 1950, Verification of Forecasts Expressed in Terms of Probability (the score over all classes, 0 to 2);
Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference (interval of a share).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_suite.metrics.calibration import Reliability, calibrated, reliability_table, temperature
from cnn_suite.metrics.class_scores import LEAST_PROBABILITY, checked_scores, ratio

__all__ = ["ClassificationMetrics", "Reliability", "calibrated", "classification_metrics", "temperature", "top_k_hits"]

_NORMAL_975 = 1.959963984540054  # 95 % of a normal distribution lie within so many deviations


@dataclass(frozen=True)
class ClassificationMetrics:
    """What `classification_metrics` returns. K is the number of classes; an undefined metric is NaN or None.

    A class has no recall without pictures, no precision where it is never predicted, and no F1 where both are so.
    `macro_f1` and `balanced_accuracy` are the means of F1 and of recall over the classes that have one.
    """

    accuracy: float
    accuracy_interval: tuple[float, float]  # Wilson, 95 %
    top5: float | None  # None with 5 classes or fewer, where it would be 1 whatever is predicted
    log_loss: float
    brier: float
    ece: float
    macro_f1: float
    balanced_accuracy: float
    precision: np.ndarray  # (K,)
    recall: np.ndarray  # (K,)
    f1: np.ndarray  # (K,)
    support: np.ndarray  # (K,) pictures of each class
    confusion: np.ndarray  # (K, K) counts: row the truth, column the prediction
    reliability: Reliability

    def most_confused(self, most: int = 10) -> list[tuple[int, int, int]]:
        """Pairs `(truth, prediction, pictures)` that are confused, most frequent first."""
        wrong = self.confusion * (1 - np.eye(len(self.confusion), dtype=self.confusion.dtype))
        order = np.argsort(-wrong, axis=None, kind="stable")[: min(most, np.count_nonzero(wrong))]
        truths, predictions = np.unravel_index(order, wrong.shape)
        return [(int(row), int(column), int(wrong[row, column])) for row, column in zip(truths, predictions)]

    def as_dict(self, labels: Sequence[str] | None = None) -> dict[str, Any]:
        """The metrics as plain numbers for JSON, None instead of NaN.

        Args:
            labels: The classes' names in order of their number. None for "0", "1", ...

        Raises:
            ValueError: If there is not one label for each class, or two are the same.
        """
        names = [str(number) for number in range(len(self.support))] if labels is None else list(labels)
        if len(names) != len(self.support) or len(set(names)) != len(names):
            raise ValueError(
                f"`labels` must contain {len(self.support)} different class names. Received {len(names)}: {names}."
            )
        whole = ("accuracy", "top5", "log_loss", "brier", "ece", "macro_f1", "balanced_accuracy")
        numbers: dict[str, Any] = {name: _plain(getattr(self, name)) for name in whole}
        numbers["accuracy_interval"] = list(self.accuracy_interval)
        numbers["pictures"] = int(self.support.sum())
        of_class = ("precision", "recall", "f1")
        numbers["per_class"] = {
            name: {figure: _plain(getattr(self, figure)[k]) for figure in of_class} | {"support": int(self.support[k])}
            for k, name in enumerate(names)
        }
        numbers["confusion"] = self.confusion.tolist()
        pairs = self.most_confused()
        numbers["most_confused"] = [{"truth": names[t], "prediction": names[p], "pictures": n} for t, p, n in pairs]
        table = self.reliability
        rows = zip(table.confidence, table.accuracy, table.count)
        numbers["reliability"] = [
            {"confidence": _plain(mean), "accuracy": _plain(share), "pictures": int(n)} for mean, share, n in rows
        ]
        return numbers


def classification_metrics(
    probabilities: np.ndarray, class_ids: np.ndarray, *, bins: int = 15
) -> ClassificationMetrics:
    """Evaluates the probabilities of a set of pictures against their true classes.

    Args:
        probabilities: Float `(n, classes)`, one row per picture.
        class_ids: Whole numbers `(n,)`, the truth.
        bins: Bins of the reliability table and of the calibration error; 15 as in the paper.

    Returns:
        All metrics; see `ClassificationMetrics`.

    Raises:
        ValueError: If there is no picture, a shape or a class number is wrong, a row is not a distribution, or `bins`
            is less than 1.
    """
    probabilities, class_ids = checked_scores(probabilities, class_ids)
    count, classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)  # the first of equals
    confusion = np.bincount(class_ids * classes + predicted, minlength=classes**2).reshape(classes, classes)
    right, truths, found = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    recall, f1 = ratio(right, truths), ratio(2 * right, truths + found)
    of_truth = probabilities[np.arange(count), class_ids].astype(np.float64)
    squares = np.einsum("nk,nk->n", probabilities, probabilities, dtype=np.float64)
    reliability = reliability_table(probabilities.max(axis=1).astype(np.float64), predicted == class_ids, bins)
    return ClassificationMetrics(
        accuracy=float(right.sum() / count),
        accuracy_interval=_wilson(int(right.sum()), count),
        top5=float(top_k_hits(probabilities, class_ids, 5).mean()) if classes > 5 else None,
        log_loss=float(-np.log(np.clip(of_truth, LEAST_PROBABILITY, 1)).mean()),
        brier=float((squares - 2 * of_truth + 1).mean()),  # the sum of (p - onehot)^2, multiplied out
        ece=reliability.ece,
        macro_f1=float(np.nanmean(f1)),
        balanced_accuracy=float(np.nanmean(recall)),
        precision=ratio(right, found),
        recall=recall,
        f1=f1,
        support=truths,
        confusion=confusion,
        reliability=reliability,
    )


def top_k_hits(probabilities: np.ndarray, class_ids: np.ndarray, k: int) -> np.ndarray:
    """Bool `(n,)`: whether the truth is among the `k` most probable classes, equals in the order of their numbers."""
    of_truth = np.take_along_axis(probabilities, class_ids[:, None], axis=1)  # (n, 1)
    earlier = np.arange(probabilities.shape[1]) < class_ids[:, None]
    before = (probabilities > of_truth) | ((probabilities == of_truth) & earlier)
    return before.sum(axis=1) < k


def _wilson(right: int, count: int) -> tuple[float, float]:
    share, squared = right / count, _NORMAL_975**2
    centre = share + squared / (2 * count)
    reach = _NORMAL_975 * math.sqrt(share * (1 - share) / count + squared / (4 * count**2))
    whole = 1 + squared / count
    return max(0.0, (centre - reach) / whole), min(1.0, (centre + reach) / whole)


def _plain(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
