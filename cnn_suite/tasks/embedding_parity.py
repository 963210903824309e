"""Whether the exported forms of a network for encodings say the same as the network they came from."""

from collections.abc import Sequence

import numpy as np

from cnn_suite.parity import ParityError, Runtime

LARGEST_DISTANCE = 1e-3  # squared, of two encodings of one face; thresholds are near 1


def parity(reference: Runtime, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict]:
    """Largest squared distance between the encodings that other runtimes and the reference give of one face.

    Args:
        reference: The network: from the name of a signature and uint8 pictures `(1, height, width, 3)` to its outputs.
        others: Name of a runtime to a function of the same kind.
        pictures: Uint8 `(height, width, 3)`, best of different sizes.

    Returns:
        For every runtime `distance`.
    """
    result: dict[str, dict] = {name: {"distance": 0.0} for name in others}
    for picture in pictures:
        expected = _encoding(reference, picture)
        for name, runtime in others.items():
            distance = float(np.nan_to_num(((_encoding(runtime, picture) - expected) ** 2).sum(), nan=np.inf))
            result[name]["distance"] = max(result[name]["distance"], distance)
    return result


def check(differences: dict[str, dict]) -> None:
    """Refuses an export whose runtimes give encodings that lie apart.

    Raises:
        ParityError: If one does.
    """
    for name, found in differences.items():
        if found["distance"] > LARGEST_DISTANCE:
            raise ParityError(
                f"The {name} file differs from the network: encodings lie {found['distance']:.5f} apart (squared, at "
                f"most {LARGEST_DISTANCE}). Do not deploy it."
            )


def _encoding(runtime: Runtime, picture: np.ndarray) -> np.ndarray:
    outputs = runtime("serving_default", picture[None]) or {}
    return np.asarray(outputs["embeddings"], np.float64)[0]
