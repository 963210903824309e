"""`cnn-suite face evaluate`: how well a model separates people, from picture to distance."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.face_pictures import PictureError
from cnn_suite.faces import encode_people, listed_pairs
from cnn_suite.metrics.identification import candidates, dir_at_fpir, rank_one
from cnn_suite.metrics.intervals import people_interval
from cnn_suite.metrics.verification import all_pairs, best_accuracy, equal_error_rate, tar_at_far
from cnn_suite.metrics.verification_plots import write_verification_plots
from cnn_suite.metrics.verification_protocol import lfw_protocol
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.face_threshold import threshold_of

FAR = (1e-2, 1e-3)


def evaluate_people(
    encoder: FaceEncoder, folder: str | Path, *, report_folder: Path | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Evaluates how well a model separates the people of a folder, from picture to distance.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        folder: Folder with one folder per person.
        report_folder: Folder for plots of ROC, DET and distances; None for no plots.
        quiet: Show no progress bar.

    Returns:
        `pictures`, `without_face`, `people`, `pairs`; `accuracy` at the best threshold for these very pairs, `eer`,
        `tar_at_far`, and `rank1`, the fraction of pictures whose nearest other picture shows the same person; with 95 %
        confidence intervals computed per person, not per pair.

    Raises:
        PictureError: If fewer than two people have a face, or nobody has two.
    """
    pictures, encodings = encode_people(encoder, folder, quiet=quiet)
    usable = np.isfinite(encodings).all(axis=1)
    people = np.array([picture.person for picture in pictures])[usable]
    encodings = encodings[usable]
    if len(set(people)) < 2 or len(set(people)) == len(people):
        raise PictureError(
            f"{folder} must contain detected faces of two people, and of one of them in two pictures. It does not."
        )
    pairs = all_pairs(encodings, people)
    if report_folder is not None:
        card = encoder.encoder.card
        threshold = threshold_of(card).distance if card.thresholds.get("calibration") else None
        write_verification_plots(report_folder, pairs.distances, pairs.same, threshold)
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


def one_shot_people(
    encoder: FaceEncoder, folder: str | Path, *, enrolled: int, fpir: float = 0.01, quiet: bool = False
) -> dict[str, Any]:
    """Evaluates recognition with one enrolled picture per person, among people of whom some are not enrolled.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        folder: Folder with one folder per person.
        enrolled: How many people are enrolled, the first by name, each with the first picture that shows a face.
        fpir: False positive identification rate: fraction of strangers' pictures that may be identified as somebody.
        quiet: Show no progress bar.

    Returns:
        The fields of `cnn_suite.metrics.identification.OpenSetFigures`, and `rank1`.

    Raises:
        PictureError: If there are not more people than are to be enrolled, or none of these has a second picture.
    """
    pictures, encodings = encode_people(encoder, folder, quiet=quiet)
    usable = np.isfinite(encodings).all(axis=1)
    people = np.array([picture.person for picture in pictures])[usable]
    encodings, names = encodings[usable], sorted(set(people))
    if not 0 < enrolled < len(names):
        raise PictureError(
            f"Faces of {len(names)} people were detected in {folder}. Enrol at least one and fewer than all of them, "
            f"so that some remain as strangers. Received {enrolled}."
        )
    first = [int(np.flatnonzero(people == name)[0]) for name in names[:enrolled]]
    others = np.setdiff1d(np.arange(len(people)), first)
    if not np.isin(people[others], names[:enrolled]).any():
        raise PictureError(
            f"Nobody of the {enrolled} enrolled people in {folder} has a second picture with a face, by which they "
            "could be recognised. Add pictures of them."
        )
    found = candidates(encodings[first], people[first], encodings[others], people[others])
    return dir_at_fpir(found, fpir).as_dict() | {"rank1": rank_one(found)._asdict()}


def evaluate_listed_pairs(
    encoder: FaceEncoder, folder: str | Path, pairs_file: str | Path, *, quiet: bool = False
) -> dict[str, Any]:
    """LFW's protocol on the pairs listed in a file: each fold is evaluated at the threshold of the other folds.

    Args:
        encoder: Computes the encodings of the faces in a picture.
        folder: LFW's folder: `Name/Name_0001.jpg`.
        pairs_file: Such as pairs.txt.
        quiet: Show no progress bar.

    Returns:
        The fields of `cnn_suite.metrics.verification_protocol.ProtocolResult`, with the protocol's name first.

    Raises:
        FileNotFoundError, PictureError: If a picture is missing, cannot be read or shows no face.
        ValueError: If the file is not a pairs file, or has fewer than two folds.
    """
    pairs, distances = listed_pairs(encoder, folder, pairs_file, quiet=quiet)
    same, folds = np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
    return asdict(lfw_protocol(distances, same, folds, data=Path(pairs_file).name))


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
    """A fraction with its 95 % confidence interval, computed per person, not per picture or pair."""
    low, high = people_interval(np.asarray(happened, bool), people)
    return {"value": float(np.mean(happened)), "interval": [low, high]}
