"""How far painted pictures of one runtime are from another's."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_suite.parity import Answer, ParityError, Runtime, largest_differences

MOST = 2.0  # levels of 255 that rounding may make of sums in another order, at a pixel where they lie between two
MEAN = 0.05


def parity(reference: Runtime, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
    """The largest and the mean difference of pixels, 0..255, between the network and other runtimes, for each."""
    return largest_differences(reference, others, pictures, _difference)


def _difference(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float]:
    if "images" not in found or found["images"].shape != expected["images"].shape:
        return {"pixel": np.inf, "mean": np.inf}
    apart = np.abs(np.asarray(found["images"], np.float32) - np.asarray(expected["images"], np.float32))
    return {"pixel": float(apart.max()), "mean": float(apart.mean())}


def check(differences: dict[str, dict[str, Any]]) -> None:
    """Refuses pictures that look different.

    Raises:
        ParityError: If a runtime is more than `MOST` levels of 255 away at a pixel, or `MEAN` on average.
    """
    for name, found in differences.items():
        if not (found["pixel"] <= MOST and found["mean"] <= MEAN):
            raise ParityError(
                f"{name} paints otherwise than the network: pixels differ by up to {found['pixel']:.3g} levels "
                f"({MOST:g} allowed), {found['mean']:.3g} on average ({MEAN:g} allowed). The files are left for a look."
            )
