"""`cnn-suite face`: functions to encode, verify and calibrate on pictures of people.

A distance is the squared Euclidean one between encodings of unit length, 0 for the same picture, 2 for strangers on
average. Two faces count as the same person if it is below a threshold.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.face_pictures import PersonPicture, PictureError, largest_face, people_pictures
from cnn_suite.metrics.verification_calibration import Calibration
from cnn_suite.metrics.verification_protocol import PicturePair, picture_file, read_pairs
from cnn_suite.metrics.verification_threshold import calibrate, calibrate_pairs
from cnn_suite.progress import shown
from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.face_threshold import threshold_of
from cnn_suite.runtime.faces.private_file import private_file

_log = logging.getLogger(__name__)


def encode_people(
    encoder: FaceEncoder, folder: str | Path, *, quiet: bool = False
) -> tuple[list[PersonPicture], np.ndarray]:
    """Encodings of the largest face of every picture in a folder of people.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        folder: Folder with one folder per person.
        quiet: Show no progress bar.

    Returns:
        The pictures, and their encodings float32 `(n, dimensions)`; a row of NaN, and a warning, where there is no face
        or no picture.

    Raises:
        FileNotFoundError, PictureError: If the folder does not exist or contains no pictures.
    """
    pictures = people_pictures(folder)
    rows = np.full((len(pictures), encoder.encoder.dimensions), np.nan, np.float32)
    for number in shown(range(len(pictures)), "Encoding", quiet):
        path = pictures[number].path
        try:
            encoding = largest_face(encoder, path)
        except PictureError as error:
            _log.warning("%s", error)
            continue
        if encoding is None:
            _log.warning("No face was found in %s", path)
        else:
            rows[number] = encoding
    return pictures, rows


def check_encodings_file(path: str | Path) -> None:
    """Refuses a name under which `write_encodings` could not write, before the work.

    Raises:
        ValueError: If it does not end in .npz, is a folder, or stands in a folder that is not there.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise ValueError(f"A file of encodings must end in .npz. Received {path.name!r}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Give the name of a file.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} for the encodings. Make it first.")


def write_encodings(path: str | Path, pictures: Sequence[PersonPicture], encodings: np.ndarray) -> None:
    """Writes `paths`, `people` and `encodings` into a .npz file, whole or not at all, readable by its owner alone.

    Raises:
        ValueError: As `check_encodings_file`.
    """
    check_encodings_file(path)
    with private_file(Path(path)) as file:
        np.savez(
            file,
            paths=np.array([str(picture.path) for picture in pictures]),
            people=np.array([picture.person for picture in pictures]),
            encodings=encodings,
        )


def verify(encoder: FaceEncoder, a: str | Path, b: str | Path, threshold: float | None = None) -> dict[str, Any]:
    """Whether the largest faces of two pictures show the same person.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        a: A picture file.
        b: Another one.
        threshold: Distance below which two faces count as the same person; defaults to the model's calibrated one.

    Returns:
        `same`, `distance`, `threshold`, and for the model's own threshold the `far` it was calibrated for.

    Raises:
        PictureError: If a picture cannot be read or shows no face.
        ValueError: If no threshold is given and the model is not calibrated.
    """
    encodings = []
    for path in (a, b):
        encoding = largest_face(encoder, path)
        if encoding is None:
            raise PictureError(f"No face was found in {path}. Use a picture with a larger or better lit face.")
        encodings.append(encoding)
    threshold, far = (threshold, None) if threshold is not None else threshold_of(encoder.encoder.card)
    distance = float(((encodings[0] - encodings[1]) ** 2).sum())
    return {"same": distance < threshold, "distance": distance, "threshold": threshold, "far": far}


def calibrate_people(
    encoder: FaceEncoder, folder: str | Path, *, far: float = 1e-3, quiet: bool = False
) -> Calibration:
    """Calibrates the threshold for a given false accept rate on a folder of people.

    Raises:
        TooFewPairsError: If there are too few pairs of different people; the message says how many are needed.
        PictureError: If fewer than two pictures in the folder show a face.
    """
    pictures, encodings = encode_people(encoder, folder, quiet=quiet)
    usable = np.isfinite(encodings).all(axis=1)
    if usable.sum() < 2:
        raise PictureError(
            f"A calibration needs faces to compare. In {folder} a face was found in {usable.sum()} of {len(pictures)} "
            "pictures: use larger or better lit ones."
        )
    people = np.array([picture.person for picture in pictures])[usable]
    return calibrate(encodings[usable], people, far=far)


def calibrate_listed_pairs(
    encoder: FaceEncoder, folder: str | Path, pairs_file: str | Path, *, far: float = 1e-3, quiet: bool = False
) -> Calibration:
    """Calibrates the threshold on the pairs listed in a file.

    Raises:
        TooFewPairsError: As `calibrate_people`.
        PictureError: If a picture cannot be read or shows no face.
        ValueError: If the file is not a pairs file.
    """
    pairs, distances = listed_pairs(encoder, folder, pairs_file, quiet=quiet)
    return calibrate_pairs(distances, [(pair.first[0], pair.second[0]) for pair in pairs], far=far)


def listed_pairs(
    encoder: FaceEncoder, folder: str | Path, pairs_file: str | Path, *, quiet: bool = False
) -> tuple[list[PicturePair], np.ndarray]:
    """The pairs of a pairs file in LFW's format, and their distances `(pairs,)`.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        folder: LFW's folder: `Name/Name_0001.jpg`.
        pairs_file: Such as pairs.txt.
        quiet: Show no progress bar.

    Raises:
        FileNotFoundError, PictureError: If a picture is missing, cannot be read or shows no face.
        ValueError: If the file is not a pairs file.
    """
    pairs = read_pairs(pairs_file)
    wanted = sorted({side for pair in pairs for side in (pair.first, pair.second)})
    encodings: dict[tuple[str, int], np.ndarray] = {}
    for side in shown(wanted, "Encoding", quiet):
        path = Path(folder) / picture_file(*side)
        encoding = largest_face(encoder, path)
        if encoding is None:
            raise PictureError(f"No face was found in {path}, which is listed in {pairs_file}.")
        encodings[side] = encoding
    between = [encodings[pair.first] - encodings[pair.second] for pair in pairs]
    return pairs, np.array([float((difference**2).sum()) for difference in between])


def record_figures(folder: str | Path, figures: Mapping[str, Any], data: str | Path, command: str) -> None:
    """Writes the result of `evaluate_people` into the model's card, under the data's name.

    What was measured by another protocol, on a split of that name, is kept: the data is then called `people/<name>`.
    """
    card, name = ModelCard.read(folder), Path(data).resolve().name
    if "protocol" in card.metrics.get(name, {}):
        name = f"people/{name}"
    found = {name: json.loads(json.dumps(dict(figures))) | {"command": command}}
    replace(card, metrics=card.metrics | found).write(folder)


def record_calibration(folder: str | Path, calibration: Calibration, data: str | Path) -> None:
    """Writes a calibration and its data into the model's card."""
    card = ModelCard.read(folder)
    found = {"calibration": calibration.as_dict(), "calibrated_on": str(data)}
    replace(card, thresholds=card.thresholds | json.loads(json.dumps(found))).write(folder)
