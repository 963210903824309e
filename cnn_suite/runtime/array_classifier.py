"""An exported classifier of signals or volumes: from an array of numbers to a probability for every class."""

from __future__ import annotations

import os

import numpy as np

from cnn_suite.results import Classification, ModelCard
from cnn_suite.runtime.model_files.model_folder import Graph, open_graph


class ArrayClassifier:
    """A callable classifier.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder: the labels and the shape of an example.

    Raises:
        ValueError: If the card lacks the shape.
    """

    def __init__(self, model: Graph, card: ModelCard) -> None:
        if "shape" not in card.input:
            raise ValueError(f"The card of {card.name!r} lacks input.shape, that of an example. Export it again.")
        self.card = card
        self.labels = card.labels
        self.shape = tuple(card.input["shape"])
        self._model = model

    def __call__(self, values: np.ndarray) -> Classification:
        """The class of one example.

        Args:
            values: Finite numbers of `shape`, where an only channel may be left out.

        Raises:
            ValueError: If the shape is another, or a number is not finite.
        """
        values = np.asarray(values, np.float32)
        if self.shape[-1] == 1 and values.shape == self.shape[:-1]:
            values = values[..., None]
        if values.shape != self.shape or not np.isfinite(values).all():
            raise ValueError(
                f"`values` must be finite numbers of shape {self.shape}. Received shape {values.shape}"
                f"{'' if np.isfinite(values).all() else ', with others'}."
            )
        return Classification(self._model.run("serving_default", values[None])["probabilities"][0], self.labels)


def load_array_classifier(
    folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2
) -> ArrayClassifier:
    """The classifier in a model folder.

    Args:
        folder: Model folder written by `cnn-suite export`.
        runtime: "litert" for model.tflite (no TensorFlow needed) or "saved_model".
        threads: Threads of the LiteRT interpreter.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    return ArrayClassifier(*open_graph(folder, "arrays", runtime=runtime, threads=threads))
