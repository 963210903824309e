"""What a classifier is trained on and measured on: two parts of its data that share nothing."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_suite.config import ConfigError
from cnn_suite.data.classes import labelled
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Datasets:
    """Pictures of a training, or signals or volumes in their place."""

    labels: tuple[str, ...]
    training: LabelledPictures
    validation: LabelledPictures


def parts_of(
    data: ClassificationData,
    train: Sequence[str],
    validation: Sequence[str],
    held_out: float,
    few_of_each: int | None = None,
) -> Datasets:
    """The parts that a configuration names.

    Args:
        data: All splits.
        train: The splits to train on.
        validation: The splits to measure on; none for a part of `train`.
        held_out: The share of every class of `train` that is measured on where `validation` is empty.
        few_of_each: At most this many of each class to train on; None for all.

    Raises:
        ConfigError: If a split does not exist, or training has nothing or one class alone.
        ValueError: If a class is too small to be in both parts.
    """
    try:
        training, measured = data.pictures(train), data.pictures(validation)
    except KeyError as error:
        raise ConfigError(f"data.train or data.validation: {error.args[0]}") from error
    found = np.unique(training.class_ids)
    if len(found) == 1:
        raise ConfigError(
            f"data.train: {data.root} has examples of one class, {data.labels[found[0]]!r}, and a classifier tells "
            "two or more apart. Give each class a folder of its own, or data.path the folder that holds these folders."
        )
    if len(measured):
        training, shared = labelled.without_those_of(training, measured)
        if shared:
            _log.warning("%d training examples are validation examples too and are left out of training", shared)
    elif held_out:
        training, measured = labelled.held_out(training, held_out)
    if few_of_each:
        training = labelled.few_of_each(training, few_of_each)
    if not len(training):
        raise ConfigError(f"data.train: there is no example to train on in {data.root}.")
    return Datasets(data.labels, training, measured)
