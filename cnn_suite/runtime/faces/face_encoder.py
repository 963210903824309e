"""From a picture to its faces and their encodings: detector, five points, alignment, network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_alignment import TEMPLATE_SIZE, align_face
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.model_files.model_folder import Graph, check_picture, open_graph

Finder = Callable[[np.ndarray], Faces]  # RGB picture to faces with five points


class Encoder:
    """A network that encodes aligned faces.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder.
    """

    def __init__(self, model: Graph, card: ModelCard) -> None:
        self.card = card
        self.size = int(card.input.get("network_size_hw", [TEMPLATE_SIZE])[0])
        self.dimensions = int(card.model["dimensions"])
        self._model = model

    @property
    def fingerprint(self) -> str:
        """Identifies comparable encodings: a digest of the weights and the face preprocessing."""
        keys = ("network_size_hw", "alignment", "mirror")
        text = f"{self.card.model.get('weights_sha256')} {[self.card.input.get(key) for key in keys]}"
        return hashlib.sha256(text.encode()).hexdigest()

    def encode_aligned(self, face_rgb: np.ndarray) -> np.ndarray:
        """The encoding `(dimensions,)` of one aligned face, uint8 `(size, size, 3)`.

        Raises:
            ValueError: If the picture is not of its kind or the graph returns no encodings.
        """
        check_picture(face_rgb)
        outputs = self._model.run("serving_default", face_rgb[None])
        if "embeddings" not in outputs:
            raise ValueError(
                f"Model {self.card.name!r} is not a face encoder: its signature 'serving_default' lacks embeddings."
            )
        return np.asarray(outputs["embeddings"][0], np.float32)


@dataclass(frozen=True, eq=False)
class EncodedFaces:
    """The faces of one picture, each upright at the network's size, and their encodings `(n, dimensions)`."""

    faces: Faces
    aligned: tuple[np.ndarray, ...]
    encodings: np.ndarray

    def __len__(self) -> int:
        return len(self.faces)


class FaceEncoder:
    """Finds faces and encodes them.

    Args:
        finder: Detector of faces with five points: YuNet (`face_detector.FaceDetector`) or `face_finder.FaceFinder`.
        encoder: The encoding network.
    """

    def __init__(self, finder: Finder, encoder: Encoder) -> None:
        self.finder = finder
        self.encoder = encoder

    def __call__(self, image_rgb: np.ndarray) -> EncodedFaces:
        """The faces of a picture, uint8 `(height, width, 3)`, the most confident first.

        Raises:
            ValueError: If the picture is not of its kind.
        """
        faces = self.finder(image_rgb)
        aligned = tuple(align_face(image_rgb, points, self.encoder.size) for points in faces.points_px)
        encodings = [self.encoder.encode_aligned(face) for face in aligned]
        return EncodedFaces(faces, aligned, np.reshape(encodings, (len(aligned), self.encoder.dimensions)))


def load_encoder(folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2) -> Encoder:
    """The network in a model folder.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    return Encoder(*open_graph(folder, "embedding", runtime=runtime, threads=threads))
