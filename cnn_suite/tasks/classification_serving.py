"""From a picture to its class probabilities in one graph: resize, views, network, their mean."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.data.classes.labelled_pipeline import kept_size
from cnn_suite.data.classes.picture_views import centre_views, corner_views
from cnn_suite.data.picture_resize import resized, resized_in_graph
from cnn_suite.parity import Answer
from cnn_suite.tasks.one_answer_serving import OneAnswerServing, below_head


class ClassificationServing(OneAnswerServing):
    """Signature `serving_default`.

    Args:
        model: A classifier: pictures 0..255 to class probabilities.
        config: Size and channels of its input, how pictures come to that size, and at which other views than the middle
            it looks.
    """

    LIMITS = {"probability": 1e-3}

    def __init__(self, model: keras.Model, config: ClassificationConfig):
        super().__init__(model)
        self._config = config

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its last layer, which gives the probabilities."""
        return below_head(self.model)

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A picture at the size at which training keeps them, uint8 with 3 channels."""
        return resized(picture, self._kept_hw, self._config.data.resize, 3)

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        how = {"crop": "largest middle part", "stretch": "stretched", "letterbox": "whole picture on grey"}
        network = self._config.model
        return {
            "input": {
                "network_size_hw": list(network.image_size_hw),
                "channels": network.channels,
                "resizing": f"{how[self._config.data.resize]}, inside the graph",
                "mirror": self._config.export.mirror,
                "corners": self._config.export.corners,
            },
            "thresholds": {},
            "model": {},
        }

    @property
    def _kept_hw(self) -> tuple[int, int]:
        return kept_size(self._config.model.image_size_hw, self._config.data.margin)

    def answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Class probabilities of uint8 RGB pictures `(batch, height, width, 3)`: float32 `(batch, classes)`."""
        data, network = self._config.data, self._config.model
        pictures = resized_in_graph(images, self._kept_hw, data.resize, network.channels)
        views = self._views(pictures)
        found = self.model(tf.concat(views, axis=0), training=False)
        return {"probabilities": tf.reduce_mean(tf.reshape(found, (len(views), -1, found.shape[-1])), axis=0)}

    def _views(self, pictures: tf.Tensor) -> list[tf.Tensor]:
        """What the network sees of pictures of the size at which they are kept."""
        size_hw, export = self._config.model.image_size_hw, self._config.export
        if export.corners:
            views = corner_views(pictures, size_hw, export.corners)
        else:
            views = [centre_views(pictures, size_hw)]
        return views + [tf.reverse(view, [2]) for view in views] if export.mirror else views

    @staticmethod
    def measure(picture: np.ndarray, expected: Answer, found: Answer) -> dict[str, float | bool]:
        """Largest difference of a `probability`, and whether the best is `other_class` by more than rounding."""
        before, now = (np.asarray(answer["probabilities"], np.float32)[0] for answer in (expected, found))
        lost = before.max() - before[now.argmax()]
        return {
            "probability": float(np.abs(now - before).max()),
            "other_class": bool(lost > ClassificationServing.LIMITS["probability"]),
        }
