"""Whether the exported forms of a network for points say the same as the network they came from."""

from collections.abc import Sequence

import numpy as np

from cnn_suite.parity import ParityError, Runtime

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
    result: dict[str, dict] = {name: {"shift": 0.0, "score": 0.0} for name in others}
    for picture in pictures:
        expected = _answer(reference, picture)
        for name, runtime in others.items():
            found = _answer(runtime, picture)
            shift = np.abs(found[0] - expected[0]).max() / max(picture.shape[:2])
            score = np.abs(found[1] - expected[1]).max()
            for key, value in (("shift", shift), ("score", score)):
                result[name][key] = max(result[name][key], float(np.nan_to_num(value, nan=np.inf)))
    return result


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


def _answer(runtime: Runtime, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outputs = runtime("serving_default", picture[None]) or {}
    return np.asarray(outputs["points"], np.float64), np.asarray(outputs["score"], np.float64)
