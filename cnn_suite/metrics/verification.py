"""Metrics of face verification by distance: ROC, accuracy, equal error rate, TAR at FAR.

A pair is taken for the same person where its distance is *below* a threshold. FAR, the false accept rate, is the share
of pairs of different people for which that is so; TAR, the true accept rate, that of the pairs of one person; FRR, the
false reject rate, is 1 - TAR.

All metrics are exact counts on the given pairs, without confidence intervals: n pairs of different people without an
error only show a FAR below 3 / n.

Source: Huang et al. 2007, Labeled Faces in the Wild; Grother et al., NIST FRVT 1:1, for the rates' names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Pairs of encodings: their distances, float64 `(pairs,)`, and whether they are of one person, bool `(pairs,)`."""

    distances: np.ndarray
    same: np.ndarray


class Roc(NamedTuple):
    """Both rates at every threshold that makes a difference, rising from (0, 0) to (1, 1), `(points,)` each."""

    thresholds: np.ndarray
    far: np.ndarray
    tar: np.ndarray


class OperatingPoint(NamedTuple):
    """A threshold, and its error rates."""

    threshold: float
    far: float
    tar: float


class BestAccuracy(NamedTuple):
    """The fraction of pairs that are classified correctly, and the threshold for it."""

    accuracy: float
    threshold: float


class Measure(NamedTuple):
    """How rows `(n, size)` are prepared, and the distances `(n,)` of differences of prepared rows `(n, size)`."""

    prepared: Callable[[np.ndarray], np.ndarray]
    distance: Callable[[np.ndarray], np.ndarray]


class EqualErrorRate(NamedTuple):
    """The rate at which FAR and FRR meet, and the threshold for it."""

    rate: float
    threshold: float


def all_pairs(encodings: np.ndarray, labels: Sequence[Any] | np.ndarray, measure: str = "squared") -> Pairs:
    """Every pair of different rows, (0, 1), (0, 2), ..., (1, 2), ...

    Args:
        encodings: Float `(n, size)`, one row per picture.
        labels: Who each picture shows, `(n,)`: numbers or names.
        measure: "squared" or "euclidean" distance of the rows as they are, or "cosine": 1 minus the cosine of their
            angle, half the squared distance of rows made unit length.

    Returns:
        `n * (n - 1) / 2` pairs.

    Raises:
        ValueError: If shapes do not fit, there is no pair, a row is not finite (or of length 0 for "cosine"), or the
            measure is unknown.
    """
    encodings, labels = checked_encodings(encodings, labels)
    prepared, distance = rows_and_distance(measure)
    rows = prepared(encodings)
    # A row at a time: differences lose nothing if two rows are close, and no n x n x size array is made.
    distances = [distance(rows[number + 1 :] - rows[number]) for number in range(len(rows) - 1)]
    same = [labels[number + 1 :] == labels[number] for number in range(len(rows) - 1)]
    return Pairs(np.concatenate(distances), np.concatenate(same))


def roc(distances: np.ndarray, same: np.ndarray) -> Roc:
    """Both rates at every threshold.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`, whether the pair is of one person.

    Returns:
        A point for every distinct distance, below which pairs are accepted, and a last one above all.

    Raises:
        ValueError: If shapes differ, a distance is not finite, or there are not both kinds of pairs.
    """
    distances, same = checked_pairs(distances, same)
    thresholds = np.unique(distances)
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
    far, tar = (_accepted(distances[kind], thresholds) / kind.sum() for kind in (~same, same))
    return Roc(thresholds, far, tar)


def best_accuracy(distances: np.ndarray, same: np.ndarray, *, balanced: bool = False) -> BestAccuracy:
    """The largest fraction of pairs that one threshold classifies correctly, and the smallest such threshold.

    The threshold is chosen on the same pairs, so the result is optimistic, especially for few pairs.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.
        balanced: Whether both kinds of pairs weigh the same, however many there are: the mean of TAR and 1 - FAR.
            Of all pairs of a folder most are of different people, so that refusing everything is nearly always right.

    Raises:
        ValueError: As `roc`.
    """
    distances, same = checked_pairs(distances, same)
    curve, genuine = roc(distances, same), int(same.sum())
    impostors = len(same) - genuine
    weight, other = (impostors, genuine) if balanced else (1, 1)
    # Whole numbers: rates times counts would let roundings choose between equals.
    right = weight * np.rint(curve.tar * genuine) + other * (impostors - np.rint(curve.far * impostors))
    best = int(right.argmax())
    return BestAccuracy(float(right[best] / (weight * genuine + other * impostors)), float(curve.thresholds[best]))


def tar_at_far(distances: np.ndarray, same: np.ndarray, far: float) -> OperatingPoint:
    """The true accept rate at a false accept rate of at most `far`.

    The threshold is the `far`-quantile of the distances between different people, from below: of n of them, at most
    `floor(far * n)` lie under it, and fewer where several are equal to it. With `far * n` below 1 it is the smallest of
    them, and nothing is accepted wrongly.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.
        far: The largest false accept rate, from 0 to 1.

    Returns:
        The threshold, the rate of false accepts that it really has, and that of true ones.

    Raises:
        ValueError: As `roc`, or if `far` is not in [0, 1].
    """
    distances, same = checked_pairs(distances, same)
    if not 0 <= far <= 1:
        raise ValueError(f"`far` must be in [0, 1]. Received {far}.")
    # Just above all distances everything is accepted, so that a number does where there is no limit.
    threshold = min(share_threshold(distances[~same], far), float(np.nextafter(distances.max(), np.inf)))
    rates = (float(np.mean(distances[kind] < threshold)) for kind in (~same, same))
    return OperatingPoint(threshold, *rates)


def equal_error_rate(distances: np.ndarray, same: np.ndarray) -> EqualErrorRate:
    """The rate at which false accept rate and false reject rate are equal.

    Where no threshold has both rates equal, the crossing of the line between its two neighbours is taken, for the rate
    and for the threshold.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.

    Raises:
        ValueError: As `roc`.
    """
    curve = roc(distances, same)
    excess = curve.far - (1 - curve.tar)  # rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    part = excess[after - 1] / (excess[after - 1] - excess[after])  # of the way there from the point before
    ends = slice(after - 1, after + 1)
    rate, threshold = (np.interp(part, (0, 1), values[ends]) for values in (curve.far, curve.thresholds))
    return EqualErrorRate(float(rate), float(threshold))


def share_threshold(distances: np.ndarray, share: float) -> float:
    """The largest threshold below which at most this fraction of the distances lies; infinite if all may.

    Args:
        distances: Float `(n,)`, at least one.
        share: From 0 to 1.
    """
    allowed = int(share * len(distances) + 1e-9)  # 0.29 * 100 is a rounding below 29
    return float(np.partition(distances, allowed)[allowed]) if allowed < len(distances) else float("inf")


def rows_and_distance(measure: str) -> Measure:
    """How rows are prepared for a measure, and the distances that their differences mean.

    Raises:
        ValueError: If the measure is unknown.
    """
    if measure not in _MEASURES:
        raise ValueError(f"`measure` must be one of {', '.join(_MEASURES)}. Received {measure!r}.")
    return _MEASURES[measure]


def checked_encodings(
    encodings: Any, labels: Any, least: int = 2, names: tuple[str, str] = ("encodings", "labels")
) -> tuple[np.ndarray, np.ndarray]:
    """Validates encodings and labels, and returns them as float64 and as an array.

    Raises:
        ValueError: If they do not, or are fewer than `least`; `names` says what they are called there.
    """
    encodings, labels = np.asarray(encodings, np.float64), np.asarray(labels)
    if encodings.ndim != 2 or len(encodings) < least or labels.shape != encodings.shape[:1]:
        raise ValueError(
            f"`{names[0]}` must have shape (n, size) and `{names[1]}` (n,), with n of at least {least}. "
            f"Received shapes {encodings.shape} and {labels.shape}."
        )
    finite = np.isfinite(encodings).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"`{names[0]}` must be finite. Row {int(np.argmin(finite))} of {len(encodings)} is not. Pictures in which "
            "no face was found have such rows: omit them."
        )
    return encodings, labels


def checked_pairs(distances: Any, same: Any) -> tuple[np.ndarray, np.ndarray]:
    """Validates the pairs and returns both as arrays.

    Raises:
        ValueError: As `roc`.
    """
    distances, same = np.asarray(distances, np.float64), np.asarray(same)
    if distances.ndim != 1 or same.shape != distances.shape or same.dtype != bool:
        raise ValueError(
            "`distances` must be floats of shape (pairs,) and `same` bools of the same shape. "
            f"Received {distances.dtype} of shape {distances.shape} and {same.dtype} of shape {same.shape}."
        )
    if not np.isfinite(distances).all():
        raise ValueError("`distances` must be finite. Received a NaN or an infinite value.")
    if not same.any() or same.all():
        raise ValueError(
            "There must be pairs of the same person and pairs of different people. "
            f"Received {int(same.sum())} and {int((~same).sum())}."
        )
    return distances, same


def _accepted(distances: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many distances lie below each threshold."""
    return np.searchsorted(np.sort(distances), thresholds, side="left")


def _squared(differences: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", differences, differences)


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(
            f"`encodings` must not be zero vectors for the cosine measure. Row {int(lengths.argmin())} is."
        )
    return rows / lengths


_MEASURES = {
    "squared": Measure(lambda rows: rows, _squared),
    "euclidean": Measure(lambda rows: rows, lambda differences: np.sqrt(_squared(differences))),
    "cosine": Measure(_unit, lambda differences: _squared(differences) / 2),
}
