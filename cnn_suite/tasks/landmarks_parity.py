"""Whether the exported forms of a network for points say the same as the network they came from."""

from collections.abc import Sequence

import numpy as np

from cnn_suite.parity import Answer, ParityError, Runtime, largest_differences

LARGEST_SHIFT = 1e-3  # of the picture's longer side
LARGEST_SCORE_DIFFERENCE = 1e-3


def parity(reference: Runtime, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict]:
    """Largest differences of other runtimes from the reference.

    Args:
        reference: The network: from the name of a signature and uint8 pictures `(1, height, width, 3)` to its outputs.
        others: Name of a runtime to a function of the same kind.
        pictures: Uint8 `(height, width, 3)`, best of different sizes.

    Returns:
        For every runtime `shift` (how far a point lies elsewhere, in longer sides of the picture) and `score`.
    """
    return largest_differences(reference, others, pictures, _shift_and_score)


def check(differences: dict[str, dict]) -> None:
    """Refuses an export whose runtimes differ by more than a thousandth of the picture or of the score.

    Raises:
        ParityError: If one does.
    """
    for name, found in differences.items():
        if found["shift"] > LARGEST_SHIFT or found["score"] > LARGEST_SCORE_DIFFERENCE:
            raise ParityError(
                f"The {name} file differs from the network: points by {found['shift']:.5f} of the picture, scores by "
                f"{found['score']:.5f} (at most {LARGEST_SHIFT} and {LARGEST_SCORE_DIFFERENCE}). Do not deploy it."
            )


def _shift_and_score(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float]:
    apart = {name: float(np.abs(np.asarray(found[name]) - expected[name]).max()) for name in ("points", "score")}
    return {"shift": apart["points"] / max(picture.shape[:2]), "score": apart["score"]}
