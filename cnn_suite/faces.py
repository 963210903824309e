"""`cnn-suite face`: encode, verify, evaluate and calibrate on pictures of people; each a function to call.

A distance is the squared Euclidean one between encodings of unit length, 0 for the same picture, 2 for strangers on
average. Two faces are taken for one person where it is below a threshold.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.face_pictures import PersonPicture, PictureError, largest_face, people_pictures
from cnn_suite.metrics.intervals import people_interval
from cnn_suite.metrics.verification import all_pairs, best_accuracy, equal_error_rate, tar_at_far
from cnn_suite.metrics.verification_calibration import Calibration
from cnn_suite.metrics.verification_threshold import calibrate
from cnn_suite.progress import shown
from cnn_suite.results import ModelCard
from cnn_suite.runtime.face_encoder import FaceEncoder
from cnn_suite.runtime.face_threshold import threshold_of

_log = logging.getLogger(__name__)

FAR = (1e-2, 1e-3)


def encode_people(
    encoder: FaceEncoder, folder: str | Path, *, quiet: bool = False
) -> tuple[list[PersonPicture], np.ndarray]:
    """Encodings of the largest face of every picture in a folder of people.

    Args:
        encoder: From a picture to encodings of its faces.
        folder: A folder a person.
        quiet: No progress bar.

    Returns:
        The pictures, and their encodings float32 `(n, dimensions)`; a row of NaN, and a warning, where there is no face
        or no picture.

    Raises:
        FileNotFoundError, PictureError: If there is no such folder or nothing in it.
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


def write_encodings(path: str | Path, pictures: Sequence[PersonPicture], encodings: np.ndarray) -> None:
    """Writes `paths`, `people` and `encodings` into a .npz file."""
    np.savez(
        path,
        paths=np.array([str(picture.path) for picture in pictures]),
        people=np.array([picture.person for picture in pictures]),
        encodings=encodings,
    )


def verify(encoder: FaceEncoder, a: str | Path, b: str | Path, threshold: float | None = None) -> dict[str, Any]:
    """Whether the largest faces of two pictures are of one person.

    Args:
        encoder: From a picture to encodings of its faces.
        a: A picture file.
        b: Another one.
        threshold: Largest distance of one person's pictures; the model's calibrated one by default.

    Returns:
        `same`, `distance`, `threshold`, and with the model's own threshold the `far` that it was calibrated for.

    Raises:
        PictureError: If a picture cannot be read or shows no face.
        ValueError: If no threshold is given and the model was never calibrated.
    """
    encodings = []
    for path in (a, b):
        encoding = largest_face(encoder, path)
        if encoding is None:
            raise PictureError(f"No face was found in {path}. Take a picture in which one is larger or better lit.")
        encodings.append(encoding)
    threshold, far = (threshold, None) if threshold is not None else threshold_of(encoder.encoder.card)
    distance = float(((encodings[0] - encodings[1]) ** 2).sum())
    return {"same": distance < threshold, "distance": distance, "threshold": threshold, "far": far}


def evaluate_people(encoder: FaceEncoder, folder: str | Path, *, quiet: bool = False) -> dict[str, Any]:
    """How well a model tells the people of a folder apart, from picture to distance.

    Returns:
        `pictures`, `without_face`, `people`, `pairs`; `accuracy` at the best threshold for these very pairs, `eer`,
        `tar_at_far`, and `rank1`, the share of pictures whose nearest other picture shows the same person; shares with
        95 % intervals that reckon with people, of whom there are far fewer than pairs.

    Raises:
        PictureError: If fewer than two people have a face, or nobody has two.
    """
    pictures, encodings = encode_people(encoder, folder, quiet=quiet)
    usable = np.isfinite(encodings).all(axis=1)
    people = np.array([picture.person for picture in pictures])[usable]
    encodings = encodings[usable]
    if len(set(people)) < 2 or len(set(people)) == len(people):
        raise PictureError(f"{folder} must hold two people with a face, and one of them twice. It does not.")
    pairs = all_pairs(encodings, people)
    two_people = _people_of_pairs(people)
    genuine = two_people[pairs.same]
    accuracy, balanced = best_accuracy(*pairs), best_accuracy(*pairs, balanced=True)
    rates = {far: tar_at_far(*pairs, far) for far in FAR}
    accepted = {far: pairs.distances[pairs.same] < point.threshold for far, point in rates.items()}
    hits, asked = _rank1(encodings, people)
    return {
        "model": encoder.encoder.card.name,
        "pictures": len(pictures),
        "without_face": int((~usable).sum()),
        "people": len(set(people)),
        "pairs": {"genuine": len(genuine), "impostor": len(pairs.same) - len(genuine)},
        "accuracy": _share((pairs.distances < accuracy.threshold) == pairs.same, two_people),
        "best_threshold": accuracy.threshold,
        "balanced_accuracy": balanced.accuracy,
        "eer": equal_error_rate(*pairs).rate,
        "tar_at_far": {f"{far:g}": _share(told, genuine[:, 0]) for far, told in accepted.items()},
        "rank1": _share(hits, asked),
    }


def calibrate_people(
    encoder: FaceEncoder, folder: str | Path, *, far: float = 1e-3, quiet: bool = False
) -> Calibration:
    """The threshold that lets in a given share of strangers, from a folder of people.

    Raises:
        TooFewPairsError: If there are too few pairs of different people to say so; the text says how many are needed.
        PictureError: If nothing in the folder can be used.
    """
    pictures, encodings = encode_people(encoder, folder, quiet=quiet)
    usable = np.isfinite(encodings).all(axis=1)
    people = np.array([picture.person for picture in pictures])[usable]
    return calibrate(encodings[usable], people, far=far)


def record_calibration(folder: str | Path, calibration: Calibration, data: str | Path) -> None:
    """Writes a calibration into the model's card, with the data it comes from."""
    card = ModelCard.read(folder)
    found = {"calibration": calibration.as_dict(), "calibrated_on": str(data)}
    replace(card, thresholds=card.thresholds | json.loads(json.dumps(found))).write(folder)


def _people_of_pairs(people: np.ndarray) -> np.ndarray:
    """Numbers of the two people of every pair, in the order of `all_pairs`, `(pairs, 2)`."""
    codes = np.unique(people, return_inverse=True)[1]
    return np.stack([codes[side] for side in np.triu_indices(len(codes), 1)], axis=1)


def _rank1(encodings: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the nearest other picture of each is of the same person, and whose it is, for people with two or more."""
    codes = np.unique(people, return_inverse=True)[1]
    several = np.bincount(codes)[codes] > 1
    closeness = encodings @ encodings.T
    np.fill_diagonal(closeness, -np.inf)
    return (codes[closeness.argmax(axis=1)] == codes)[several], codes[several]


def _share(happened: np.ndarray, people: np.ndarray) -> dict[str, Any]:
    """A share with its 95 % interval, in which people count, not pictures or pairs."""
    low, high = people_interval(np.asarray(happened, bool), people)
    return {"value": float(np.mean(happened)), "interval": [low, high]}
