"""A localizer as a detector of at most one object, for whatever takes a detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnn_suite.results import ModelCard
from cnn_suite.runtime.model_files.model_folder import Graph


class OneObjectGraph:
    """The signatures `serving_default` and `candidates` of a detector, with one box each.

    Args:
        graph: A graph with `probabilities` `(batch, classes)` and `box` `(batch, 4)`.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def run(self, signature: str, images: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs that a detector's signature has."""
        answer = self._graph.run("serving_default", images, **more)
        probabilities = np.clip(answer["probabilities"], 0, 1)
        boxes, there = answer["box"][:, None], np.minimum(probabilities.sum(axis=1, keepdims=True), 1)
        if signature == "candidates":
            of_classes = probabilities / np.maximum(there, np.finfo(np.float32).tiny)
            return {"boxes": boxes, "objectness": there, "class_probabilities": of_classes[:, None]}
        return {
            "boxes": boxes,
            "scores": probabilities.max(axis=1, keepdims=True),
            "classes": probabilities.argmax(axis=1)[:, None],
            "count": np.ones(len(boxes), np.int32),
        }


def detector_card(card: ModelCard) -> ModelCard:
    """A localizer's card with the thresholds of a detector."""
    return replace(card, thresholds={**card.thresholds, "iou": 1.0, "max_detections": 1})
