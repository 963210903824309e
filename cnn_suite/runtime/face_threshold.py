"""The threshold that comes with a model: from data, with the share of strangers that it lets in."""

from __future__ import annotations

from typing import NamedTuple

from cnn_suite.results import ModelCard


class FaceThreshold(NamedTuple):
    """Below which squared distance two faces are taken for one person's, and the false accept rate asked for."""

    distance: float
    far: float


def threshold_of(card: ModelCard) -> FaceThreshold:
    """The threshold in a model's card.

    Raises:
        ValueError: If the model was never calibrated.
    """
    found = card.thresholds.get("calibration")
    if not found:
        raise ValueError(
            f"Model {card.name!r} has no threshold: it was never calibrated. `cnn-suite face calibrate FOLDER --record "
            f"--model {card.name}` finds one from pictures of people; or give --threshold."
        )
    return FaceThreshold(float(found["threshold"]), float(found["requested_far"]))
