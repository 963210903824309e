"""What serving graphs with one answer a picture share: their signature, and how they are compared with other forms."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.parity import Answer, Runtime
from cnn_suite.tasks.serving import Signature

IMAGES = tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")


class OneAnswerServing(tf.Module):
    """Signature `serving_default`, from uint8 RGB pictures `(batch, height, width, 3)` to what `answer` gives.

    A task adds `answer`, `on_input`, `card` and `int8_body`; see `tasks/serving.py`.

    Args:
        model: The network inside.
        parity: The task's module with `parity` and `check`.
    """

    def __init__(self, model: keras.Model, parity: ModuleType):
        super().__init__()
        self.model = model
        self._parity = parity

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The answers to pictures, by name."""
        raise NotImplementedError

    @tf.function(input_signature=[IMAGES])
    def serving_default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """`answer` as a graph."""
        return self.answer(images)

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves."""
        return {"serving_default": self.serving_default}

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one, the form that LiteRT runs fastest."""
        return {"serving_default": self.answer}

    def differences(self, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
        """How far other runtimes are from this graph; see `parity` of the task's module."""
        return self._parity.parity(self._run, others, pictures)

    def int8_differences(self, other: Runtime, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
        """How far an 8-bit form is from this graph."""
        return self._parity.parity(self._run, {"int8": other}, pictures)["int8"]

    def check(self, differences: dict[str, dict[str, Any]]) -> None:
        """Refuses differences that are too large; see `check` of the task's module."""
        self._parity.check(differences)

    def _run(self, signature: str, images: np.ndarray) -> Answer:
        return getattr(self, signature)(tf.constant(images))
