"""What `calibrate` of `verification_threshold` finds: a threshold with its error rates, to and from a dictionary."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

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
    proven: bool
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

    def probability(self, distance: Any, prior: float = 0.5) -> np.ndarray:
        """The probability that a pair at this distance is of one person; as `LogisticCurve`."""
        return self.curve(distance, prior)

    def as_dict(self) -> dict[str, Any]:
        """Everything as numbers, texts and tuples, for JSON, from which `from_dict` makes the same again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """What `as_dict` gave.

        Raises:
            ValueError: If an entry is missing, unknown, or not of its kind.
        """
        entries = dict(_checked_entries(cls, values))
        for name, part in (("held_out", HeldOut), ("curve", LogisticCurve)):
            entries[name] = part(**_checked_entries(part, entries[name]))
        return cls(**entries)


def _checked_entries(part: type, values: Any) -> dict[str, Any]:
    """The entries of a dataclass, lists as tuples, where each is of its kind."""
    kinds = {field.name: str(field.type) for field in fields(part)}
    if not isinstance(values, Mapping) or set(values) != set(kinds):
        found = sorted(map(str, values)) if isinstance(values, Mapping) else values
        raise ValueError(f"{part.__name__} must have the entries {', '.join(kinds)}. Received {found!r}.")
    entries = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for name, kind in kinds.items():
        if kind in _CHECKS and not _CHECKS[kind](entries[name]):
            raise ValueError(f"{part.__name__}: `{name}` must be {kind}. Received {values[name]!r}.")
    return entries


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(_is_number, value))


# By a field's annotation; HeldOut and LogisticCurve are checked as parts.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "float": _is_number,
    "int": _is_count,
    "int | None": lambda value: value is None or _is_count(value),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "tuple[float, ...]": _are_numbers,
    "tuple[float, float]": lambda value: _are_numbers(value) and len(value) == 2,
}
