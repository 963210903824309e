"""An exported detector: from a picture to `Detections` in its pixel coordinates.

The graph of a model folder takes uint8 RGB of any size and holds letterbox, network, decoding and suppression. Its
`serving_default` signature is suppressed at the card's IoU and keeps nearly everything (score above 0.001), so a
higher confidence is filtered here: greedy suppression only ever looks at better boxes, so the result is the same.
Another IoU starts from the `candidates` signature, which gives every box before any filter.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from cnn_suite.ops.numpy_boxes import nms
from cnn_suite.results import Detections, ModelCard
from cnn_suite.runtime.detection.localizer import OneObjectGraph, detector_card
from cnn_suite.runtime.model_files.model_folder import Graph, check_picture, open_graph

_THRESHOLDS = ("confidence", "iou", "max_detections")
_OUTPUTS = {"serving_default": ("boxes", "scores", "classes", "count"),
            "candidates": ("boxes", "objectness", "class_probabilities")}  # fmt: skip


class Candidates(NamedTuple):
    """Every box the network proposes, before any filter: `(N, 4)` pixels, `(N,)` and `(N, classes)`."""

    xyxy_px: np.ndarray
    objectness: np.ndarray
    class_probabilities: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """Objectness times the best class's probability, `(N,)`."""
        return self.objectness * self.class_probabilities.max(axis=-1, initial=0)

    @property
    def class_id(self) -> np.ndarray:
        """The best class of each candidate, `(N,)`."""
        return self.class_probabilities.argmax(axis=-1).astype(np.int32)


class Detector:
    """A callable detector.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder: labels and default thresholds.

    Raises:
        ValueError: If the card lacks a threshold.
    """

    def __init__(self, model: Graph, card: ModelCard) -> None:
        self.card = card
        self.labels = card.labels
        missing = [name for name in _THRESHOLDS if name not in card.thresholds]
        if missing:
            raise ValueError(f"The card of {card.name!r} lacks the thresholds {', '.join(missing)}. Export it again.")
        self.thresholds = {name: card.thresholds[name] for name in _THRESHOLDS}
        self._model = model

    def __call__(
        self,
        image_rgb: np.ndarray,
        confidence: float | None = None,
        iou: float | None = None,
        max_detections: int | None = None,
    ) -> Detections:
        """The objects in one picture, best first.

        Args:
            image_rgb: `uint8 (height, width, 3)`, any size.
            confidence: Minimum score; None for the card's.
            iou: A box is removed if it overlaps a better one of its class by more than this; None for the card's.
            max_detections: Maximum number of objects to return; None for the card's.

        Raises:
            ValueError: If the picture or a threshold is not of its kind, or the graph's outputs are not a detector's.
        """
        confidence, iou, max_detections = self.chosen_thresholds(confidence, iou, max_detections)
        if iou != self.thresholds["iou"] or max_detections > self.thresholds["max_detections"]:
            return suppressed(self.candidates(image_rgb), self.labels, confidence, iou, max_detections)
        outputs = self._run("serving_default", image_rgb)
        scores = outputs["scores"][: int(outputs["count"])]
        kept = np.flatnonzero(scores >= confidence)[:max_detections]
        return Detections(outputs["boxes"][kept], scores[kept], outputs["classes"][kept], self.labels)

    def candidates(self, image_rgb: np.ndarray) -> Candidates:
        """Every box the network proposes for one picture, before any filter."""
        outputs = self._run("candidates", image_rgb)
        return Candidates(*(outputs[name] for name in _OUTPUTS["candidates"]))

    def chosen_thresholds(
        self, confidence: float | None, iou: float | None, max_detections: int | None
    ) -> tuple[float, float, int]:
        """The given thresholds, with the card's instead of None."""
        given = {"confidence": confidence, "iou": iou, "max_detections": max_detections}
        chosen = {name: self.thresholds[name] if value is None else value for name, value in given.items()}
        for name in ("confidence", "iou"):
            if not 0 <= chosen[name] <= 1:
                raise ValueError(f"`{name}` must be in [0, 1]. Received {chosen[name]}.")
        if chosen["max_detections"] < 1:
            raise ValueError(f"`max_detections` must be at least 1. Received {chosen['max_detections']}.")
        return chosen["confidence"], chosen["iou"], int(chosen["max_detections"])

    def _run(self, signature: str, image_rgb: np.ndarray) -> dict[str, np.ndarray]:
        check_picture(image_rgb)
        outputs = self._model.run(signature, image_rgb[None])
        missing = [name for name in _OUTPUTS[signature] if name not in outputs]
        if missing:
            raise ValueError(
                f"Model {self.card.name!r} is not a detector: its signature {signature!r} lacks {', '.join(missing)}."
            )
        return {name: outputs[name][0] for name in _OUTPUTS[signature]}


def suppressed(
    candidates: Candidates, labels: tuple[str, ...], confidence: float, iou: float, max_detections: int
) -> Detections:
    """Applies the filters to `candidates`: confidence, then suppression per class, then maximum number.

    Boxes without area, which lie in the margin that letterboxing added, are no detections.
    """
    scores, class_id = candidates.scores, candidates.class_id
    has_area = (candidates.xyxy_px[:, 2:] > candidates.xyxy_px[:, :2]).all(axis=-1)
    sure = np.flatnonzero((scores >= confidence) & has_area)
    kept = sure[nms(candidates.xyxy_px[sure], scores[sure], class_id[sure], iou, max_detections)]
    return Detections(candidates.xyxy_px[kept], scores[kept], class_id[kept], labels)


def load_detector(folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2) -> Detector:
    """The detector in a model folder; a localizer is one that finds at most one object.

    Args:
        folder: Model folder written by `cnn-suite export`.
        runtime: "litert" for model.tflite (no TensorFlow needed) or "saved_model".
        threads: Threads of the LiteRT interpreter.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    graph, card = open_graph(folder, "detection", "localization", runtime=runtime, threads=threads)
    if card.task == "localization":
        return Detector(OneObjectGraph(graph), detector_card(card))
    return Detector(graph, card)
