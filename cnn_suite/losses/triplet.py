"""The triplet loss on a batch of encodings and the people they show, with triplets chosen inside the batch."""

import keras

from cnn_suite.losses.person_ids import check_dtype, person_ids
from cnn_suite.ops.embeddings import MEASURES, pairwise_distances
from cnn_suite.ops.triplets import AVERAGES, anchor_losses, check_rule, choose_triplets, triplet_costs


@keras.saving.register_keras_serializable("cnn_suite")
class TripletLoss(keras.losses.Loss):
    """L(A, P, N) = max(d(A, P) - d(A, N) + margin, 0), averaged over triplets that a rule chooses in the batch.

    `y_true` is the person id of each picture, a whole number below 2^24 (Keras passes labels as float32), `(batch,)` or
    `(batch, 1)`; `y_pred` are the encodings, `(batch, size)`, of unit length as a rule. Batches need several pictures
    of several people; a batch without any triplet has loss 0 and no gradient.

    If all encodings are equal the loss is the margin (soft: ln 2), by every rule but "semi_hard" with the fallback
    "skip": see `cnn_suite.metrics.collapse_alarm`.

    Args:
        rule: "all", "random", "semi_hard", "hardest" or "batch_hard": see `cnn_suite.ops.triplets`.
        margin: Minimum difference between negative and positive distance, in the measure. With `soft` it is only
            the width in which "semi_hard" looks for negatives.
        soft: ln(1 + exp(d(A, P) - d(A, N))) instead of the margin.
        measure: "squared", "euclidean" or "cosine" distance.
        choice: Semi-hard: which of several negatives, the "nearest" or a "random" one.
        fallback: Semi-hard: an anchor and positive without such a negative get none ("skip"), the farthest negative
            ("largest", as in TensorFlow Addons) or the "nearest".
        average: Over all "chosen" triplets or over "active" ones, whose loss is not 0. None: "active" for the rule
            "all", "chosen" for the others, as in the papers.
        seed: Random seed; there is no state, the choice depends only on seed and batch.

    Raises:
        ValueError: If an argument is unknown, the margin is not positive, or the loss is to compute in 16 bits.

    Source: Schroff et al. 2015, FaceNet, sections 3.1 and 3.2 (semi-hard, squared, margin 0.2); Hermans et al.
    2017, In Defense of the Triplet Loss (batch hard and batch all, Euclidean, margin or soft margin).
    """

    def __init__(
        self,
        rule: str = "semi_hard",
        margin: float = 0.2,
        soft: bool = False,
        *,
        measure: str = "squared",
        choice: str = "nearest",
        fallback: str = "largest",
        average: str | None = None,
        seed: int = 0,
        name: str = "triplet_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        check_rule(rule, choice, fallback)
        if measure not in MEASURES:
            raise ValueError(f"`measure` must be one of {', '.join(MEASURES)}. Received {measure!r}.")
        if average not in (None, *AVERAGES):
            raise ValueError(f"`average` must be None or one of {', '.join(AVERAGES)}. Received {average!r}.")
        if not margin > 0:
            raise ValueError(
                "`margin` must be positive; otherwise identical encodings for all people have no cost. Received "
                f"{margin}."
            )
        check_dtype(self.dtype)
        self.rule, self.margin, self.soft, self.measure = rule, margin, soft, measure
        self.choice, self.fallback, self.average, self.seed = choice, fallback, average, seed

    def call(self, y_true, y_pred):
        """Loss of every picture as an anchor, `(batch,)`; their mean is the average over triplets."""
        person = person_ids(y_true, y_pred)
        triplets = choose_triplets(
            pairwise_distances(y_pred, measure=self.measure),
            person,
            rule=self.rule,
            margin=self.margin,
            choice=self.choice,
            fallback=self.fallback,
            seed=self.seed,
        )
        costs = triplet_costs(triplets, margin=self.margin, soft=self.soft)
        average = self.average or ("active" if self.rule == "all" else "chosen")
        return anchor_losses(costs, triplets.chosen, average=average)

    def get_config(self):
        """Arguments of the constructor."""
        names = "rule margin soft measure choice fallback average seed".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
