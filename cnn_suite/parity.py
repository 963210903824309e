"""Comparison of exported formats with their network; each task compares outputs in its own way."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

Answer = dict[str, np.ndarray]
Runtime = Callable[[str, np.ndarray], Answer | None]  # signature, pictures (1, h, w, 3); None: it has no such signature


class ParityError(RuntimeError):
    """An exported format gives different results from the network."""


def largest_differences(
    reference: Runtime,
    others: dict[str, Runtime],
    pictures: Sequence[np.ndarray],
    measure: Callable[[np.ndarray, Answer, Answer], Mapping[str, float | bool]],
) -> dict[str, dict[str, float]]:
    """The largest differences of other runtimes from the reference.

    Args:
        reference: The network.
        others: Maps the name of each runtime to the runtime.
        pictures: At least one, uint8 `(height, width, 3)`, preferably of different sizes.
        measure: From a picture, the reference's answer `serving_default` and another's to differences by name: numbers,
            or whether something differs.

    Returns:
        For every runtime the largest of each number, infinity where one is NaN, and how many pictures differ.
    """
    result: dict[str, dict[str, float]] = {name: {} for name in others}
    for picture in pictures:
        expected = reference("serving_default", picture[None]) or {}
        for name, runtime in others.items():
            found = measure(picture, expected, runtime("serving_default", picture[None]) or {})
            for what, value in found.items():
                before = result[name].get(what, 0)
                if isinstance(value, bool):
                    result[name][what] = before + value
                else:
                    result[name][what] = max(before, float(np.nan_to_num(value, nan=np.inf)))
    return result


def check_differences(differences: Mapping[str, Mapping[str, float]], limits: Mapping[str, float]) -> None:
    """Refuses runtimes that are too far from the network.

    Args:
        differences: For every runtime the differences by name.
        limits: The largest of each that is allowed; what is not named may be anything.

    Raises:
        ParityError: If one is larger.
    """
    for runtime, found in differences.items():
        beyond = {name: most for name, most in limits.items() if found[name] > most}
        over = [f"{name} by {found[name]:.3g} (at most {most:g})" for name, most in beyond.items()]
        if over:
            raise ParityError(f"The {runtime} file differs from the network: {', '.join(over)}. Do not deploy it.")
