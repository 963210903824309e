"""What `calibrate` of `verification_threshold` finds: a threshold with its error rates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cnn_suite.metrics.distance_probability import LogisticCurve


@dataclass(frozen=True)
class HeldOut:
    """Rates on people who had no part in the threshold: counts of all folds, each at its own threshold.

    Intervals are those of people, as `Calibration.far_interval_people`.
    """

    folds: int
    thresholds: tuple[float, ...]
    far: float
    far_interval: tuple[float, float]
    impostors: int
    tar: float
    tar_interval: tuple[float, float]
    genuine: int


@dataclass(frozen=True)
class Calibration:
    """A threshold, below which a distance means the same person, and all that is known of its errors.

    Genuine pairs are of one person, impostor pairs of two. `far_interval` and `tar_interval` take pairs for independent
    trials, which they are not where people come several times; `far_interval_people` and `tar_interval_people` do not
    (`intervals.people_interval`): they are wider and to be believed. `independent_impostors` is the number of different
    two people among the impostor pairs, `independent_genuine` that of people among the genuine ones.
    """

    threshold: float
    requested_far: float
    confidence: float
    measure: str
    far: float
    far_interval: tuple[float, float]
    far_interval_people: tuple[float, float]
    tar: float
    tar_interval: tuple[float, float]
    tar_interval_people: tuple[float, float]
    eer: float
    eer_threshold: float
    people: int
    pictures: int | None
    genuine: int
    impostors: int
    independent_genuine: int
    independent_impostors: int
    held_out: HeldOut
    curve: LogisticCurve

    def as_dict(self) -> dict[str, Any]:
        """Everything as numbers, texts and tuples, for JSON."""
        return asdict(self)
