"""From an aligned face to its encoding in one graph: resize, network, mirror image, unit length."""

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.data.picture_resize import resized
from cnn_suite.data.views import whole
from cnn_suite.parity import Answer
from cnn_suite.tasks.one_answer_serving import OneAnswerServing


class EmbeddingServing(OneAnswerServing):
    """Signature `serving_default`.

    Args:
        model: A network from aligned faces 0..255 to encodings of unit length.
        size_hw: Size of its input.
        mirror: Whether the encoding of the mirrored face is added.
    """

    LIMITS = {"distance": 1e-3}  # thresholds are near 1

    def __init__(self, model: keras.Model, size_hw: tuple[int, int], mirror: bool):
        super().__init__(model)
        self._size_hw = size_hw
        self._mirror = mirror

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its last layers."""
        return rf"{re.escape(self.model.name)}(_\d+)?/(?!embedding)"

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A face at the network's size, uint8."""
        return resized(picture, self._size_hw, "stretch", 3)

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        return {
            "input": {
                "network_size_hw": list(self._size_hw),
                "resizing": "stretch, inside the graph",
                "alignment": "five points on ArcFace's template",
                "mirror": self._mirror,
            },
            "thresholds": {},
            "model": {"dimensions": int(self.model.output.shape[-1])},
        }

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodings of uint8 RGB faces `(batch, height, width, 3)`, aligned as ArcFace's template: `embeddings` float32
        `(batch, dimensions)` of unit length."""
        faces = whole(images, self._size_hw, "stretch")
        if not self._mirror:
            return {"embeddings": self.model(faces, training=False)}
        both = self.model(tf.concat([faces, tf.reverse(faces, [2])], axis=0), training=False)
        total = tf.reduce_sum(tf.reshape(both, (2, -1, both.shape[-1])), axis=0)
        return {"embeddings": tf.linalg.l2_normalize(total, axis=-1)}

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """The squared `distance` of two encodings of one face."""
        between = np.asarray(found["embeddings"], np.float64) - np.asarray(expected["embeddings"], np.float64)
        return {"distance": float((between**2).sum())}
