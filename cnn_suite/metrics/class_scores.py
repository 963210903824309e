"""Validation of a classifier's scores `(n, classes)` and true classes `(n,)` for a set of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

# Smaller probabilities count as this: one sure mistake costs 16.1 in log loss, not infinity. Keras's epsilon.
LEAST_PROBABILITY = 1e-7


def checked_scores(scores: Any, class_ids: Any, *, logits: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Validated scores, unchanged, and true classes, as int64.

    Args:
        scores: Float `(n, classes)`: probabilities, or logits.
        class_ids: Whole numbers `(n,)` from 0.
        logits: Whether `scores` are logits, which need not sum up to 1.

    Raises:
        ValueError: If there is no picture or class, a shape, type or class number is wrong, a number is not finite, or
            a row of probabilities is not a distribution.
    """
    scores, class_ids = np.asarray(scores), np.asarray(class_ids)
    name = "logits" if logits else "probabilities"
    if scores.ndim != 2 or 0 in scores.shape or scores.dtype.kind != "f":
        raise ValueError(
            f"`{name}` must be floats of shape (pictures, classes), at least one of each. "
            f"Received {scores.dtype} of shape {scores.shape}."
        )
    count, classes = scores.shape
    if class_ids.shape != (count,) or class_ids.dtype.kind not in "iu":
        raise ValueError(
            f"`class_ids` must be whole numbers of shape ({count},), one per picture. "
            f"Received {class_ids.dtype} of shape {class_ids.shape}. "
            "If the labels are one-hot, take their argmax over the classes."
        )
    if class_ids.min() < 0 or class_ids.max() >= classes:
        raise ValueError(
            f"`class_ids` must be between 0 and {classes - 1}. Received {class_ids.min()} to {class_ids.max()}."
        )
    if not np.isfinite(scores).all():
        row = int(np.argmin(np.isfinite(scores).all(axis=1)))
        raise ValueError(f"`{name}` must be finite. Received a NaN or an infinite value in row {row}.")
    if not logits:
        _check_distributions(scores)
    return scores, class_ids.astype(np.int64)


def _check_distributions(probabilities: np.ndarray) -> None:
    sums = probabilities.sum(axis=1, dtype=np.float64)
    wrong = (probabilities.min(axis=1) < 0) | (abs(sums - 1) > 0.01)  # softmax in float16 is right to some thousandths
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Each row of `probabilities` must be non-negative and sum to 1. Row {row} has a minimum of "
            f"{probabilities[row].min():.4g} and sums to {sums[row]:.4g}. If these are logits, take their softmax; "
            "if they come from an 8-bit graph, normalise each row by its sum."
        )


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole` in float64, NaN if the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
