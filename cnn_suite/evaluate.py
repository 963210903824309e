"""`cnn-suite evaluate`: an exported model on annotated data, measured with its task's standard metrics.

What is measured is the model folder as the apps use it: the picture goes in as it is, the boxes come out in its own
pixels, and every step between them is the exported graph's.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from cnn_suite.data.annotations import AnnotatedPicture, DetectionData
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.data.sources import read_detection_data
from cnn_suite.metrics.detection import Truths, coco_metrics
from cnn_suite.metrics.detection_pictures import truths_of
from cnn_suite.metrics.detection_plots import require_matplotlib, write_detection_plots
from cnn_suite.metrics.detection_report import detection_report
from cnn_suite.results import Detections, ModelCard
from cnn_suite.runtime.detector import load_detector

_log = logging.getLogger(__name__)

LOWEST_CONFIDENCE = 0.001  # the average precision needs the unsure boxes too; exported graphs keep no lower ones


class DetectorLike(Protocol):
    """What is measured: RGB uint8 `(height, width, 3)` in, boxes in that picture's pixels out."""

    def __call__(self, image_rgb: np.ndarray, confidence: float | None = None) -> Detections:
        """The objects of one picture with at least `confidence`."""


@dataclass(frozen=True)
class _Run:
    """Truths and detections of every picture, and how long each took."""

    truths: list[Truths]
    detections: list[Detections]
    seconds: list[float]


def evaluate_model(
    folder: str | Path,
    data_path: str | Path,
    *,
    split: str = "test",
    format: str = "auto",
    runtime: str = "litert",
    limit: int | None = None,
    report_folder: str | Path | None = None,
    record: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Scores a detector's model folder on one split of a data set by the COCO protocol.

    Args:
        folder: What `cnn-suite export` wrote.
        data_path: A data set in any format that `read_detection_data` knows.
        split: Name of the split.
        format: The data's format, or "auto".
        runtime: "litert" or "saved_model".
        limit: At most so many pictures, the first of the split; None for all.
        report_folder: Where metrics.json and the plots are written; None to write nothing.
        record: Whether to write the figures and the command that gives them into the model's card.
        quiet: No progress bar; there is none either where stderr is no terminal.

    Returns:
        What was measured, then `ap`, `ap50`, ... and `per_class`, the best confidences, confusions and error counts at
        IoU 0.5, and the latency of one picture. Numbers that do not exist are None.

    Raises:
        FileNotFoundError: If the model or the data is missing.
        ValueError: If the model is no detector, the data has faults or classes that the model does not know, or the
            split is unknown or empty.
        ImportError: If a report is asked for and matplotlib is missing.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"`limit` must be at least 1 picture. Received {limit}.")
    if report_folder is not None:
        require_matplotlib()
    detector = load_detector(folder, runtime=runtime)
    data = read_detection_data(data_path, format).checked()
    pictures = pictures_of_split(data, split)[:limit]
    pictures = in_model_classes(pictures, data.labels, detector.labels)
    measured = {"model": str(folder), "task": "detection", "data": str(data_path), "split": split, "runtime": runtime}
    result = measured | evaluate_detector(
        detector,
        pictures,
        detector.labels,
        report_folder=None if report_folder is None else Path(report_folder),
        history=Path(folder) / "history.csv",
        quiet=quiet,
    )
    if report_folder is not None:
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        (Path(report_folder) / "metrics.json").write_text(text + "\n", encoding="utf-8")
    if record:
        _record(folder, split, result, f"cnn-suite evaluate {folder} --data {data_path} --split {split}")
    return result


def evaluate_run(folder: str | Path, run: str | Path, *, quiet: bool = False) -> dict[str, Any]:
    """Scores a freshly exported detector on the validation pictures of its run, and records the figures in its card.

    Args:
        folder: The model folder.
        run: The run it comes from; curves, confusions and the worst pictures are drawn into its `report` folder where
            matplotlib is installed.
        quiet: No progress bar.

    Returns:
        As `evaluate_model`, or an empty dictionary for a run without validation pictures.
    """
    from cnn_suite.config import load_config
    from cnn_suite.tasks import detection

    config = load_config(Path(run) / "config.yaml")
    pictures = detection.datasets(config).validation
    if not pictures:
        return {}
    report_folder = Path(run) / "report" if find_spec("matplotlib") else None
    if report_folder is None:
        _log.warning("No plots were drawn: matplotlib is missing. Install it with pip install 'cnn_suite[plots]'.")
    detector = load_detector(folder)
    result = evaluate_detector(
        detector, pictures, detector.labels, report_folder=report_folder, history=Path(run) / "history.csv", quiet=quiet
    )
    _record(folder, "validation", result, f"cnn-suite train, data.validation: {', '.join(config.data.validation)}")
    return result


def _record(folder: str | Path, split: str, result: dict[str, Any], command: str) -> None:
    card = ModelCard.read(folder)
    figures = {name: result[name] for name in ("pictures", "objects", "ap", "ap50", "ap75", "per_class", "best_f1")}
    metrics = card.metrics | {split: figures | {"protocol": "COCO", "command": command}}
    replace(card, metrics=metrics).write(folder)


def evaluate_detector(
    detector: DetectorLike,
    pictures: Sequence[AnnotatedPicture],
    labels: Sequence[str],
    *,
    report_folder: Path | None = None,
    history: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Scores any detector on annotated pictures; see `evaluate_model`.

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
    if not pictures:
        raise ValueError("There is no picture to evaluate on. Choose a split that has pictures.")
    if report_folder is not None:
        report_folder.mkdir(parents=True, exist_ok=True)
    run = _run(detector, pictures, quiet)
    metrics = coco_metrics(run.truths, run.detections, len(labels))
    report = detection_report(run.truths, run.detections, len(labels))
    if report_folder is not None:
        write_detection_plots(
            report_folder,
            report,
            run.truths,
            run.detections,
            labels,
            lambda index: load_pixels(pictures[index]),
            names=[picture.path.name for picture in pictures],
            ap50=metrics.per_class_ap50.tolist(),
            history=history if history is not None and history.is_file() else None,
        )
    median, slow = np.percentile(np.array(run.seconds) * 1e3, [50, 90]).tolist()
    counts = {"pictures": len(pictures), "objects": int(metrics.truths.sum())}
    return counts | metrics.as_dict(labels) | report.as_dict(labels) | {"latency_ms": {"median": median, "p90": slow}}


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

    Raises:
        ValueError: If the data has a class that the model does not know.
    """
    unknown = [name for name in data_labels if name not in model_labels]
    if unknown:
        raise ValueError(
            f"The data has classes that the model does not know: {', '.join(unknown)}. The model's labels are "
            f"{', '.join(model_labels)}. Rename the classes in the data or choose a model that was trained on them."
        )
    number = np.array([list(model_labels).index(name) for name in data_labels], np.int32)
    return tuple(replace(picture, class_ids=number[picture.class_ids]) for picture in pictures)


def _run(detector: DetectorLike, pictures: Sequence[AnnotatedPicture], quiet: bool) -> _Run:
    run = _Run([], [], [])
    for picture in _with_progress(pictures, quiet):
        image = load_pixels(picture)
        if image.shape[:2] != tuple(picture.size_hw):
            raise ValueError(
                f"{picture.path} is {image.shape[1]} x {image.shape[0]} pixels, but its annotation was read for "
                f"{picture.size_hw[1]} x {picture.size_hw[0]}. Was the file replaced meanwhile?"
            )
        if not run.seconds:
            detector(image, confidence=LOWEST_CONFIDENCE)  # the first call allocates and is not timed
        start = perf_counter()
        run.detections.append(detector(image, confidence=LOWEST_CONFIDENCE))
        run.seconds.append(perf_counter() - start)
        run.truths.append(truths_of(picture))
    return run


def _with_progress(pictures: Sequence[AnnotatedPicture], quiet: bool) -> Iterable[AnnotatedPicture]:
    """The pictures, with a progress bar on stderr where somebody can see it."""
    if quiet or not sys.stderr.isatty():
        return pictures
    from rich.console import Console
    from rich.progress import track

    return track(pictures, description="Evaluating", console=Console(stderr=True), transient=True)
