"""The full pipeline from a picture to encodings of its faces, assembled from model folders and files by name."""

from __future__ import annotations

from pathlib import Path

from cnn_suite.cache_folders import files_folder
from cnn_suite.known_weights import KNOWN
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.runtime.faces.face_detector import FaceDetector
from cnn_suite.runtime.faces.face_encoder import FaceEncoder, Finder, load_encoder
from cnn_suite.runtime.faces.face_finder import FaceFinder
from cnn_suite.runtime.faces.face_points import load_face_points
from cnn_suite.runtime.model_files.model_folders import find_model

ENCODER = "face_embedding"
YUNET = "yunet"
OWN = ("face_yolo", "face_points")  # a detector of ours and the network for points in its boxes


def load_finder(detector: str = "auto", *, threads: int = 2) -> Finder:
    """Loads a detector of faces with five points.

    Args:
        detector: "yunet", once it is pulled; the file of a YuNet (.onnx); a model folder or name of a detector of
            faces, whose boxes `face_points` then looks into; or "auto": yunet where it was pulled, else face_yolo.
        threads: Threads of the LiteRT interpreters.

    Raises:
        FileNotFoundError: If there is no such detector; the text says how to get it.
    """
    pulled = files_folder(YUNET) / KNOWN[YUNET].files[0].name
    if detector == "auto":
        detector = YUNET if pulled.is_file() else OWN[0]
    if detector == YUNET:
        if not pulled.is_file():
            raise FileNotFoundError(f"The detector {YUNET} is not downloaded. Run `cnn-suite pull {YUNET}`.")
        return FaceDetector(pulled)
    if Path(detector).suffix == ".onnx":
        return FaceDetector(detector)
    boxes = load_detector(find_model(detector), threads=threads)
    return FaceFinder(boxes, load_face_points(find_model(OWN[1]), threads=threads))


def load_face_encoder(model: str = ENCODER, detector: str = "auto", *, threads: int = 2) -> FaceEncoder:
    """Detector, points, alignment and encodings as one call.

    Args:
        model: Model folder or name of an encoding network.
        detector: As for `load_finder`.
        threads: Threads of the LiteRT interpreters.

    Raises:
        FileNotFoundError: If one of them is missing.
        ValueError: If a file is damaged, or the model is for another task.
    """
    return FaceEncoder(load_finder(detector, threads=threads), load_encoder(find_model(model), threads=threads))
