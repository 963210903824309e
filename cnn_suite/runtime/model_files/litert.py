"""A `model.tflite` in the LiteRT interpreter: signatures by name, from picture to arrays."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_CHATTER = (b"INFO: Created TensorFlow Lite XNNPACK delegate", b"INFO: Initialized TensorFlow Lite runtime")


class LiteRTModel:
    """One exported graph with its signatures.

    The interpreter plans its memory again only when a picture has another size than the one before.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not a LiteRT model.
    """

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist. Export the model with `cnn-suite export`.")
        try:
            with without_chatter():
                self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
                self._signatures = self._interpreter.get_signature_list()
        except (ValueError, RuntimeError) as fault:
            raise ValueError(f"{path} is damaged or not a LiteRT model ({fault}). Export the model again.") from fault
        self._path = path
        self._runners: dict[str, Any] = {}

    @property
    def signatures(self) -> tuple[str, ...]:
        """Names of the graph's signatures."""
        return tuple(self._signatures)

    def run(self, signature: str, images: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs of `signature` for `images`, `uint8 (1, height, width, 3)`, and `more` inputs by name."""
        if signature not in self._runners:
            if signature not in self._signatures:
                raise ValueError(
                    f"{self._path} has no signature {signature!r}, only {', '.join(self._signatures) or 'none'}. "
                    "Export the model again."
                )
            with without_chatter():
                self._runners[signature] = self._interpreter.get_signature_runner(signature)
                return self._runners[signature](images=images, **more)
        return self._runners[signature](images=images, **more)


@contextlib.contextmanager
def without_chatter(*more: bytes) -> Iterator[None]:
    """Keeps LiteRT's two lines of good news, and lines that start with one of `more`, off stderr; everything else
    written meanwhile is passed on."""
    try:
        saved = os.dup(2)
    except OSError:  # a service without stderr
        yield
        return
    with tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            for line in caught:
                if not line.startswith((*_CHATTER, *more)):
                    os.write(2, line)
