"""The threshold that comes with a model: from data, with the fraction of strangers that it lets in."""

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
            f"Model {card.name!r} has no threshold: it is not calibrated. Run `cnn-suite face calibrate FOLDER "
            f"--record --model {card.name}` on pictures of people, or use --threshold."
        )
    return FaceThreshold(float(found["threshold"]), float(found["requested_far"]))
