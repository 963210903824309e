"""The calibrated threshold of a model, with its false accept rate."""

from __future__ import annotations

from typing import NamedTuple

from cnn_suite.results import ModelCard


class FaceThreshold(NamedTuple):
    """The squared distance below which two faces count as the same person, and the requested false accept rate."""

    distance: float
    far: float


def threshold_of(card: ModelCard) -> FaceThreshold:
    """The threshold in a model's card.

    Raises:
        ValueError: If the model is not calibrated.
    """
    found = card.thresholds.get("calibration")
    if not found:
        raise ValueError(
            f"Model {card.name!r} has no threshold: it is not calibrated. Run `cnn-suite face calibrate FOLDER "
            f"--record --model {card.name}` on pictures of people, or use --threshold."
        )
    return FaceThreshold(float(found["threshold"]), float(found["requested_far"]))
