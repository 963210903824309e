"""A TensorFlow SavedModel behind the same two methods as `litert.LiteRTModel`. Imports TensorFlow when opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np


class SavedModel:
    """One exported SavedModel with its signatures.

    Raises:
        FileNotFoundError: If the folder holds no saved_model.pb.
        ValueError: If it cannot be read.
        ImportError: If TensorFlow is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "saved_model.pb").is_file():
            raise FileNotFoundError(f"There is no saved_model.pb in {folder}. Write one with `cnn-suite export`.")
        try:
            import tensorflow as tf
        except ImportError as fault:
            raise ImportError("A SavedModel needs TensorFlow (pip install tensorflow); LiteRT does not.") from fault
        try:
            self._model = tf.saved_model.load(str(folder))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as fault:
            raise ValueError(f"{folder} is damaged or not a SavedModel ({fault}). Export the model again.") from fault
        self._folder = folder
        self._tensor = tf.constant

    @property
    def signatures(self) -> tuple[str, ...]:
        """Names of the graph's signatures."""
        return tuple(self._model.signatures)

    def run(self, signature: str, images: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs of `signature` for `images`, `uint8 (1, height, width, 3)`, and `more` inputs by name."""
        if signature not in self._model.signatures:
            raise ValueError(
                f"{self._folder} has no signature {signature!r}, only {', '.join(self.signatures) or 'none'}. "
                "Export the model again."
            )
        inputs = {name: self._tensor(values) for name, values in {"images": images, **more}.items()}
        outputs = self._model.signatures[signature](**inputs)
        return {name: tensor.numpy() for name, tensor in outputs.items()}
