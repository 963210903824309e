"""From a picture to the painted picture in one graph, in one style or in a mixture of several."""

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.graphs import ONE_PICTURE
from cnn_suite.models.stylizer import SMALLEST, styles_of
from cnn_suite.parity import Answer
from cnn_suite.tasks.one_answer_serving import IMAGES, OneAnswerServing
from cnn_suite.tasks.serving import Signature


class StyleServing(OneAnswerServing):
    """Signatures `serving_default`, in the first style, and with several styles `mixed`, in a mixture of them.

    Args:
        model: A network of `cnn_suite.models.stylizer`.
    """

    LIMITS = {"pixel": 2.0, "mean": 0.05}  # rounding of sums in another order, between two levels

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self._styles = styles_of(model)

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than the last convolution, which gives the picture."""
        return rf"{re.escape(self.model.name)}(_\d+)?/(?!picture)"

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves."""
        if self._styles == 1:
            return super().signatures
        return {**super().signatures, "mixed": self._mixed(IMAGES)}

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one, the form that LiteRT runs fastest."""
        mixed = {} if self._styles == 1 else {"mixed": self._mixed(ONE_PICTURE)}
        return {"serving_default": self.answer, **mixed}

    def _mixed(self, images: tf.TensorSpec) -> Signature:
        mixture = tf.TensorSpec((self._styles,), tf.float32, name="mixture")
        return tf.function(self.painted, input_signature=[images, mixture])

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """The picture itself: the network takes any size."""
        return picture

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        sizes = {"network_size_hw": None, "resizing": "none: any size", "smallest_side": SMALLEST}
        mixed = {} if self._styles == 1 else {"mixture": f"float32 ({self._styles},), signature mixed alone"}
        return {"input": {**sizes, **mixed}, "thresholds": {}, "model": {"styles": self._styles}}

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Pictures `images` painted in the first style, uint8 `(batch, height, width, 3)`, of the size of the given."""
        return self.painted(images, tf.one_hot(0, self._styles))

    def painted(self, images: tf.Tensor, mixture: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same in a mixture of styles, float32 `(styles,)` that sums to one."""
        pixels = tf.cast(images, tf.float32)
        inputs = pixels if self._styles == 1 else [pixels, tf.tile(mixture[None], (tf.shape(images)[0], 1))]
        found = self.model(inputs, training=False)
        return {"images": tf.cast(tf.round(tf.clip_by_value(found, 0.0, 255.0)), tf.uint8)}

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """Largest difference of a `pixel`, and the `mean` difference, in levels of 255."""
        if "images" not in found or found["images"].shape != expected["images"].shape:
            return {"pixel": np.inf, "mean": np.inf}
        apart = np.abs(np.asarray(found["images"], np.float32) - np.asarray(expected["images"], np.float32))
        return {"pixel": float(apart.max()), "mean": float(apart.mean())}
