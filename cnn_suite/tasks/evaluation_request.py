"""The request for an evaluation of a model folder, and the speed measurement that all evaluations share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Generic, ParamSpec, TypeVar

import numpy as np

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Asked:
    """How a model folder is measured; see `cnn_suite.evaluate.evaluate_model`.

    Attributes:
        split: Name of the part of the data; None for the usual one.
        format: The data's format, or "auto".
        runtime: "litert" or "saved_model".
        limit: At most this many pictures; None for all.
        report_folder: Where plots are written; None for nowhere.
        quiet: No progress bar.
    """

    split: str | None = None
    format: str = "auto"
    runtime: str = "litert"
    limit: int | None = None
    report_folder: Path | None = None
    quiet: bool = False

    @property
    def split_or_test(self) -> str:
        """The split of data whose usual one is "test"."""
        return self.split or "test"


class Timed(Generic[Arguments, Answer]):
    """A model whose calls are timed, but for a first one that allocates.

    Args:
        call: From a picture to the model's answer.
    """

    def __init__(self, call: Callable[Arguments, Answer]):
        self._call = call
        self._seconds: list[float] = []

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        if not self._seconds:
            self._call(*args, **kwargs)
        start = perf_counter()
        answer = self._call(*args, **kwargs)
        self._seconds.append(perf_counter() - start)
        return answer

    def latency_ms(self) -> dict[str, float]:
        """Median and 90th percentile of what one call took, in milliseconds."""
        median, slow = np.percentile(np.asarray(self._seconds) * 1e3, [50, 90]).tolist()
        return {"median": median, "p90": slow}
