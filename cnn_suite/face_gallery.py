"""`cnn-suite face enrol` and `identify`: picture files and the gallery of enrolled people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cnn_suite.face_pictures import PictureError, read_face_picture
from cnn_suite.runtime.faces.enrolment import Problem, check_enrolment, quality
from cnn_suite.runtime.faces.enrolment_identity import EnrolmentIdentity
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.face_search import FaceIndex
from cnn_suite.runtime.faces.face_threshold import threshold_of
from cnn_suite.runtime.faces.gallery import Gallery
from cnn_suite.runtime.faces.gallery_records import checked_name
from cnn_suite.runtime.faces.new_gallery import NewGallery


def enrol_pictures(
    encoder: FaceEncoder,
    gallery: Gallery | NewGallery,
    name: str,
    pictures: Sequence[str | Path],
    *,
    threshold: float | None = None,
    keep_pictures: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Adds a person's pictures to a gallery: all of them, or none if one fails the quality check.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        gallery: Gallery to add to.
        name: Name of the person in the pictures.
        pictures: Picture files; the largest face of each is used.
        threshold: Below which two faces count as the same person's; the model's calibrated one by default. A model
            without one cannot tell whether a picture shows another person, or this person looks like somebody else,
            and does not look.
        keep_pictures: Also store the aligned faces, as JPEG.
        force: Enrol even if the quality check fails; a picture without a face still cannot be enrolled.

    Returns:
        `name`, `encodings` (how many were added), `problems` that were overridden.

    Raises:
        GalleryError: If the name is none.
        PictureError: If a picture cannot be read, or fails the quality check.
    """
    name = checked_name(name)
    if threshold is None and encoder.encoder.card.thresholds.get("calibration"):
        threshold = threshold_of(encoder.encoder.card).distance
    identity = None if threshold is None else EnrolmentIdentity(name, FaceIndex(*gallery.encodings()), threshold)
    rows: list[np.ndarray] = []
    figures, kept, passed = [], [], []
    for path in pictures:
        image = read_face_picture(path)
        found = encoder(image)
        chosen = found.faces.largest()
        problems = check_enrolment(image, found.faces)
        if chosen is not None and identity is not None:
            problems += identity.problems(found.encodings[chosen], rows)
        if problems and (chosen is None or not force):
            raise PictureError(_told(path, problems, can_be_forced=chosen is not None))
        passed += [f"{path}: {problem}" for problem in problems]
        assert chosen is not None
        rows.append(found.encodings[chosen])
        figures.append(quality(image, found.faces).figures)
        kept.append(_jpeg(found.aligned[chosen]) if keep_pictures else None)
    names = [Path(path).name for path in pictures]
    numbers = gallery.enrol(name, np.stack(rows), quality=figures, sources=names, pictures=kept)
    return {"name": name, "encodings": len(numbers), "problems": passed}


def identify_pictures(
    encoder: FaceEncoder, gallery: Gallery, pictures: Sequence[str | Path], threshold: float | None = None
) -> list[dict[str, Any]]:
    """Identifies the people in pictures.

    Returns:
        For every picture `picture` and `faces`, each with `identity` (None for unknown), `nearest`, `distance`,
        `threshold` and `box_xyxy_px`, the most confident face first.

    Raises:
        PictureError: If a picture cannot be read.
        ValueError: If no threshold is given and the model is not calibrated.
    """
    if threshold is None:
        threshold = threshold_of(encoder.encoder.card).distance
    index = FaceIndex(*gallery.encodings())
    answers = []
    for path in pictures:
        found = encoder(read_face_picture(path))
        nearest = index.nearest(found.encodings) if len(found) else []
        faces = [
            {
                "identity": people[0].name if people and people[0].distance < threshold else None,
                "nearest": people[0].name if people else None,
                "distance": people[0].distance if people else None,
                "threshold": threshold,
                "box_xyxy_px": [round(float(value), 1) for value in box],
            }
            for people, box in zip(nearest, found.faces.xyxy_px)
        ]
        answers.append({"picture": str(path), "faces": faces})
    return answers


def _told(path: str | Path, problems: Sequence[Problem], *, can_be_forced: bool) -> str:
    told = f"{path} cannot be enrolled. " + " ".join(str(problem) for problem in problems)
    return told + " --force enrols all the same." if can_be_forced else told


def _jpeg(face_rgb: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(face_rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
