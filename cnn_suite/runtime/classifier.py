"""An exported classifier: from a picture to a probability for every class.

The graph of a model folder takes uint8 RGB of any size and holds resizing, network and softmax.
"""

from __future__ import annotations

import os

import numpy as np

from cnn_suite.results import Classification, ModelCard
from cnn_suite.runtime.model_files.model_folder import Graph, check_picture, open_graph


class Classifier:
    """A callable classifier.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder: the labels.
    """

    def __init__(self, model: Graph, card: ModelCard) -> None:
        self.card = card
        self.labels = card.labels
        self._model = model

    def __call__(self, image_rgb: np.ndarray) -> Classification:
        """What one picture shows.

        Args:
            image_rgb: `uint8 (height, width, 3)`, any size.

        Raises:
            ValueError: If the picture is not of its kind, the graph's output is not a classifier's, or it does not fit
                the card's labels.
        """
        check_picture(image_rgb)
        outputs = self._model.run("serving_default", image_rgb[None])
        if "probabilities" not in outputs:
            raise ValueError(
                f"Model {self.card.name!r} is not a classifier: its signature 'serving_default' lacks probabilities."
            )
        probabilities = outputs["probabilities"]
        is_one_row = probabilities.ndim == 2 and len(probabilities) == 1
        if not is_one_row or (self.labels and probabilities.shape[1] != len(self.labels)):
            raise ValueError(
                f"Model {self.card.name!r} must return probabilities of shape (1, {len(self.labels) or 'classes'}), "
                f"one column per label. Received shape {probabilities.shape}. Export the model again."
            )
        return Classification(probabilities[0], self.labels)


def load_classifier(folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2) -> Classifier:
    """The classifier in a model folder.

    Args:
        folder: Model folder written by `cnn-suite export`.
        runtime: "litert" for model.tflite (no TensorFlow needed) or "saved_model".
        threads: Threads of the LiteRT interpreter.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    return Classifier(*open_graph(folder, "classification", runtime=runtime, threads=threads))
