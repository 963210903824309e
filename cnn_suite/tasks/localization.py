"""Localization: data sets, compiled model, serving graph of a network for the one object of a picture."""

from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from cnn_suite import models
from cnn_suite.config import ConfigError
from cnn_suite.config_localization import LocalizationConfig
from cnn_suite.config_sections import Phase
from cnn_suite.data.boxes.localization_targets import main_object_targets
from cnn_suite.data.boxes.main_object import with_main_object_alone
from cnn_suite.data.boxes.pipeline import evaluation_batches, examples, training_batches
from cnn_suite.losses.localization import LocalizationLoss
from cnn_suite.models.localizer import localizer
from cnn_suite.models.surgery import as_functional
from cnn_suite.ops.localization import localized
from cnn_suite.tasks import detection_data
from cnn_suite.tasks.builder_names import builder_of, check_options
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.detection_data import Datasets, sample_pictures
from cnn_suite.tasks.labels import with_labels
from cnn_suite.tasks.localization_serving import LocalizationServing
from cnn_suite.tasks.pretrained_network import names_network, pretrained_network, start_from
from cnn_suite.tasks.weights_file import weights_file

__all__ = ["sample_pictures"]  # of detection_data.py, as every task has it

BUILDERS = {name: getattr(models, name) for name in models.__all__}


def datasets(config: LocalizationConfig) -> Datasets:
    """The data that a configuration names, with one object a picture at most; see `detection_data.datasets`."""
    data = detection_data.datasets(config)
    training, validation = (tuple(map(with_main_object_alone, part)) for part in (data.training, data.validation))
    return replace(data, training=training, validation=validation)


def resolved(config: LocalizationConfig, data: Datasets) -> LocalizationConfig:
    """The configuration with what only the data can say: the labels."""
    return with_labels(config, data.labels)


def network(config: LocalizationConfig, classes: int) -> keras.Model:
    """The network of a configuration: the body of a classifier, with pretrained weights if it says so, and a new head.

    Raises:
        ConfigError: If there is no such builder, it does not take what is given, it gives no feature map, or the
            pretrained weights cannot be found or do not fit.
    """
    settings = config.model
    build = builder_of(settings.builder, BUILDERS)
    check_options(build, settings.builder, ("include_top", *settings.options), "model.builder")
    options: dict[str, Any] = dict(settings.options)
    if settings.pretrained and not names_network(settings.pretrained):
        options["weights"] = weights_file(settings.pretrained, "model.pretrained")
    try:
        body = as_functional(build((*settings.image_size_hw, 3), classes, include_top=False, **options))
        model = localizer(body, classes, hidden=settings.hidden, dropout=settings.dropout)
    except TypeError as error:
        raise ConfigError(f"model.options: {settings.builder} does not take what is given: {error}.") from error
    if settings.pretrained and names_network(settings.pretrained):
        start_from(body, pretrained_network(settings.pretrained), (), settings.pretrained)
    return model


def classes_of(model: keras.Model) -> int:
    """Number of classes that a network tells apart."""
    return int(model.output.shape[-1]) - 5


def compile_model(
    model: keras.Model, config: LocalizationConfig, data: Datasets, phase: Phase, phase_name: str
) -> None:
    """Compiles the network with its loss, figures and optimiser for one phase of the training."""
    model.compile(
        loss=LocalizationLoss("mixed", config.loss.box_weight),
        metrics=[keras.metrics.MeanMetricWrapper(localized, name="localized")],
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return "val_localized"


def steps_per_epoch(config: LocalizationConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: LocalizationConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` for `fit`."""
    batches = training_batches(
        data.training,
        config.model.image_size_hw,
        config.data,
        config.training,
        seed=config.seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )
    return _with_targets(batches, len(data.labels))


def validation_dataset(config: LocalizationConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches of whole pictures for the validation figures; None without validation pictures."""
    if not data.validation:
        return None
    decoded = examples(data.validation, config.data.cache)
    settings = config.data
    batches = evaluation_batches(decoded, config.model.image_size_hw, settings.batch_size, settings.resize)
    return _with_targets(batches, len(data.labels))


def _with_targets(batches: tf.data.Dataset, classes: int) -> tf.data.Dataset:
    return batches.map(lambda images, truths: (images, main_object_targets(truths, classes)))


def callbacks(config: LocalizationConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """None: the validation figures say enough."""
    return []


def serving_model(model: keras.Model, config: LocalizationConfig) -> LocalizationServing:
    """The graph to export: from uint8 pictures of any size to probabilities and a box in their own pixels."""
    return LocalizationServing(model, config.model.image_size_hw, config.data.resize, config.export.confidence)
