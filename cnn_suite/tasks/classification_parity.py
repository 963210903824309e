"""Whether the exported forms of a classifier say the same as the network they came from."""

from collections.abc import Sequence

import numpy as np

from cnn_suite.parity import ParityError, Runtime

LARGEST_PROBABILITY_DIFFERENCE = 1e-3


def parity(reference: Runtime, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict]:
    """Largest differences of other runtimes from the reference.

    Args:
        reference: The network: from the name of a signature and uint8 pictures `(1, height, width, 3)` to its outputs.
        others: Name of a runtime to a function of the same kind.
        pictures: Uint8 `(height, width, 3)`, best of different sizes.

    Returns:
        For every runtime `probability` (largest difference) and `other_class` (pictures whose best class differs by
        more than rounding).
    """
    result: dict[str, dict] = {name: {"probability": 0.0, "other_class": 0} for name in others}
    for picture in pictures:
        expected = _probabilities(reference, picture)
        for name, runtime in others.items():
            found = _probabilities(runtime, picture)
            difference = np.abs(found - expected).max()
            lost = expected.max() - expected[found.argmax()]
            result[name]["probability"] = max(result[name]["probability"], float(np.nan_to_num(difference, nan=np.inf)))
            result[name]["other_class"] += int(lost > LARGEST_PROBABILITY_DIFFERENCE)
    return result


def check(differences: dict[str, dict]) -> None:
    """Refuses an export whose runtimes differ by more than a thousandth of the probability.

    Raises:
        ParityError: If one does.
    """
    for name, found in differences.items():
        if found["probability"] > LARGEST_PROBABILITY_DIFFERENCE:
            raise ParityError(
                f"The {name} file differs from the network: probabilities by {found['probability']:.5f} (at most "
                f"{LARGEST_PROBABILITY_DIFFERENCE}). Do not deploy it."
            )


def _probabilities(runtime: Runtime, picture: np.ndarray) -> np.ndarray:
    outputs = runtime("serving_default", picture[None]) or {}
    return np.asarray(outputs["probabilities"], np.float32)[0]
