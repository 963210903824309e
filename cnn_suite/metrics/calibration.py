"""Calibration of a classifier's confidence, and temperature scaling to improve it.

Of all pictures classified with a confidence of 80 %, 80 % should be correct.

Source: Guo et al. 2017, On Calibration of Modern Neural Networks: reliability and expected calibration error in
section 2, temperature scaling in section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnn_suite.metrics.class_scores import LEAST_PROBABILITY, checked_scores, ratio

_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True)
class Reliability:
    """The pictures in bins of equal width of their confidence, each bin open below and closed above."""

    confidence: np.ndarray  # (bins,) mean confidence, NaN if the bin is empty
    accuracy: np.ndarray  # (bins,) share that is right, NaN if the bin is empty
    count: np.ndarray  # (bins,)

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap between confidence and accuracy over all pictures."""
        gaps = abs(np.where(self.count > 0, self.accuracy - self.confidence, 0.0))
        return float(np.sum(gaps * self.count) / self.count.sum())


def reliability_table(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> Reliability:
    """Accuracy of the pictures in each bin of confidence.

    Args:
        confidence: Float `(n,)`, the probability of the prediction.
        right: Bool `(n,)`, whether the prediction is correct.
        bins: Bins of equal width from 0 to 1; 15 as in the paper.

    Raises:
        ValueError: If `bins` is less than 1.
    """
    if bins < 1:
        raise ValueError(f"`bins` must be at least 1. Received {bins}.")
    edges = np.linspace(0, 1, bins + 1)
    # Confidence may be a rounding above 1, which belongs into the last bin.
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    total_confidence = np.bincount(place, confidence, minlength=bins)
    total_right = np.bincount(place, right, minlength=bins)
    return Reliability(ratio(total_confidence, count), ratio(total_right, count), count)


def temperature(scores: np.ndarray, class_ids: np.ndarray, *, logits: bool = False) -> float:
    """The temperature that calibrates a classifier's confidence best: the one with the smallest log loss.

    Above 1 the classifier is overconfident, below 1 underconfident. Compute it on pictures that were not used for
    training.

    Args:
        scores: Float `(n, classes)`: probabilities, or what softmax makes probabilities of.
        class_ids: Whole numbers `(n,)`, the truth.
        logits: Whether `scores` are logits.

    Returns:
        A number from 0.01 to 100: below 0.1 if all predictions are right, which sets no limit.

    Raises:
        ValueError: As `classification_metrics`.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    scores, class_ids = checked_scores(scores, class_ids, logits=logits)
    # Log-probabilities are logits that were shifted, which softmax does not see.
    scores = scores.astype(np.float64) if logits else _log(scores)
    scores = scores - scores[np.arange(len(scores)), class_ids][:, None]  # now 0 for the truth

    def log_loss(log_temperature: float) -> float:
        scaled = scores / math.exp(log_temperature)
        most = scaled.max(axis=1)
        return float(np.mean(most + np.log(np.exp(scaled - most[:, None]).sum(axis=1))))

    low, high = (math.log(end) for end in _TEMPERATURES)
    # Convex in 1 / temperature, so there is one lowest point on any scale of it.
    return math.exp(minimize_scalar(log_loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)


def calibrated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at another temperature of the softmax.

    Every prediction stays: the order of the classes does, but for those below 1e-7, which count as that much.

    Args:
        probabilities: Float `(..., classes)`.
        temperature: Above 0; 1 leaves them as they are.

    Returns:
        Float32 of the same shape.

    Raises:
        ValueError: If the temperature is not a positive number.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"`temperature` must be a positive number. Received {temperature}.")
    scaled = _log(probabilities) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(probabilities, np.float64), LEAST_PROBABILITY, None))
