"""The loss of verification as binary classification, on all pairs of a batch of encodings."""

import keras
from keras import ops

from cnn_suite.losses.person_ids import check_dtype, person_ids
from cnn_suite.ops.cross_entropy import sigmoid_cross_entropy
from cnn_suite.ops.embeddings import MEASURES, pairwise_distances


@keras.saving.register_keras_serializable("cnn_suite")
class PairLoss(keras.losses.Loss):
    """Logistic loss of "the same person?" for every pair of the batch, with the logit (threshold - d(a, b)) * scale.

    `y_true` is the person id of each picture, a whole number below 2^24, `(batch,)` or `(batch, 1)`; `y_pred` are the
    encodings, `(batch, size)`. Pairs of one person and pairs of two count as much as each other, however many there are
    of each; a batch without one of the two kinds has the other alone.

    The course's form gives every component of |a - b| a learned weight, which belongs to a network
    (`cnn_suite.models.siamese`). With one weight for all, the encoding is all that learns, and its distance can be
    compared with a threshold afterwards.

    Args:
        threshold: The distance at which both answers are as likely.
        scale: Steepness of the logistic function.
        measure: "squared", "euclidean" or "cosine" distance.

    Raises:
        ValueError: If the measure is unknown, a number is not positive, or the loss is to compute in 16 bits.

    Source: Chopra et al. 2005, Learning a Similarity Metric Discriminatively, which learns from pairs; Taigman et al.
    2014, DeepFace, whose siamese network ends in a logistic unit.
    """

    def __init__(
        self,
        threshold: float = 1.0,
        scale: float = 5.0,
        *,
        measure: str = "squared",
        name: str = "pair_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if measure not in MEASURES:
            raise ValueError(f"`measure` must be one of {', '.join(MEASURES)}. Received {measure!r}.")
        if not (threshold > 0 and scale > 0):
            raise ValueError(f"`threshold` and `scale` must be positive. Received {threshold} and {scale}.")
        check_dtype(self.dtype)
        self.threshold, self.scale, self.measure = threshold, scale, measure

    def call(self, y_true, y_pred):
        """Share of every picture in the loss, `(batch,)`; their mean is the mean over both kinds of pairs."""
        person = person_ids(y_true, y_pred)
        logits = (self.threshold - pairwise_distances(y_pred, measure=self.measure)) * self.scale
        same = ops.cast(person[:, None] == person[None], "float32")
        costs = sigmoid_cross_entropy(same, logits)
        pictures = ops.cast(ops.shape(person)[0], "float32")
        shares, kinds = 0.0, 0.0
        for kind in (same - ops.eye(ops.shape(person)[0]), 1 - same):  # nobody is compared with the same picture
            count = ops.sum(kind)
            shares += ops.sum(kind * costs, axis=1) / ops.maximum(count, 1.0)
            kinds += ops.cast(count > 0, "float32")
        return shares * pictures / ops.maximum(kinds, 1.0)

    def get_config(self):
        """Arguments of the constructor."""
        own = {"threshold": self.threshold, "scale": self.scale, "measure": self.measure}
        return {**super().get_config(), **own}
