"""From a crop of a face to its points in one graph: resize, network, points in the crop's pixels."""

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.data.faces.landmarked_faces import FIVE_MIRRORED
from cnn_suite.data.picture_resize import resized
from cnn_suite.data.views import whole, xy
from cnn_suite.parity import Answer
from cnn_suite.tasks.one_answer_serving import OneAnswerServing


class LandmarksServing(OneAnswerServing):
    """Signature `serving_default`.

    Args:
        model: A network from square pictures 0..255 to the logit of a face and points in sides of the picture.
        size: Side of its input.
        mirror: Whether to look at the mirror image too, and to take the mean.
    """

    LIMITS = {"shift": 1e-3, "score": 1e-3}

    def __init__(self, model: keras.Model, size: int, mirror: bool = False):
        super().__init__(model)
        self._size_hw = (size, size)
        self._mirror = mirror

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its last layers, which give the points."""
        return rf"{re.escape(self.model.name)}(_\d+)?/(?!(from_middle|points)(_\d+)?/)"

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A crop at the network's size, uint8."""
        return resized(picture, self._size_hw, "stretch", 3)

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        return {
            "input": {
                "network_size_hw": list(self._size_hw),
                "resizing": "stretch, inside the graph",
                "mirror": self._mirror,
            },
            "thresholds": {},
            "model": {},
        }

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Points of uint8 RGB crops `(batch, height, width, 3)`: `points` float32 `(batch, k, 2)`, x and y in pixels of
        the crop, and `score` `(batch,)`, the probability that it shows a face."""
        crops = whole(images, self._size_hw, "stretch")
        if self._mirror:
            crops = tf.concat([crops, tf.reverse(crops, [2])], axis=0)
        found = self.model(crops, training=False)
        points = tf.reshape(found[:, 1:], (-1, found.shape[1] // 2, 2))
        scores = tf.sigmoid(found[:, 0])
        if self._mirror:
            points, mirrored = tf.split(points, 2)
            turned = tf.gather(mirrored, FIVE_MIRRORED, axis=1) * [-1.0, 1.0] + [1.0, 0.0]
            points, scores = (points + turned) / 2, tf.reduce_mean(tf.reshape(scores, (2, -1)), axis=0)
        pixels = points * tf.cast(xy(tf.shape(images)[1:3]), tf.float32) - 0.5  # a pixel's middle is at half of it
        return {"points": pixels, "score": scores}

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """Largest `shift` of a point, in longer sides of the picture, and the difference of the `score`."""
        apart = {name: float(np.abs(np.asarray(found[name]) - expected[name]).max()) for name in ("points", "score")}
        return {"shift": apart["points"] / max(picture.shape[:2]), "score": apart["score"]}
