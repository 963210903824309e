"""The probability that two pictures show the same person, from the distance of their encodings: a logistic curve.

Source: Platt 1999, Probabilistic Outputs for Support Vector Machines, section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_suite.metrics.verification import checked_pairs


@dataclass(frozen=True)
class LogisticCurve:
    """The probability that a pair shows the same person, `1 / (1 + exp(slope * distance - intercept))`.

    The curve supposes that as many pairs are of one person as of two, whatever the data had. So its logit is the
    evidence of the distance alone, the logarithm of the likelihood ratio; another share before is added to it.
    """

    intercept: float
    slope: float

    def __call__(self, distance: Any, prior: float = 0.5) -> np.ndarray:
        """The probability at each distance.

        Args:
            distance: Floats of any shape.
            prior: Prior probability that a pair shows the same person, above 0 and below 1.

        Raises:
            ValueError: If the prior does not lie between 0 and 1.
        """
        from scipy.special import expit, logit

        if not 0 < prior < 1:
            raise ValueError(f"`prior` must be between 0 and 1. Received {prior}.")
        return expit(self.intercept - self.slope * np.asarray(distance, np.float64) + logit(prior))


def logistic_curve(distances: np.ndarray, same: np.ndarray) -> LogisticCurve:
    """The maximum likelihood logistic curve, with equal total weight for both kinds of pairs.

    A pair of one person counts as being it to the part (n + 1) / (n + 2) of n such pairs, and so the other kind: what
    one would say after n of n. Without that the curve would become infinitely steep where a threshold parts all pairs.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`.

    Raises:
        ValueError: As `roc`.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    distances, same = checked_pairs(distances, same)
    genuine, impostors = int(same.sum()), int((~same).sum())
    weight = np.where(same, 0.5 / genuine, 0.5 / impostors)
    target = np.where(same, (genuine + 1) / (genuine + 2), 1 / (impostors + 2))
    centre, scale = float(distances.mean()), float(distances.std()) or 1.0
    nearness = (centre - distances) / scale

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        logits = values[0] + values[1] * nearness
        slope = weight * (expit(logits) - target)
        return float(weight @ (np.logaddexp(0, logits) - target * logits)), np.array([slope.sum(), slope @ nearness])

    shift, steepness = minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    return LogisticCurve(float(shift + steepness * centre / scale), float(steepness / scale))
