"""The YOLO head: a 1x1 convolution that predicts for every cell and anchor of one feature map."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from cnn_suite.ops import yolo


@keras.saving.register_keras_serializable("cnn_suite")
class YoloHead(keras.layers.Layer):
    """Raw predictions of one feature map, float32 `(batch, rows, columns, anchors, 5 + classes)`.

    Features are `(batch, rows, columns, channels)`. The channels of the result are x, y, w, h, objectness, classes, all
    before their activation; `decode` turns them into boxes. The bias of the objectness starts where its probability
    is `objectness_prior`, so that the thousands of empty cells do not dominate the first steps.

    Args:
        anchors_px: `(anchors, 2)`, widths and heights in pixels of the network's input.
        classes: Number of classes.
        stride: Input pixels per cell.
        scale_xy: Darknet's scale_x_y.
        class_activation: "sigmoid" (v3) or "softmax" (v2), for `decode`.
        squared_sizes: Darknet's new_coords, for `decode`.
        objectness_prior: Probability of an object in a cell before training.

    Source: Redmon & Farhadi 2018, YOLOv3; the prior: Lin et al. 2017, Focal Loss, section 4.1.
    """

    def __init__(
        self,
        anchors_px: Sequence[Sequence[float]],
        classes: int,
        stride: int,
        *,
        scale_xy: float = 1.0,
        class_activation: str = "sigmoid",
        squared_sizes: bool = False,
        objectness_prior: float = 0.01,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if classes < 1:
            raise ValueError(f"`classes` must be at least 1. Received {classes}.")
        if class_activation not in ("sigmoid", "softmax"):
            raise ValueError(f'`class_activation` must be "sigmoid" or "softmax". Received {class_activation!r}.')
        self.anchors_px = [[float(w), float(h)] for w, h in anchors_px]
        self.classes = classes
        self.stride = stride
        self.scale_xy = scale_xy
        self.class_activation = class_activation
        self.squared_sizes = squared_sizes
        self.objectness_prior = objectness_prior

    def build(self, input_shape):
        """Creates the kernel `(c, anchors * (5 + classes))` and the bias."""
        filters = len(self.anchors_px) * (5 + self.classes)
        small = keras.initializers.RandomNormal(stddev=0.01)
        self.kernel = self.add_weight(shape=(1, 1, input_shape[-1], filters), initializer=small, name="kernel")
        # autocast off: under mixed precision the bias joins the float32 result as it is.
        self.bias = self.add_weight(shape=(filters,), initializer=self._bias_prior, autocast=False, name="bias")

    def _bias_prior(self, shape, dtype=None):
        bias = np.zeros((len(self.anchors_px), 5 + self.classes))
        bias[:, 4] = -math.log((1 - self.objectness_prior) / self.objectness_prior)
        return ops.cast(bias.reshape(shape), dtype or "float32")

    def call(self, features):
        """Raw predictions of a feature map."""
        raw = ops.conv(features, ops.cast(self.kernel, features.dtype), padding="same")
        raw = ops.cast(raw, "float32") + self.bias
        batch, rows, columns = ops.shape(raw)[:3]
        return ops.reshape(raw, (batch, rows, columns, len(self.anchors_px), 5 + self.classes))

    def compute_output_shape(self, input_shape):
        """Shape of the raw predictions."""
        return (*input_shape[:3], len(self.anchors_px), 5 + self.classes)

    def decode(self, raw) -> yolo.Predictions:
        """Boxes and probabilities of this head's own raw predictions."""
        return yolo.decode(
            raw,
            self.anchors_px,
            self.stride,
            scale_xy=self.scale_xy,
            class_activation=self.class_activation,
            squared_sizes=self.squared_sizes,
        )

    def get_config(self):
        """Arguments of the constructor."""
        names = "anchors_px classes stride scale_xy class_activation squared_sizes objectness_prior".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
