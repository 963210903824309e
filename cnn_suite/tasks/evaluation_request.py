"""What an evaluation of a model folder is asked for, and what every one of them says of its speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Asked:
    """How a model folder is measured; see `cnn_suite.evaluate.evaluate_model`.

    Attributes:
        split: Name of the part of the data.
        format: The data's format, or "auto".
        runtime: "litert" or "saved_model".
        limit: At most this many pictures; None for all.
        report_folder: Where plots are written; None for nowhere.
        quiet: No progress bar.
    """

    split: str = "test"
    format: str = "auto"
    runtime: str = "litert"
    limit: int | None = None
    report_folder: Path | None = None
    quiet: bool = False


def latency_ms(seconds: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Median and 90th percentile of what one picture took, in milliseconds."""
    median, slow = np.percentile(np.asarray(seconds, np.float64) * 1e3, [50, 90]).tolist()
    return {"median": median, "p90": slow}
