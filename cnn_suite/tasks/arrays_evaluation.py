"""Evaluation of classifiers of signals and volumes, by the figures of classifiers of pictures."""

from pathlib import Path
from typing import Any

from cnn_suite.config_arrays import ArraysConfig
from cnn_suite.data.classes.array_sources import read_array_data
from cnn_suite.data.classes.labelled import LabelledPictures
from cnn_suite.runtime.array_classifier import ArrayClassifier, load_array_classifier
from cnn_suite.tasks.classification_evaluation import (
    HEADLINE,
    RECORDED,
    classifier_figures,
    in_model_classes,
    named_as,
    probabilities_of,
)
from cnn_suite.tasks.classification_splits import held_of, pictures_of, usual_split
from cnn_suite.tasks.evaluation_request import Asked

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
    data = named_as(read_array_data(data_path, asked.format), classifier.labels)
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


def _figures(
    classifier: ArrayClassifier, examples: LabelledPictures, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    probabilities, latency_ms = probabilities_of(classifier, examples, quiet)
    figures = classifier_figures(
        probabilities, examples.class_ids, classifier.labels, report_folder=report_folder, history=history
    )
    return figures | {"latency_ms": latency_ms}
