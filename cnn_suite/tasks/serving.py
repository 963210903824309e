"""The interface of a task's serving graph for exports."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.parity import Runtime

Signature = Callable[..., dict[str, tf.Tensor]]  # of pictures, and of what a task may ask for next to them


class Serving(Protocol):
    """A graph from uint8 RGB pictures `(batch, height, width, 3)` of any size, or other arrays, to a task's results."""

    @property
    def model(self) -> keras.Model:
        """The network inside."""

    @property
    def example_shape(self) -> tuple[int, ...] | None:
        """Shape of an example, float32, of signals and volumes; None for uint8 pictures of any size."""

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves: name to tf.function."""

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one, in the form that LiteRT runs fastest."""

    @property
    def int8_body(self) -> str:
        """Names of the operators that may have 8 bits: a regular expression."""

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A picture as it lies on the network's input, uint8 `(*network size, 3)`."""

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""

    def differences(self, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
        """How far other runtimes of this graph are from it, for each by name."""

    def int8_differences(self, other: Runtime, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
        """How far an 8-bit form is from it."""

    def check(self, differences: dict[str, dict[str, Any]]) -> None:
        """Rejects differences that are too large.

        Raises:
            ParityError: If one is.
        """
