"""From signals or volumes to their class probabilities: the network itself, whose first layer scales them."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.parity import Answer
from cnn_suite.tasks.classification_serving import ClassificationServing
from cnn_suite.tasks.one_answer_serving import OneAnswerServing, below_head
from cnn_suite.tasks.serving import Signature


class ArraysServing(OneAnswerServing):
    """Signature `serving_default` of float32 `images` `(batch, *shape)`, which are arrays here.

    Args:
        model: A classifier: arrays to class probabilities.
    """

    LIMITS = ClassificationServing.LIMITS

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self._served = tf.function(self.answer, input_signature=[self._inputs(None)])

    def _inputs(self, batch: int | None) -> tf.TensorSpec:
        return tf.TensorSpec((batch, *self.example_shape), tf.float32, name="images")

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of an example."""
        return tuple(self.model.input_shape[1:])

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves."""
        return {"serving_default": self._served}

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one."""
        return {"serving_default": tf.function(self.answer, input_signature=[self._inputs(1)])}

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its last layer, which gives the probabilities."""
        return below_head(self.model)

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """An example as it is."""
        return picture

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        return {"input": {"shape": list(self.example_shape)}, "thresholds": {}, "model": {}}

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Class probabilities of float32 arrays `(batch, *shape)`: float32 `(batch, classes)`."""
        return {"probabilities": self.model(images, training=False)}

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """As for pictures."""
        return ClassificationServing.measure(picture, expected, found)

    def _run(self, signature: str, images: np.ndarray) -> Answer:
        return self._served(tf.constant(images))
