"""The whole way from an aligned face to its encoding as one graph: resize, network, mirror image, unit length."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.data.picture_resize import resized
from cnn_suite.data.views import whole
from cnn_suite.parity import Answer, Runtime
from cnn_suite.tasks import embedding_parity
from cnn_suite.tasks.serving import Signature

IMAGES = tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")


class EmbeddingServing(tf.Module):
    """Signature `serving_default`.

    Args:
        model: A network from aligned faces 0..255 to encodings of unit length.
        size_hw: Size of its input.
        mirror: Whether the encoding of the mirrored face is added.
    """

    def __init__(self, model: keras.Model, size_hw: tuple[int, int], mirror: bool):
        super().__init__(name="embedding")
        self.model = model
        self._size_hw = size_hw
        self._mirror = mirror

    @tf.function(input_signature=[IMAGES])
    def serving_default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodings of uint8 RGB faces `(batch, height, width, 3)`, aligned as ArcFace's template: `embeddings` float32
        `(batch, dimensions)` of unit length."""
        return self._answer(images)

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves."""
        return {"serving_default": self.serving_default}

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one, the form that LiteRT runs fastest."""
        return {"serving_default": self._answer}

    @property
    def int8_body(self) -> str:
        """Operators inside of the network, other than its last layers."""
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

    def differences(self, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
        """How far other runtimes are from this graph; see `embedding_parity.parity`."""
        return embedding_parity.parity(self._run, others, pictures)

    def int8_differences(self, other: Runtime, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
        """How far an 8-bit form is from this graph."""
        return embedding_parity.parity(self._run, {"int8": other}, pictures)["int8"]

    def check(self, differences: dict[str, dict[str, Any]]) -> None:
        """Refuses differences that are too large; see `embedding_parity.check`."""
        embedding_parity.check(differences)

    def _run(self, signature: str, images: np.ndarray) -> Answer:
        return getattr(self, signature)(tf.constant(images))

    def _answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        faces = whole(images, self._size_hw, "stretch")
        if not self._mirror:
            return {"embeddings": self.model(faces, training=False)}
        both = self.model(tf.concat([faces, tf.reverse(faces, [2])], axis=0), training=False)
        total = tf.reduce_sum(tf.reshape(both, (2, -1, both.shape[-1])), axis=0)
        return {"embeddings": tf.linalg.l2_normalize(total, axis=-1)}
