"""Classification of signals and volumes: data sets, compiled model, serving graph."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config import ConfigError
from cnn_suite.config_arrays import ArraysConfig
from cnn_suite.config_sections import Phase
from cnn_suite.data.classes.array_batches import evaluation_batches, stacked, training_batches
from cnn_suite.data.classes.array_sources import read_array_data
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.models.array_resnet import array_resnet
from cnn_suite.tasks.arrays_serving import ArraysServing
from cnn_suite.tasks.builder_names import builder_of
from cnn_suite.tasks.class_weights import with_class_weights
from cnn_suite.tasks.classifier_check import checked_classifier
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.labelled_parts import Datasets, parts_of, with_parts

BUILDERS = {"array_resnet": array_resnet}


def datasets(config: ArraysConfig) -> Datasets:
    """Reads the data that a configuration names, in parts that share no example; see `parts_of`."""
    settings = config.data
    data = read_array_data(settings.path, settings.format, settings.labels or None)
    return parts_of(data, settings, settings.per_class)


def resolved(config: ArraysConfig, data: Datasets) -> ArraysConfig:
    """The configuration with what only the data can say: the labels, what is held out, and the shape of an example.

    Raises:
        ConfigError: If the configuration says others.
    """
    config = with_parts(config, data)
    shape = stacked(data.training.take([0]), config.data.axes).shape[1:]
    if config.model.input_shape not in ((), shape):
        raise ConfigError(
            f"model.input_shape: the data have examples of shape {shape}. Received {config.model.input_shape}. Leave "
            "model.input_shape out."
        )
    beyond = [axis for axis in config.data.augmentation.mirror if not 0 <= axis < len(shape) - 1]
    if beyond:
        raise ConfigError(
            f"data.augmentation.mirror: examples of shape {shape} have the axes 0 to {len(shape) - 2}, with their "
            f"channels at the end. Received {beyond[0]}."
        )
    return config.model_copy(update={"model": config.model.model_copy(update={"input_shape": shape})})


def network(config: ArraysConfig, classes: int) -> keras.Model:
    """The untrained network of a configuration that `resolved` has completed.

    Raises:
        ConfigError: If there is no such builder, it does not take what is given, or what it builds is no classifier.
    """
    settings = config.model
    build = builder_of(settings.builder, BUILDERS)
    options = settings.model_dump(include=set(settings.OPTIONS)) if settings.builder in BUILDERS else {}
    try:
        model = build(settings.input_shape, classes, **options)
    except TypeError as error:
        raise ConfigError(f"model.builder: {settings.builder} must take a shape and the classes: {error}.") from error
    return checked_classifier(model, settings.input_shape, classes, settings.builder)


def classes_of(model: keras.Model) -> int:
    """Number of classes that a network tells apart."""
    return int(model.output.shape[-1])


def compile_model(model: keras.Model, config: ArraysConfig, data: Datasets, phase: Phase, phase_name: str) -> None:
    """Compiles the network with its loss, figures and optimiser for one phase of the training."""
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.training.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen: of few examples many have the same accuracy."""
    return "val_loss"


def steps_per_epoch(config: ArraysConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: ArraysConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` (all of them by default) for `fit`."""
    steps = steps_per_epoch(config, data)
    batches = training_batches(
        stacked(data.training, config.data.axes),
        data.training.class_ids,
        len(data.labels),
        config.data.augmentation,
        config.data.batch_size,
        seed=config.seed,
        first=first_epoch * steps,
        last=(epochs or config.training.total_epochs) * steps,
    )
    return with_class_weights(batches, config.training.class_weights, data)


def validation_dataset(config: ArraysConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches for the validation figures; None without validation examples."""
    if not len(data.validation):
        return None
    values = stacked(data.validation, config.data.axes)
    return evaluation_batches(values, data.validation.class_ids, len(data.labels), config.data.batch_size)


def callbacks(config: ArraysConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """None: the validation figures say enough."""
    return []


def serving_model(model: keras.Model, config: ArraysConfig) -> ArraysServing:
    """The graph to export: from float32 examples of the network's shape to class probabilities."""
    return ArraysServing(model)


def sample_pictures(config: ArraysConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` examples of a configuration's data, evenly chosen, float32; none where the data are not there."""
    if not Path(config.data.path).exists():
        return []
    data = datasets(config)
    examples = data.training if training or not len(data.validation) else data.validation
    return list(stacked(examples.take(evenly_chosen(count, len(examples))), config.data.axes))
