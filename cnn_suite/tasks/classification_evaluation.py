"""Evaluation of classifiers: accuracy, calibration and confusions of a model folder or of a run."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.data.classes.labelled_sources import read_labelled_data
from cnn_suite.metrics.classification import classification_metrics, temperature
from cnn_suite.metrics.classification_plots import mistakes_figure, write_classification_plots
from cnn_suite.progress import shown
from cnn_suite.results import Classification
from cnn_suite.runtime.classifier import load_classifier
from cnn_suite.runtime.media.picture_arrays import as_rgb
from cnn_suite.tasks.classification_splits import held_of, pictures_of, usual_split
from cnn_suite.tasks.evaluation_request import Asked, Timed
from cnn_suite.tasks.model_classes import model_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROTOCOL = "one label per picture"
RECORDED = ("pictures", "accuracy", "accuracy_interval", "top5", "log_loss", "macro_f1", "ece", "per_class")
HEADLINE = ("accuracy", "top5", "log_loss", "ece")


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a classifier's model folder; `Asked` describes the request.

    The split "validation" of data without one is the part that the model's own training held out. Where no split is
    asked for, it is what `classification_splits.usual_split` says.

    Returns:
        The split, the number of pictures, then what `ClassificationMetrics.as_dict` gives, the temperature that would
        calibrate the probabilities best, and the latency of one picture.

    Raises:
        ValueError: If the model is not a classifier, the data has classes that it does not know, or the split is
            unknown or empty.
    """
    classifier = load_classifier(folder, runtime=asked.runtime)
    data = named_as(read_labelled_data(data_path, asked.format), classifier.labels)
    held = held_of(Path(folder), data)
    split = asked.split or usual_split(data, held)
    pictures = in_model_classes(pictures_of(data, split, held), data.labels, classifier.labels)
    if asked.limit is not None:
        pictures = pictures.take(range(min(asked.limit, len(pictures))))
    history = Path(folder) / "history.csv"
    return {"split": split} | evaluate_classifier(
        classifier, pictures, classifier.labels, report_folder=asked.report_folder, history=history, quiet=asked.quiet
    )


def evaluate_validation(
    folder: Path, config: ClassificationConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on the validation pictures of its configuration; an empty dictionary without any."""
    from cnn_suite.tasks import classification  # brings TensorFlow, which measuring a LiteRT file does not need

    pictures = classification.datasets(config).validation
    if not len(pictures):
        return {}
    classifier = load_classifier(folder, runtime=runtime)
    return evaluate_classifier(
        classifier, pictures, classifier.labels, report_folder=report_folder, history=history, quiet=quiet
    )


def evaluate_classifier(
    classifier: Callable[[np.ndarray], Classification],
    pictures: LabelledPictures,
    labels: Sequence[str],
    *,
    report_folder: Path | None = None,
    history: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Measures any classifier on labelled pictures; see `evaluate_folder`.

    Raises:
        ValueError: If there is no picture.
    """
    probabilities, latency_ms = probabilities_of(lambda pixels: classifier(as_rgb(pixels)), pictures, quiet)
    figures = classifier_figures(
        probabilities,
        pictures.class_ids,
        labels,
        report_folder=report_folder,
        history=history,
        mistakes=lambda: mistakes_figure(probabilities, pictures.class_ids, labels, pictures.load, pictures.names),
    )
    return figures | {"latency_ms": latency_ms}


def probabilities_of(
    classifier: Callable[[np.ndarray], Classification], examples: LabelledPictures, quiet: bool
) -> tuple[np.ndarray, dict[str, float]]:
    """Probabilities `(n, classes)` of pictures, or of signals or volumes, and how long one took.

    Raises:
        ValueError: If there is none.
    """
    if not len(examples):
        raise ValueError("There is nothing to evaluate on. Choose a split that is not empty.")
    timed = Timed(classifier)
    numbers = shown(range(len(examples)), "Evaluating", quiet)
    rows = [timed(examples.load(number)).probabilities for number in numbers]
    return np.stack(rows) / np.sum(rows, axis=1, keepdims=True), timed.latency_ms()  # an 8-bit softmax misses 1


def classifier_figures(
    probabilities: np.ndarray,
    class_ids: np.ndarray,
    labels: Sequence[str],
    *,
    report_folder: Path | None,
    history: Path | None,
    mistakes: Callable[[], "Figure"] | None = None,
) -> dict[str, Any]:
    """The figures of probabilities, and their plots.

    Args:
        probabilities: `(n, classes)`.
        class_ids: The truth, `(n,)`.
        labels: The classes' names.
        report_folder: Where the plots are drawn; None for none.
        history: A training's history.csv to be drawn among the plots where the file exists.
        mistakes: Draws the gallery of mistakes; None for what are no pictures.
    """
    metrics = classification_metrics(probabilities, class_ids)
    if report_folder is not None:
        report_folder.mkdir(parents=True, exist_ok=True)
        write_classification_plots(
            report_folder,
            metrics,
            labels,
            mistakes() if mistakes else None,
            history=history if history is not None and history.is_file() else None,
        )
    counted = {"pictures": len(class_ids)} | metrics.as_dict(labels)
    return counted | {"temperature": temperature(probabilities, class_ids)}


def named_as(data: ClassificationData, labels: Sequence[str]) -> ClassificationData:
    """Data whose classes are mere numbers, with the model's names in their order.

    Classes "0", "1" and so on are the numbers of the model's, and may be fewer: a part of the data may lack the last
    ones. Other numbers, such as -1 and 1, only stand in the same order, and must be as many.

    Args:
        data: What was read without names for its classes.
        labels: The model's classes.

    Returns:
        The data itself where its classes have names, are those of the model already, or do not fit them.
    """
    counted = data.labels == tuple(map(str, range(len(data.labels)))) and len(data.labels) <= len(labels)
    ranked = len(data.labels) == len(labels) and _ascend(data.labels)
    if (counted or ranked) and not set(data.labels) <= set(labels):
        return replace(data, labels=tuple(labels))
    return data


def _ascend(labels: Sequence[str]) -> bool:
    """Whether labels are numbers from the smallest to the largest: folders' names, "1", "10", "2", are not."""
    if not all(label.removeprefix("-").replace(".", "", 1).isdecimal() for label in labels):
        return False
    numbers = [float(label) for label in labels]
    return all(one < other for one, other in zip(numbers, numbers[1:], strict=False))


def in_model_classes(
    pictures: LabelledPictures, data_labels: Sequence[str], model_labels: Sequence[str]
) -> LabelledPictures:
    """The pictures with the class numbers of the model: classes are the same where their names are, in whichever form
    of Unicode, since a model's may come from a Mac's folders.

    Raises:
        ValueError: If the data has a class that the model does not know.
    """
    composed = [[unicodedata.normalize("NFC", name) for name in names] for names in (data_labels, model_labels)]
    number = model_numbers(*composed)
    return LabelledPictures(pictures.names, number[pictures.class_ids], pictures.load, pictures.content)
