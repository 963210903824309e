"""A model folder opened for one task on one runtime: the graph and its card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np

from cnn_suite.results import ModelCard

RUNTIMES = {"litert": "model.tflite", "saved_model": "saved_model.pb"}  # and the file that each of them opens


class Graph(Protocol):
    """An exported graph on some runtime."""

    def run(self, signature: str, images: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs of a signature for `images`, `uint8 (1, height, width, 3)`, and `more` inputs by name."""


def open_graph(
    folder: str | os.PathLike[str], *tasks: str, runtime: str = "litert", threads: int = 2
) -> tuple[Graph, ModelCard]:
    """The graph in a model folder, and the card that goes with it.

    Args:
        folder: Model folder written by `cnn-suite export`.
        tasks: What the model may be for: "detection", "classification", "style".
        runtime: "litert" for model.tflite (no TensorFlow needed) or "saved_model".
        threads: Threads of the LiteRT interpreter.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"`runtime` must be 'litert' or 'saved_model'. Received {runtime!r}.")
    card = ModelCard.read(folder)
    if card.task not in tasks:
        wanted = " or ".join(tasks)
        raise ValueError(f"Model {str(folder)!r} is for {card.task}, not for {wanted}. Choose a model for {wanted}.")
    if runtime == "litert":
        from cnn_suite.runtime.model_files.litert import LiteRTModel

        return LiteRTModel(Path(folder) / "model.tflite", threads=threads), card
    from cnn_suite.runtime.model_files.saved_model import SavedModel

    return SavedModel(Path(folder)), card


def runtimes_in(folder: str | os.PathLike[str]) -> list[str]:
    """The runtimes whose files a model folder holds, the lightest first."""
    return [runtime for runtime, file in RUNTIMES.items() if (Path(folder) / file).is_file()]


def check_picture(image_rgb: np.ndarray) -> None:
    """Checks that an array is an RGB picture.

    Raises:
        ValueError: If it is not uint8 of shape (height, width, 3), or empty.
    """
    if not isinstance(image_rgb, np.ndarray):
        raise ValueError(
            "`image_rgb` must be one array, uint8 of shape (height, width, 3). Received an object of type "
            f"{type(image_rgb).__name__}. Read a file with `cnn_suite.runtime.media.pictures.read_picture`."
        )
    if image_rgb.dtype != np.uint8 or image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or 0 in image_rgb.shape:
        raise ValueError(
            "`image_rgb` must be uint8 of shape (height, width, 3). "
            f"Received {image_rgb.dtype} of shape {image_rgb.shape}."
        )
