"""A threshold for a false accept rate, from data and with its error rates: `calibrate`.

The threshold is the largest at which at most the requested share of the pairs of different people are accepted. For
independent pairs the Clopper-Pearson interval of what is measured there holds the true rate as often as it says,
although the threshold was chosen on the same pairs: the true rate at the (k + 1)-th smallest of n distances is
distributed as Beta(k + 1, n - k), whose quantile is the interval's upper end (Wilks 1941, tolerance limits).

Pairs are not independent, though: all pairs of two people are alike, and a person is in many. In simulations the
interval that takes them for independent holds the truth in 30 to 80 of 100 cases instead of 95. So there is a second
one, of people: it follows from how far the rate moves when one person is left out, and holds the truth as often as it
says. It is the one to report. No interval speaks of people or cameras that the data are no sample of. The figures of
`held_out` are measured on people who had no part in the threshold, and its thresholds show how much it depends on who
they were.

Source: ISO/IEC 19795-1, Biometric performance testing and reporting (rates, rule of three).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_suite.metrics.distance_probability import logistic_curve
from cnn_suite.metrics.intervals import clopper_pearson, distinct, people_interval
from cnn_suite.metrics.verification import all_pairs, checked_pairs, equal_error_rate, share_threshold
from cnn_suite.metrics.verification_calibration import Calibration, HeldOut
from cnn_suite.metrics.verification_protocol import person_folds


class TooFewPairsError(ValueError):
    """There are too few pairs of different people for the false accept rate that was asked for."""


def calibrate(
    encodings: np.ndarray,
    labels: Sequence[Any] | np.ndarray,
    *,
    far: float = 1e-3,
    confidence: float = 0.95,
    measure: str = "squared",
    folds: int = 5,
) -> Calibration:
    """The threshold for a false accept rate, from all pairs of some people's pictures.

    Args:
        encodings: Float `(n, size)`, one row a picture.
        labels: Who each picture shows, `(n,)`: numbers or names.
        far: The false accept rate that is asked for, above 0 and below 1.
        confidence: Of all intervals, above 0 and below 1.
        measure: As for `all_pairs`.
        folds: So many groups of people for `held_out`, and fewer where people are fewer than twice as many.

    Raises:
        TooFewPairsError: If not even zero errors in so many impostor pairs would show that the rate is below `far`
            with this confidence, or if there are fewer than four people. Says how many are needed.
        ValueError: As `all_pairs` and `roc`, or if `far`, `confidence` or `folds` is out of range.
    """
    pairs = all_pairs(encodings, labels, measure)
    _, codes = np.unique(np.asarray(labels), return_inverse=True)
    rows, columns = np.triu_indices(len(codes), 1)
    people = np.stack([codes[rows], codes[columns]], axis=1)
    return _calibration(pairs.distances, people, far, confidence, folds, measure, len(codes))


def calibrate_pairs(
    distances: np.ndarray,
    people: Sequence[Any] | np.ndarray,
    *,
    far: float = 1e-3,
    confidence: float = 0.95,
    measure: str = "squared",
    folds: int = 5,
) -> Calibration:
    """The threshold for a false accept rate, from chosen pairs, as those of a pairs file.

    Args:
        distances: Float `(pairs,)`.
        people: Who is on either picture, `(pairs, 2)`: numbers or names. A pair is of one person where they are equal.
        far: As for `calibrate`.
        confidence: As for `calibrate`.
        measure: What the distances are, to be kept with the threshold.
        folds: As for `calibrate`. Pairs of people who come to different folds cannot be held out.

    Raises:
        TooFewPairsError: As `calibrate`, or if no pair of different people lies within a fold.
        ValueError: As `calibrate`.
    """
    people = np.asarray(people)
    if people.shape != (*np.shape(distances), 2):
        raise ValueError(
            "`people` must have shape (pairs, 2), two names a distance. "
            f"Received shapes {people.shape} and {np.shape(distances)}."
        )
    codes = np.unique(people, return_inverse=True)[1].reshape(people.shape)
    return _calibration(distances, codes, far, confidence, folds, measure, None)


def impostor_pairs_needed(far: float, confidence: float = 0.95) -> int:
    """The fewest pairs of different people of which zero errors show that the false accept rate is at most `far`.

    They are the smallest n for which `1 - (1 - far) ** n >= confidence`: about 3 / far for 95 %.

    Args:
        far: Above 0 and below 1.
        confidence: Above 0 and below 1.

    Raises:
        ValueError: If one of them is out of range.
    """
    for name, value in (("far", far), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"`{name}` must lie between 0 and 1. Received {value}.")
    return math.ceil(math.log1p(-confidence) / math.log1p(-far) - 1e-9)


def people_needed(pairs: int, pictures: int) -> int:
    """The fewest people with so many pictures each that make so many pairs of different people."""
    needed = math.isqrt(2 * pairs // pictures**2)  # p (p - 1) / 2 pairs of people, pictures^2 pairs each
    while pictures**2 * needed * (needed - 1) < 2 * pairs:
        needed += 1
    return needed


def _calibration(
    distances: np.ndarray,
    people: np.ndarray,
    far: float,
    confidence: float,
    folds: int,
    measure: str,
    pictures: int | None,
) -> Calibration:
    """From distances and the people's numbers `(pairs, 2)`."""
    distances, same = checked_pairs(distances, people[:, 0] == people[:, 1])
    genuine, impostors, count = int(same.sum()), int((~same).sum()), len(np.unique(people))
    _need_enough(impostors, count, far, confidence, 1 if pictures is None else max(round(pictures / count), 1))
    threshold = share_threshold(distances[~same], far)
    accepted = distances < threshold
    right, wrong = int(accepted[same].sum()), int(accepted[~same].sum())
    return Calibration(
        threshold,
        far,
        confidence,
        measure,
        wrong / impostors,
        clopper_pearson(wrong, impostors, confidence),
        people_interval(accepted[~same], people[~same], confidence),
        right / genuine,
        clopper_pearson(right, genuine, confidence),
        people_interval(accepted[same], people[same], confidence),
        *equal_error_rate(distances, same),
        count,
        pictures,
        genuine,
        impostors,
        distinct(people[same]),
        distinct(people[~same]),
        _held_out(distances, same, people, count, folds, far, confidence),
        logistic_curve(distances, same),
    )


def _need_enough(impostors: int, people: int, far: float, confidence: float, pictures: int) -> None:
    needed = impostor_pairs_needed(far, confidence)
    if impostors < needed:
        each = f"{pictures} picture{'s' * (pictures > 1)}"
        provable = -math.expm1(math.log1p(-confidence) / impostors)
        raise TooFewPairsError(
            f"A false accept rate of {far:g} needs at least {needed:,} pairs of different people to be shown with "
            f"{confidence:.4g} confidence: with fewer not even zero errors would show it. Received {impostors:,} pairs "
            f"of {people:,} people. {people_needed(needed, pictures):,} people with {each} each give as many, and "
            f"{people_needed(needed, 1):,} people as many pairs of different two; or ask for a rate of at least "
            f"{provable * 1.001:.4g}."
        )
    if people < 4:
        raise TooFewPairsError(
            "There must be at least 4 people, so that a threshold from two can be measured on two others. "
            f"Received {people}."
        )


def _held_out(
    distances: np.ndarray,
    same: np.ndarray,
    people: np.ndarray,
    count: int,
    folds: int,
    far: float,
    confidence: float,
) -> HeldOut:
    """Thresholds from the pairs without a fold's people, counts from those within the fold; the rest is left out."""
    if folds < 2:
        raise ValueError(f"`folds` must be at least 2. Received {folds}.")
    folds = min(folds, count // 2)
    place = person_folds(people.ravel(), folds).reshape(people.shape)
    accepted, measured, thresholds = np.zeros(len(same), bool), np.zeros(len(same), bool), []
    for fold in range(folds):
        outside, held = (place != fold).all(axis=1) & ~same, (place == fold).all(axis=1)
        if not outside.any():
            raise TooFewPairsError(_no_pair_within("outside one", folds))
        thresholds.append(share_threshold(distances[outside], far))
        accepted |= held & (distances < thresholds[-1])
        measured |= held
    impostors, genuine = measured & ~same, measured & same
    if not impostors.any():
        raise TooFewPairsError(_no_pair_within("within one", folds))
    return HeldOut(
        folds,
        tuple(thresholds),
        float(accepted[impostors].mean()),
        people_interval(accepted[impostors], people[impostors], confidence),
        int(impostors.sum()),
        float(accepted[genuine].mean()),
        people_interval(accepted[genuine], people[genuine], confidence),
        int(genuine.sum()),
    )


def _no_pair_within(where: str, folds: int) -> str:
    return (
        f"With {folds} folds of people there must be pairs of different people within folds and outside each. No pair "
        f"lies {where}. Take pairs of more people, or all pairs of their pictures."
    )
