"""An alarm for the most common failure of triplet training: every face gets the same encoding.

Equal encodings satisfy d(A, P) <= d(A, N), and with the hardest negatives of a young network they are where gradients
lead. The loss then stays at the margin (soft: ln 2), which looks like slow training.

Source: Schroff et al. 2015, FaceNet, section 3.2 ("a collapsed model, f(x) = 0"); Hermans et al. 2017, In Defense of
the Triplet Loss, who watch such figures.
"""

import logging
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from cnn_suite.losses.triplet import TripletLoss
from cnn_suite.ops.embeddings import pairwise_distances, spread
from cnn_suite.ops.triplets import active_share

logger = logging.getLogger(__name__)


class CollapseAlarm(keras.callbacks.Callback):
    """Adds `embedding_spread` and `active_share` to the logs of every epoch, and warns if encodings collapse.

    `embedding_spread` is the root mean squared distance of a fixed batch's encodings from their mean; `active_share` is
    the fraction of all its triplets that break the margin (soft: whose positive is farther away than the negative).

    It warns, once a collapse, when for `patience` epochs the training's loss was within `tolerance` of the margin
    (soft: of ln 2) and the spread was below `smallest_spread`. One alone is not a collapse: a batch may be hard, and a
    loss may pass the margin on its way. Semi-hard triplets with the fallback "skip" are none at all where encodings are
    equal, so that there a loss of 0 counts as well.

    Place it before the callbacks that read the logs (CSVLogger, ModelCheckpoint).

    Args:
        images: Pictures of a fixed batch, as the network takes them `(n, ...)`; some dozens, several people.
        person_ids: Who each shows, `(n,)`.
        loss: The training loss; defaults to that of the compiled model.
        patience: Epochs in a row before the warning.
        tolerance: Fraction of the margin by which the loss may differ from it.
        smallest_spread: The spread below which encodings count as equal, in lengths of the encoding's space.

    Attributes:
        collapsed: Whether the last epochs were a collapse.

    Raises:
        ValueError: If an argument is invalid, or the model's loss is not a `TripletLoss` and none is given.
    """

    def __init__(
        self,
        images: Any,
        person_ids: Any,
        *,
        loss: TripletLoss | None = None,
        patience: int = 2,
        tolerance: float = 0.02,
        smallest_spread: float = 0.05,
    ):
        super().__init__()
        self._images, self._person_ids = np.asarray(images), np.asarray(person_ids)
        if self._person_ids.shape != self._images.shape[:1] or len(self._person_ids) < 2:
            raise ValueError(
                "`images` must have shape (n, ...) and `person_ids` (n,), with n of at least 2. "
                f"Received {self._images.shape} and {self._person_ids.shape}."
            )
        if patience < 1 or tolerance <= 0 or smallest_spread <= 0:
            raise ValueError(
                "`patience` must be at least 1, `tolerance` and `smallest_spread` must be positive. "
                f"Received {patience}, {tolerance} and {smallest_spread}."
            )
        self._given, self._loss = loss, loss or TripletLoss()
        self._patience, self._tolerance, self._smallest_spread = patience, tolerance, smallest_spread
        self._stuck = 0

    @property
    def collapsed(self) -> bool:
        """Whether the last epochs were a collapse."""
        return self._stuck >= self._patience

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Finds the loss of the training."""
        self._stuck = 0
        found = self._given or self.model.loss
        if not isinstance(found, TripletLoss):
            raise ValueError(
                f"CollapseAlarm needs a model compiled with a TripletLoss, or the argument `loss`. Received {found!r}."
            )
        self._loss = found

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measures, and warns if encodings have collapsed."""
        logs = {} if logs is None else logs
        encodings = self.model.predict_on_batch(self._images)
        logs["embedding_spread"] = found = float(ops.convert_to_numpy(spread(encodings)))
        logs["active_share"] = self._active_share(encodings)
        value = float(logs.get("loss", math.nan)) - self._penalty()  # NaN is near nothing
        level = self._level()
        near = any(abs(value - stuck) <= self._tolerance * level for stuck in (level, *self._silence()))
        self._stuck = self._stuck + 1 if near and found < self._smallest_spread else 0
        if self._stuck == self._patience:
            logger.warning(self._message(value, found, encodings))

    def _level(self) -> float:
        """What equal encodings cost."""
        return math.log(2) if self._loss.soft else self._loss.margin

    def _silence(self) -> tuple[float, ...]:
        """What equal encodings cost where no triplet is found among them."""
        return (0.0,) if (self._loss.rule, self._loss.fallback) == ("semi_hard", "skip") else ()

    def _penalty(self) -> float:
        """What regularisers of weights add to the loss of the logs."""
        return float(sum(float(ops.convert_to_numpy(value)) for value in self.model.losses))

    def _active_share(self, encodings: np.ndarray) -> float:
        distances = pairwise_distances(encodings, measure=self._loss.measure)
        share = active_share(distances, self._person_ids, margin=0.0 if self._loss.soft else self._loss.margin)
        return float(ops.convert_to_numpy(share))

    def _message(self, value: float, found: float, encodings: np.ndarray) -> str:
        name = "ln 2" if self._loss.soft else "the margin"
        if abs(value) < self._level() / 2:
            name = "the loss of a batch without semi-hard triplets"
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        hints = [f"lower the learning rate (now {rate:.3g})"]
        if self._loss.rule not in ("semi_hard", "all"):
            hints.insert(0, f"start with the rule 'semi_hard' or 'all' instead of '{self._loss.rule}'")
        if not np.allclose(np.linalg.norm(encodings, axis=1), 1, atol=1e-3):
            hints.append(
                "normalise encodings to unit length (keras.layers.UnitNormalization at the end of the network)"
            )
        if self._silence():
            hints.append("use the fallback 'largest' instead of 'skip'")
        hints.append("use more people per batch")
        return (
            f"Encodings have collapsed: for {self._patience} epochs the loss has stayed at {value:.4f}, which is "
            f"{name}, and the spread of encodings is only {found:.2g}: every picture gets nearly the same one, and "
            f"such a network rarely recovers. Start again and {'; '.join(hints)}."
        )
