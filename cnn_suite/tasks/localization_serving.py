"""From a picture to the class and the box of its object in one graph: resize, network, decode."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.data.views import boxes_in_picture, whole, whole_view, xy
from cnn_suite.ops.localization import decode_localization
from cnn_suite.parity import Answer
from cnn_suite.tasks.one_answer_serving import OneAnswerServing


class LocalizationServing(OneAnswerServing):
    """Signature `serving_default`.

    Args:
        model: A localizer.
        size_hw: Size of its input.
        resize: How pictures are resized: "letterbox" or "stretch".
        confidence: Probability from which an object counts as found, for the card.
    """

    LIMITS = {"shift": 1e-3, "probability": 1e-3}

    def __init__(self, model: keras.Model, size_hw: Sequence[int], resize: str, confidence: float):
        super().__init__(model)
        self._size_hw = (int(size_hw[0]), int(size_hw[1]))
        self._resize = resize
        self._confidence = confidence

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its last layers, which give the numbers."""
        return rf"{re.escape(self.model.name)}(_\d+)?/(?!(from_middle|localization)(_\d+)?/)"

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A picture as it lies on the network's input, uint8."""
        return np.rint(whole(tf.constant(picture[None]), self._size_hw, self._resize)[0]).astype(np.uint8)

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        return {
            "input": {"network_size_hw": list(self._size_hw), "resizing": f"{self._resize}, inside the graph"},
            "thresholds": {"confidence": self._confidence},
            "model": {},
        }

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to uint8 RGB pictures `(batch, height, width, 3)`: `probabilities` `(batch, classes)`, whose sum is
        the probability that there is an object at all, and `box` `(batch, 4)`, xyxy in pixels of the picture."""
        pictures = whole(images, self._size_hw, self._resize)
        found = decode_localization(self.model(pictures, training=False), from_logits=True)
        picture_hw = tf.shape(images)[1:3]
        unit = boxes_in_picture(found.boxes, whole_view(picture_hw, self._size_hw, self._resize))
        corners = (tf.minimum(unit[:, :2], unit[:, 2:]), tf.maximum(unit[:, :2], unit[:, 2:]))  # a side may be negative
        pixels = tf.concat(corners, axis=1) * tf.tile(tf.cast(xy(picture_hw), tf.float32), [2])
        return {"probabilities": found.objectness[:, None] * found.classes, "box": pixels}

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """Largest `shift` of a side, in longer sides of the picture, and the largest difference of a `probability`."""
        apart = {name: float(np.abs(np.asarray(found[name]) - expected[name]).max()) for name in expected}
        return {"shift": apart["box"] / max(picture.shape[:2]), "probability": apart["probabilities"]}
