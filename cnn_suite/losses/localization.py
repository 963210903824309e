"""The loss for [pc, bx, by, bh, bw, c1 .. cn] targets: all terms if there is an object, otherwise only pc."""

import keras
from keras import ops

from cnn_suite.ops.cross_entropy import sigmoid_cross_entropy, softmax_cross_entropy

FORMS = ("squared", "mixed")


@keras.saving.register_keras_serializable("cnn_suite")
class LocalizationLoss(keras.losses.Loss):
    """Loss for localizing the object of a picture, or of every cell of a grid.

    form "squared": (p_1 - y_1)^2 + .. + (p_n - y_n)^2 where y_1 = pc = 1, and (p_1 - y_1)^2 where pc = 0;
    form "mixed":   logistic loss of pc, squared error of the box and softmax cross-entropy of the classes; the last two
                    only where pc = 1. The network's pc and classes are then logits.

    `y_true` and `y_pred` are `(batch, ..., 5 + classes)`: `(batch, 8)` for one object of three classes a picture,
    `(batch, 3, 3, 8)` for a grid, `(batch, 3, 3, 2, 8)` with anchors. Sums over cells and anchors, mean over the batch.
    The squared form takes any target whose first number is pc, such as landmarks.

    Args:
        form: "squared" or "mixed".
        box_weight: Factor of the box's squared error in the mixed form.

    Source: Redmon et al. 2015, You Only Look Once, section 2.2, whose factor of the box is 5.
    """

    def __init__(
        self,
        form: str = "squared",
        box_weight: float = 1.0,
        *,
        name: str = "localization_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if form not in FORMS:
            raise ValueError(f"`form` must be one of {', '.join(FORMS)}. Received {form!r}.")
        if box_weight < 0 or (form == "squared" and box_weight != 1):
            raise ValueError(
                "`box_weight` must be at least 0, and 1 in the squared form, which does not know the numbers of a box "
                f"from others. Received {box_weight} and form {form!r}."
            )
        self.form = form
        self.box_weight = box_weight

    def call(self, y_true, y_pred):
        """Loss of every picture, `(batch,)`."""
        if len(y_true.shape) != len(y_pred.shape) or y_true.shape[-1] != y_pred.shape[-1]:
            raise ValueError(
                "`y_true` and `y_pred` must have the same shape. "
                f"Received {tuple(y_true.shape)} and {tuple(y_pred.shape)}. Check the grid, the anchors and the number "
                "of classes."
            )
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        present, rest = self._mixed(y_true, y_pred) if self.form == "mixed" else self._squared(y_true, y_pred)
        each = present + y_true[..., 0] * rest
        return ops.sum(each, axis=tuple(range(1, len(each.shape))))

    def _squared(self, y_true, y_pred):
        error = (y_pred - y_true) ** 2
        return error[..., 0], ops.sum(error[..., 1:], axis=-1)

    def _mixed(self, y_true, y_pred):
        box = ops.sum((y_pred[..., 1:5] - y_true[..., 1:5]) ** 2, axis=-1)
        named = softmax_cross_entropy(y_true[..., 5:], y_pred[..., 5:])
        return sigmoid_cross_entropy(y_true[..., 0], y_pred[..., 0]), self.box_weight * box + named

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "form": self.form, "box_weight": self.box_weight}
