"""What a classifier is trained on and measured on: two parts of its data that share nothing."""

import logging
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cnn_suite import config_arrays, config_classification
from cnn_suite.config import ConfigError
from cnn_suite.data.classes import labelled
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.tasks.labels import with_labels

AnyConfig = TypeVar("AnyConfig", config_classification.ClassificationConfig, config_arrays.ArraysConfig)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Datasets:
    """Pictures of a training, or signals or volumes in their place.

    `held_out_up_to` are the limits of `labelled.held_out` by which the validation part was drawn, if it was.
    """

    labels: tuple[str, ...]
    training: LabelledPictures
    validation: LabelledPictures
    held_out_up_to: tuple[str, ...] = ()


def parts_of(
    data: ClassificationData, settings: config_classification.Data | config_arrays.Data, few_of_each: int | None
) -> Datasets:
    """The parts that a configuration names.

    Args:
        data: All splits.
        settings: Which of them are trained and measured on, or the share that is held out, and the limits by which it
            was drawn when the run was started.
        few_of_each: At most this many of each class to train on; None for all.

    Raises:
        ConfigError: If a split does not exist, training has nothing or one class alone, or limits are missing.
        ValueError: If a class is too small to be in both parts.
    """
    try:
        training, measured = data.pictures(settings.train), data.pictures(settings.validation)
    except KeyError as error:
        raise ConfigError(f"data.train or data.validation: {error.args[0]}") from error
    limits: tuple[str, ...] = ()
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
    elif settings.held_out:
        if len(settings.held_out_up_to) not in (0, len(data.labels)):
            raise ConfigError(
                f"data.held_out_up_to: must have an entry for each of the {len(data.labels)} classes in {data.root}. "
                f"Received {len(settings.held_out_up_to)}. Leave it out to have it found anew."
            )
        limits = settings.held_out_up_to or labelled.held_out_limits(training, settings.held_out, data.labels)
        training, measured = labelled.held_out(training, limits)
    if few_of_each:
        training = labelled.few_of_each(training, few_of_each)
    if not len(training):
        raise ConfigError(f"data.train: there is no example to train on in {data.root}.")
    return Datasets(data.labels, training, measured, limits)


def with_parts(config: AnyConfig, data: Datasets) -> AnyConfig:
    """The configuration with what its data say: the labels, and the limits of what was held out.

    Raises:
        ConfigError: If it names other labels.
    """
    config = with_labels(config, data.labels)
    return config.model_copy(update={"data": config.data.model_copy(update={"held_out_up_to": data.held_out_up_to})})
