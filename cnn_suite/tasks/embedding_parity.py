"""Whether the exported forms of a network for encodings say the same as the network they came from."""

from collections.abc import Sequence

import numpy as np

from cnn_suite.parity import Answer, ParityError, Runtime, largest_differences

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
    return largest_differences(reference, others, pictures, _distance)


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


def _distance(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float]:
    between = np.asarray(found["embeddings"], np.float64) - np.asarray(expected["embeddings"], np.float64)
    return {"distance": float((between**2).sum())}
