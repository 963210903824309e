"""What it means to ask whether an exported format answers like its network; each task compares answers in its own way."""

from collections.abc import Callable, Sequence

import numpy as np

Answer = dict[str, np.ndarray]
Runtime = Callable[[str, np.ndarray], Answer | None]  # signature, pictures (1, h, w, 3); None: it has no such signature


class ParityError(RuntimeError):
    """An exported file that does not answer like the network."""


def largest_differences(
    reference: Runtime,
    others: dict[str, Runtime],
    pictures: Sequence[np.ndarray],
    measure: Callable[[np.ndarray, Answer, Answer], dict[str, float]],
) -> dict[str, dict[str, float]]:
    """How far other runtimes are from the reference at worst.

    Args:
        reference: The network.
        others: Name of a runtime to the runtime.
        pictures: At least one, uint8 `(height, width, 3)`, best of different sizes.
        measure: From a picture, the reference's answer `serving_default` and another's to differences by name.

    Returns:
        For every runtime the largest of each difference; infinity if one is not a number.
    """
    result: dict[str, dict[str, float]] = {name: {} for name in others}
    for picture in pictures:
        expected = reference("serving_default", picture[None]) or {}
        for name, runtime in others.items():
            found = measure(picture, expected, runtime("serving_default", picture[None]) or {})
            for what, value in found.items():
                worst = float(np.nan_to_num(value, nan=np.inf))
                result[name][what] = max(result[name].get(what, 0.0), worst)
    return result
