"""What it means to ask whether an exported form answers like its network; each task compares answers in its own way."""

from collections.abc import Callable

import numpy as np

Answer = dict[str, np.ndarray]
Runtime = Callable[[str, np.ndarray], Answer | None]  # signature, pictures (1, h, w, 3); None: it has no such signature


class ParityError(RuntimeError):
    """An exported file that does not answer like the network."""
