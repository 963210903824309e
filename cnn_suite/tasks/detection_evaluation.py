"""Evaluation of detectors by the COCO protocol: a model folder, a run, or any other detector."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cnn_suite.config_detection import DetectionConfig
from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData
from cnn_suite.data.boxes.sources import read_detection_data
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.metrics.detection import coco_metrics
from cnn_suite.metrics.detection_pictures import truths_of
from cnn_suite.metrics.detection_plots import write_detection_plots
from cnn_suite.metrics.detection_report import detection_report
from cnn_suite.progress import shown
from cnn_suite.results import Detections
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.tasks.evaluation_request import Asked, Timed
from cnn_suite.tasks.model_classes import model_numbers

LOWEST_CONFIDENCE = 0.001  # the average precision needs the unsure boxes too; exported graphs keep no lower ones
PROTOCOL = "COCO"
RECORDED = ("pictures", "objects", "ap", "ap50", "ap75", "per_class", "best_f1")  # figures for the model's card
HEADLINE = ("ap", "ap50", "ap75")


class DetectorLike(Protocol):
    """What is measured: RGB uint8 `(height, width, 3)` in, boxes in that picture's pixels out."""

    def __call__(self, image_rgb: np.ndarray, confidence: float | None = None) -> Detections:
        """The objects of one picture with at least `confidence`."""


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a detector's model folder on one split of a data set; `Asked` describes the request.

    Returns:
        `ap`, `ap50`, ... and `per_class`, the best confidences, confusions and error counts at IoU 0.5, and the latency
        of one picture. Undefined numbers are None.

    Raises:
        ValueError: If the model is not a detector, the data has faults or objects of classes that the model does not
            know, or the split is unknown or empty.
    """
    detector = load_detector(folder, runtime=asked.runtime)
    pictures = pictures_to_measure(data_path, asked, detector.labels)
    history = Path(folder) / "history.csv"
    return evaluate_detector(
        detector, pictures, detector.labels, report_folder=asked.report_folder, history=history, quiet=asked.quiet
    )


def evaluate_validation(
    folder: Path, config: DetectionConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Scores a model folder on the validation pictures of its configuration; an empty dictionary without any."""
    from cnn_suite.tasks import detection  # brings TensorFlow, which measuring a LiteRT file does not need

    pictures = detection.datasets(config).validation
    if not pictures:
        return {}
    detector = load_detector(folder, runtime=runtime)
    return evaluate_detector(
        detector, pictures, detector.labels, report_folder=report_folder, history=history, quiet=quiet
    )


def evaluate_detector(
    detector: DetectorLike,
    pictures: Sequence[AnnotatedPicture],
    labels: Sequence[str],
    *,
    report_folder: Path | None = None,
    history: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Scores any detector on annotated pictures; see `evaluate_folder`.

    Args:
        detector: Gives the objects of a picture.
        pictures: Pictures whose `class_ids` are the detector's own.
        labels: The detector's classes.
        report_folder: Where the plots are drawn; None for none.
        history: A training's history.csv to be drawn among the plots where the file exists.
        quiet: No progress bar.

    Raises:
        ValueError: If there is no picture, or a picture's size is not the one its annotation was read with.
    """
    found, latency_ms = found_in(detector, pictures, quiet)
    figures = detection_figures(pictures, found, labels, report_folder=report_folder, history=history)
    return figures | {"latency_ms": latency_ms}


def found_in(
    detector: DetectorLike, pictures: Sequence[AnnotatedPicture], quiet: bool
) -> tuple[list[Detections], dict[str, float]]:
    """What a detector finds in every picture, however unsure, and how long one picture took it.

    Raises:
        ValueError: If there is no picture, or a picture's size is not the one its annotation was read with.
    """
    if not pictures:
        raise ValueError("There are no pictures to evaluate on. Choose a split that has pictures.")
    timed = Timed(detector)
    found = [timed(_pixels(picture), confidence=LOWEST_CONFIDENCE) for picture in shown(pictures, "Evaluating", quiet)]
    return found, timed.latency_ms()


def detection_figures(
    pictures: Sequence[AnnotatedPicture],
    found: Sequence[Detections],
    labels: Sequence[str],
    *,
    report_folder: Path | None = None,
    history: Path | None = None,
) -> dict[str, Any]:
    """The figures of what was found in pictures, by the COCO protocol; see `evaluate_detector`."""
    truths = [truths_of(picture) for picture in pictures]
    metrics = coco_metrics(truths, found, len(labels))
    report = detection_report(truths, found, len(labels))
    if report_folder is not None:
        report_folder.mkdir(parents=True, exist_ok=True)
        write_detection_plots(
            report_folder,
            report,
            truths,
            found,
            labels,
            lambda index: load_pixels(pictures[index]),
            names=[picture.path.name for picture in pictures],
            ap50=metrics.per_class_ap50.tolist(),
            history=history if history is not None and history.is_file() else None,
        )
    counts = {"pictures": len(pictures), "objects": int(metrics.truths.sum())}
    return counts | metrics.as_dict(labels) | report.as_dict(labels)


def pictures_to_measure(
    data_path: str | Path, asked: Asked, model_labels: Sequence[str]
) -> tuple[AnnotatedPicture, ...]:
    """The pictures of a request, with the class numbers of the model.

    Raises:
        ValueError: If the data has faults or objects of classes that the model does not know, or the split is unknown.
    """
    data = read_detection_data(data_path, asked.format).checked()
    pictures = pictures_of_split(data, asked.split_or_test)[: asked.limit]
    return in_model_classes(pictures, data.labels, model_labels)


def pictures_of_split(data: DetectionData, split: str) -> tuple[AnnotatedPicture, ...]:
    """The pictures of one split.

    Raises:
        ValueError: If there is no such split; the text lists those there are.
    """
    try:
        return data.pictures(split)
    except KeyError as error:
        raise ValueError(error.args[0]) from error


def in_model_classes(
    pictures: Iterable[AnnotatedPicture], data_labels: Sequence[str], model_labels: Sequence[str]
) -> tuple[AnnotatedPicture, ...]:
    """The pictures with the class numbers of the model: classes are the same where their names are.

    Data may lack a class of the model (its metrics are then None), since some formats only know the classes that occur.
    It may have one that the model does not know if no object is of it, such as the parent of all that Roboflow writes.

    Raises:
        ValueError: If an object is of a class that the model does not know.
    """
    pictures = tuple(pictures)
    used = sorted({int(class_id) for picture in pictures for class_id in picture.class_ids})
    number = np.full(len(data_labels), -1, np.int32)  # the others' is never asked for
    number[used] = model_numbers([data_labels[class_id] for class_id in used], model_labels)
    return tuple(replace(picture, class_ids=number[picture.class_ids]) for picture in pictures)


def _pixels(picture: AnnotatedPicture) -> np.ndarray:
    """A picture's RGB pixels, which must be those that its annotation was read with."""
    image = load_pixels(picture)
    if image.shape[:2] != tuple(picture.size_hw):
        raise ValueError(
            f"{picture.path} is {image.shape[1]} x {image.shape[0]} pixels, but its annotation was read for "
            f"{picture.size_hw[1]} x {picture.size_hw[0]}. Was the file replaced in the meantime?"
        )
    return image
