"""COCO average precision during `fit`, measured with the graph that is exported."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.metrics.detection import coco_metrics
from cnn_suite.metrics.detection_pictures import truths_of
from cnn_suite.results import Detections


class CocoEvaluation(keras.callbacks.Callback):
    """Adds `val_ap` and `val_ap50` to the logs of every epoch, NaN if it did not measure.

    Place it before the callbacks that read them (CSVLogger, ModelCheckpoint, EarlyStopping) and after SwapEMAWeights.

    Args:
        serving: The graph to export; its `serving_default` takes uint8 RGB pictures `(1, height, width, 3)` and
            returns the tensors `boxes`, `scores`, `classes`, `count`.
        pictures: Pictures to measure on.
        labels: Class names.
        every: Epochs between measurements; the last epoch is always measured.
    """

    def __init__(self, serving: Any, pictures: Sequence[AnnotatedPicture], labels: Sequence[str], every: int = 1):
        super().__init__()
        self._serving = serving
        self._pictures = pictures
        self._labels = tuple(labels)
        self._every = every
        self._truths = [truths_of(picture) for picture in pictures]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measures when it is due."""
        values = {"val_ap": math.nan, "val_ap50": math.nan}
        if (epoch + 1) % self._every == 0 or epoch + 1 == self.params["epochs"]:
            result = coco_metrics(self._truths, [self._found(p) for p in self._pictures], len(self._labels))
            values = {"val_ap": float(result.ap), "val_ap50": float(result.ap50)}
        if logs is not None:
            logs.update(values)

    def _found(self, picture: AnnotatedPicture) -> Detections:
        answer = self._serving.serving_default(load_pixels(picture)[None])
        result = {name: np.asarray(value)[0] for name, value in answer.items()}
        count = int(result["count"])
        return Detections(
            result["boxes"][:count], result["scores"][:count], result["classes"][:count], labels=self._labels
        )
