"""Evaluation of localizers: the largest object of every picture, by the protocol of the ImageNet challenge."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnn_suite.config_localization import LocalizationConfig
from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.main_object import with_main_object_alone
from cnn_suite.metrics.detection_pictures import truths_of
from cnn_suite.metrics.localization import localization_figures
from cnn_suite.runtime.detection.detector import Detector, load_detector
from cnn_suite.tasks.detection_evaluation import detection_figures, found_in, pictures_to_measure
from cnn_suite.tasks.evaluation_request import Asked

PROTOCOL = "the largest object of a picture, class and IoU of at least 0.5"
RECORDED = ("pictures", "objects", "localized", "per_class", "class_accuracy", "mean_iou", "missed", "false_alarms")
HEADLINE = ("localized", "class_accuracy", "mean_iou")


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a localizer's model folder on one split of a data set; `Asked` describes the request.

    Returns:
        What `LocalizationFigures` names, at the confidence of the model's card, the detector's figures `ap50` and
        `confusions` of these pictures, and the latency of one.

    Raises:
        ValueError: If the data has faults or classes that the model does not know, or the split is unknown or empty.
    """
    model = load_detector(folder, runtime=asked.runtime)
    pictures = pictures_to_measure(data_path, asked, model.labels)
    return _figures(model, pictures, asked.report_folder, Path(folder) / "history.csv", asked.quiet)


def evaluate_validation(
    folder: Path, config: LocalizationConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on the validation pictures of its configuration; an empty dictionary without any."""
    from cnn_suite.tasks import localization  # brings TensorFlow, which measuring a LiteRT file does not need

    pictures = localization.datasets(config).validation
    if not pictures:
        return {}
    return _figures(load_detector(folder, runtime=runtime), pictures, report_folder, history, quiet)


def _figures(
    model: Detector, pictures: Sequence[AnnotatedPicture], report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    pictures = [with_main_object_alone(picture) for picture in pictures]
    found, latency_ms = found_in(model, pictures, quiet)
    truths = [truths_of(picture) for picture in pictures]
    figures = localization_figures(truths, found, len(model.labels), model.thresholds["confidence"])
    of_detector = detection_figures(pictures, found, model.labels, report_folder=report_folder, history=history)
    kept = {name: of_detector[name] for name in ("pictures", "objects", "ap50")}
    return kept | figures.as_dict(model.labels) | {"latency_ms": latency_ms}
