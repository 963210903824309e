"""Classification: data sets, compiled model, serving graph."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite import models
from cnn_suite.backend import require_tensorflow
from cnn_suite.config import ConfigError
from cnn_suite.config_classification import ClassificationConfig, Model
from cnn_suite.config_sections import Phase
from cnn_suite.data.classes.augmentation_layer import PictureAugmentation
from cnn_suite.data.classes.labelled_pipeline import evaluation_batches, training_batches
from cnn_suite.data.classes.labelled_sources import read_labelled_data
from cnn_suite.data.classes.picture_sheet import write_sheet
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.models.googlenet import AUXILIARY_LOSS_WEIGHTS, without_auxiliary
from cnn_suite.models.surgery import behind, head_names, replace_head
from cnn_suite.runtime.media.picture_arrays import as_rgb
from cnn_suite.tasks.builder_names import builder_of, check_options
from cnn_suite.tasks.class_weights import with_class_weights
from cnn_suite.tasks.classification_serving import ClassificationServing
from cnn_suite.tasks.classifier_check import checked_classifier
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.labelled_parts import Datasets, parts_of, with_parts
from cnn_suite.tasks.pretrained_network import names_network, pretrained_network, start_from
from cnn_suite.tasks.weights_file import weights_file

BUILDERS = {name: getattr(models, name) for name in models.__all__}
PREDICTIONS = "predictions"  # the output that counts, of networks with side branches


def datasets(config: ClassificationConfig) -> Datasets:
    """Reads the data that a configuration names, in parts that share no picture; see `parts_of`."""
    settings = config.data
    data = read_labelled_data(settings.path, settings.format, settings.labels or None)
    return parts_of(data, settings, settings.pictures_per_class)


def counts(data: Datasets) -> dict[str, dict[str, int]]:
    """Pictures of every class in both parts."""
    parts = {"training": data.training, "validation": data.validation}
    return {
        part: {"pictures": len(pictures)}
        | dict(zip(data.labels, np.bincount(pictures.class_ids, minlength=len(data.labels)).tolist()))
        for part, pictures in parts.items()
    }


def write_training_sheet(path: Path, config: ClassificationConfig, data: Datasets, *, rows: int, columns: int) -> None:
    """Draws training pictures as they are and augmented; see `picture_sheet`."""
    write_sheet(path, config, data.training, data.labels, rows=rows, columns=columns)


def resolved(config: ClassificationConfig, data: Datasets) -> ClassificationConfig:
    """The configuration with what only the data can say: the labels, and what is held out."""
    return with_parts(config, data)


def network(config: ClassificationConfig, classes: int) -> keras.Model:
    """The untrained network of a configuration, or one with a new head on pretrained features.

    With `data.augment_in` "model" its first layer changes pictures at random in training.

    Raises:
        ConfigError: If there is no such builder, it does not take what is given, or what it builds is no classifier.
    """
    model = _built(config.model, classes)
    image_shape = (*config.model.image_size_hw, config.model.channels)
    model = checked_classifier(model, image_shape, classes, config.model.builder)
    if config.data.augment_in == "pipeline":
        return model
    require_tensorflow("data.augment_in: model", "Say data.augment_in=pipeline.")
    settings = config.data.augmentation.model_dump()
    return behind(model, PictureAugmentation(settings, config.model.image_size_hw, name="augmentation"))


def _built(settings: Model, classes: int) -> keras.Model:
    build = builder_of(settings.builder, BUILDERS)
    shape = (*settings.image_size_hw, settings.channels)
    body_of_weights = settings.pretrained and not names_network(settings.pretrained)
    own_dropout = settings.dropout is None or body_of_weights
    wanted = settings.options if own_dropout else {"dropout": settings.dropout} | settings.options
    check_options(build, settings.builder, wanted, "model.options")
    try:
        if body_of_weights:
            weights = weights_file(settings.pretrained, "model.pretrained")
            body = build(shape, classes, include_top=False, weights=weights, **settings.options)
            return replace_head(body, classes, dropout=settings.dropout or 0.0)
        model = build(shape, classes, **wanted)
    except TypeError as error:
        raise ConfigError(f"model.options: {settings.builder} does not take what is given: {error}.") from error
    if settings.pretrained:
        start_from(model, pretrained_network(settings.pretrained), head_names(model), settings.pretrained)
    return model


def classes_of(model: keras.Model) -> int:
    """Number of classes that a network tells apart."""
    outputs = model.output[PREDICTIONS] if _branches(model) else model.output
    return int(outputs.shape[-1])


def compile_model(
    model: keras.Model, config: ClassificationConfig, data: Datasets, phase: Phase, phase_name: str
) -> None:
    """Compiles the network with its loss, figures and optimiser for one phase of the training."""
    metrics = [keras.metrics.CategoricalAccuracy(name="accuracy")]
    if len(data.labels) > 5:
        metrics.append(keras.metrics.TopKCategoricalAccuracy(5, name="top5"))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.training.label_smoothing)
    branches = _branches(model)
    model.compile(
        loss=dict.fromkeys(branches, loss) if branches else loss,
        loss_weights=AUXILIARY_LOSS_WEIGHTS if branches else None,
        metrics={PREDICTIONS: metrics} if branches else metrics,
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def _branches(model: keras.Model) -> list[str]:
    """Names of the outputs of a network with side branches; none for a network with one output."""
    return list(model.output) if isinstance(model.output, dict) else []


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return f"val_{PREDICTIONS}_accuracy" if _branches(model) else "val_accuracy"


def steps_per_epoch(config: ClassificationConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: ClassificationConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` (all of them by default) for `fit`."""
    settings = config.model
    batches = training_batches(
        data.training,
        len(data.labels),
        settings.image_size_hw,
        settings.channels,
        config.data,
        seed=config.seed,
        steps_per_epoch=steps_per_epoch(config, data),
        epochs=epochs or config.training.total_epochs,
        first_epoch=first_epoch,
    )
    return _for_every_output(with_class_weights(batches, config.training.class_weights, data), model)


def validation_dataset(config: ClassificationConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches for the validation figures; None without validation pictures."""
    if not len(data.validation):
        return None
    settings = config.model
    batches = evaluation_batches(
        data.validation, len(data.labels), settings.image_size_hw, settings.channels, config.data
    )
    return _for_every_output(batches, model)


def _for_every_output(batches: tf.data.Dataset, model: keras.Model) -> tf.data.Dataset:
    """The same truths, and weights, for every output of a network with side branches."""
    names = _branches(model)
    if not names:
        return batches
    return batches.map(lambda images, *rest: (images, *(dict.fromkeys(names, values) for values in rest)))


def callbacks(config: ClassificationConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """None: `fit` measures classifiers by itself."""
    return []


def serving_model(model: keras.Model, config: ClassificationConfig) -> ClassificationServing:
    """The graph to export: from uint8 pictures of any size to class probabilities, without side branches."""
    return ClassificationServing(without_auxiliary(model) if _branches(model) else model, config)


def sample_pictures(config: ClassificationConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` pictures of a configuration's data, evenly chosen, uint8 RGB; none where the data are not there.

    They come from the validation pictures where there are any; with `training`, from what is trained on.
    """
    try:
        data = datasets(config)
    except FileNotFoundError:
        return []
    pictures = data.training if training or not len(data.validation) else data.validation
    chosen = evenly_chosen(count, len(pictures))
    return [as_rgb(pictures.load(index)) for index in chosen]
