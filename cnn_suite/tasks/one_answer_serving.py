"""Shared parts of serving graphs with one output per image: signature and comparison with other formats."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.parity import Answer, Runtime, check_differences, largest_differences
from cnn_suite.tasks.serving import Signature

IMAGES = tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")


class OneAnswerServing(tf.Module):
    """Signature `serving_default`, from uint8 RGB pictures `(batch, height, width, 3)` to what `answer` gives.

    A task adds `answer`, `measure`, `LIMITS`, and `on_input`, `card` and `int8_body` of `tasks/serving.py`.

    Args:
        model: The network inside.
    """

    LIMITS: ClassVar[Mapping[str, float]]  # by how much an exported form may differ, for what `measure` names

    def __init__(self, model: keras.Model):
        super().__init__()
        self.model = model

    @property
    def example_shape(self) -> tuple[int, ...] | None:
        """None: pictures of any size."""
        return None

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The answers to pictures, by name."""
        raise NotImplementedError

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> Mapping[str, float | bool]:
        """How far the answer `found` to a picture is from the network's; see `largest_differences`."""
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
        """How far other runtimes are from this graph at worst."""
        return largest_differences(self._run, others, pictures, self.measure)

    def int8_differences(self, other: Runtime, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
        """How far an 8-bit form is from this graph at worst."""
        return self.differences({"int8": other}, pictures)["int8"]

    def check(self, differences: dict[str, dict[str, Any]]) -> None:
        """Refuses differences beyond `LIMITS`."""
        check_differences(differences, self.LIMITS)

    def _run(self, signature: str, images: np.ndarray) -> Answer:
        return getattr(self, signature)(tf.constant(images))


def below_head(model: keras.Model) -> str:
    """Operators inside a network, other than its last layer with weights: a regular expression."""
    head = [layer for layer in model.layers if layer.weights][-1].name
    return rf"{re.escape(model.name)}(_\d+)?/(?!{re.escape(head)}(_\d+)?/)"
