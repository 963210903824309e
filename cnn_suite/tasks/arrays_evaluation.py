"""Evaluation of classifiers of signals and volumes, by the figures of classifiers of pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.config_arrays import ArraysConfig
from cnn_suite.data.classes.array_sources import read_array_data
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.metrics.classification import classification_metrics, temperature
from cnn_suite.metrics.classification_plots import write_classification_plots
from cnn_suite.progress import shown
from cnn_suite.runtime.array_classifier import ArrayClassifier, load_array_classifier
from cnn_suite.tasks.classification_evaluation import HEADLINE, RECORDED, in_model_classes
from cnn_suite.tasks.classification_splits import held_of, pictures_of, usual_split
from cnn_suite.tasks.evaluation_request import Asked, Timed

__all__ = ["HEADLINE", "RECORDED"]  # of classification_evaluation.py, as every task has them

PROTOCOL = "one label per example"


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a model folder on one split of a data set; `Asked` describes the request.

    Returns:
        The split, the number of examples (`pictures`), then what `ClassificationMetrics.as_dict` gives, the temperature
        that would calibrate the probabilities best, and the latency of one example.

    Raises:
        ValueError: If the model is not for arrays, the data has classes that it does not know or examples of another
            shape, or the split is unknown or empty.
    """
    classifier = load_array_classifier(folder, runtime=asked.runtime)
    data = _named_as(read_array_data(data_path, asked.format), classifier.labels)
    held = held_of(Path(folder), data)
    split = asked.split or usual_split(data, held)
    examples = in_model_classes(pictures_of(data, split, held), data.labels, classifier.labels)
    if asked.limit is not None:
        examples = examples.take(range(min(asked.limit, len(examples))))
    history = Path(folder) / "history.csv"
    return {"split": split} | _figures(classifier, examples, asked.report_folder, history, asked.quiet)


def evaluate_validation(
    folder: Path, config: ArraysConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on the validation examples of its configuration; an empty dictionary without any."""
    from cnn_suite.tasks import arrays  # brings TensorFlow, which measuring a LiteRT file does not need

    examples = arrays.datasets(config).validation
    if not len(examples):
        return {}
    return _figures(load_array_classifier(folder, runtime=runtime), examples, report_folder, history, quiet)


def _named_as(data: ClassificationData, labels: Sequence[str]) -> ClassificationData:
    """Data whose classes are mere numbers, as many as the model has classes, with the model's names in their order."""
    numbered = all(label.removeprefix("-").replace(".", "", 1).isdigit() for label in data.labels)
    if numbered and len(data.labels) == len(labels) and not set(data.labels) <= set(labels):
        return replace(data, labels=tuple(labels))
    return data


def _figures(
    classifier: ArrayClassifier, examples: LabelledPictures, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    if not len(examples):
        raise ValueError("There are no examples to evaluate on. Choose a split that has some.")
    timed = Timed(classifier)
    numbers = shown(range(len(examples)), "Evaluating", quiet)
    probabilities = _normalised([timed(examples.load(number)).probabilities for number in numbers])
    metrics = classification_metrics(probabilities, examples.class_ids)
    if report_folder is not None:
        report_folder.mkdir(parents=True, exist_ok=True)
        write_classification_plots(
            report_folder, metrics, classifier.labels, history=history if history.is_file() else None
        )
    return (
        {"pictures": len(examples)}
        | metrics.as_dict(classifier.labels)
        | {"temperature": temperature(probabilities, examples.class_ids), "latency_ms": timed.latency_ms()}
    )


def _normalised(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(rows) / np.sum(rows, axis=1, keepdims=True)  # an 8-bit softmax misses 1 by a little
