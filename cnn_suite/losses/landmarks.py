"""Loss for face landmarks: the wing loss, and a logistic loss for the presence of a face."""

import math

import keras
from keras import ops

from cnn_suite.ops.cross_entropy import sigmoid_cross_entropy


@keras.saving.register_keras_serializable("cnn_suite")
class LandmarksLoss(keras.losses.Loss):
    """wing(d) = w ln(1 + |d| / epsilon) for |d| < w, |d| - C beyond, summed over coordinates where there is a face,
    plus the logistic loss of the face.

    Near zero the logarithm has a larger gradient than a squared error; C = w - w ln(1 + w / epsilon) joins the
    parts.

    `y_true` is `(batch, 1 + 2 k)`: 1 for a face or 0, and x, y of k points in sides of the picture. `y_pred` is the
    same with the logit of a face first.

    Args:
        width: w, in units of the picture's side.
        curvature: epsilon.
        face_weight: Factor of the logistic loss.

    Source: Feng et al. 2018, Wing Loss for Robust Facial Landmark Localisation, equation 5.
    """

    def __init__(
        self,
        width: float = 0.1,
        curvature: float = 0.02,
        face_weight: float = 0.1,
        *,
        name: str = "landmarks_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if width <= 0 or curvature <= 0:
            raise ValueError(f"`width` and `curvature` must be positive. Received {width} and {curvature}.")
        self.width = width
        self.curvature = curvature
        self.face_weight = face_weight

    def call(self, y_true, y_pred):
        """Loss of every picture, `(batch,)`."""
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        distance = ops.abs(y_pred[:, 1:] - y_true[:, 1:])
        joint = self.width - self.width * math.log(1 + self.width / self.curvature)
        near = self.width * ops.log(1 + distance / self.curvature)
        wing = ops.sum(ops.where(distance < self.width, near, distance - joint), axis=-1)
        face = sigmoid_cross_entropy(y_true[:, 0], y_pred[:, 0])
        return y_true[:, 0] * wing + self.face_weight * face

    def get_config(self):
        """Arguments of the constructor."""
        names = ("width", "curvature", "face_weight")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
