"""Style networks: photographs and paintings, compiled model, serving graph."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config import ConfigError
from cnn_suite.config_sections import Phase
from cnn_suite.config_style import StyleConfig
from cnn_suite.data.colour import random_colours
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.data.generated_batches import evaluation_batches, training_batches
from cnn_suite.data.photo_crops import PhotoCrops, read_photos
from cnn_suite.metrics.style_sheet import write_sheet
from cnn_suite.models.stylizer import styles_of, stylizer
from cnn_suite.runtime.media.frames import SourceError
from cnn_suite.style_transfer.picture_input import ArtworkError, read_artwork
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.labels import with_labels
from cnn_suite.tasks.style_loss import mixtures, perceptual_loss
from cnn_suite.tasks.style_serving import StyleServing
from cnn_suite.tasks.style_start import start_from_styles

EPOCH_PHOTOGRAPHS = 2000  # of random squares there is no whole: an epoch is so many where nothing else is said


@dataclass(frozen=True)
class Datasets:
    """Squares of the photographs of a training, and the names of its styles."""

    labels: tuple[str, ...]
    training: PhotoCrops
    validation: PhotoCrops


def datasets(config: StyleConfig) -> Datasets:
    """Reads the photographs that a configuration names.

    Raises:
        ConfigError: If a painting is missing, or no picture that style transfer takes.
        FileNotFoundError: If a folder does not exist or holds no photographs that are large enough.
    """
    settings = config.data
    for painting in settings.paintings:
        _check_painting(painting.path)
    once = {folder: read_photos(folder, settings.smallest_side) for folder in (*settings.photos, *settings.validation)}
    training, validation = (
        PhotoCrops([once[folder] for folder in folders], settings.crop)
        for folders in (settings.photos, settings.validation)
    )
    return Datasets(tuple(painting.name for painting in settings.paintings), training, validation)


def _check_painting(path: str) -> None:
    """Refuse now what the loss could not use after everything else is prepared."""
    if not Path(path).is_file():
        raise ConfigError(f"data.paintings: there is no painting {path}.")
    try:
        read_artwork(path)
    except ArtworkError as error:
        raise ConfigError(f"data.paintings: {error}") from error


def counts(data: Datasets) -> dict[str, dict[str, int]]:
    """Photographs of both parts."""
    return {"training": {"pictures": len(data.training)}, "validation": {"pictures": len(data.validation)}}


def write_training_sheet(path: Path, config: StyleConfig, data: Datasets, *, rows: int, columns: int) -> None:
    """Draws the first squares of a training."""
    squares = rows * columns
    batches = _squares(config, data, 0, -(-squares // config.data.batch_size))
    photos, _ = next(iter(batches.unbatch().batch(squares)))
    grid = np.rint(photos).astype(np.uint8).reshape(rows, columns, *photos.shape[1:])
    write_sheet(path, grid[:, 0], grid[:, 1:])


def resolved(config: StyleConfig, data: Datasets) -> StyleConfig:
    """The configuration with the names of its styles as labels."""
    return with_labels(config, data.labels)


def network(config: StyleConfig, classes: int) -> keras.Model:
    """The network of a configuration before training; `classes` is the number of styles."""
    model = stylizer(styles=classes, variant=config.model.variant)
    if config.model.pretrained:
        start_from_styles(model, config.data.labels, config.model.pretrained)
    return model


def classes_of(model: keras.Model) -> int:
    """Number of styles that a network paints in."""
    return styles_of(model)


def compile_model(model: keras.Model, config: StyleConfig, data: Datasets, phase: Phase, phase_name: str) -> None:
    """Compiles the network with the perceptual loss and the optimiser of one phase of the training."""
    model.compile(
        loss=perceptual_loss(config).__call__,
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return "val_loss"


def steps_per_epoch(config: StyleConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(EPOCH_PHOTOGRAPHS, config.data.batch_size)


def training_dataset(
    config: StyleConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` (all of them by default) for `fit`."""
    steps = steps_per_epoch(config, data)
    squares = _squares(config, data, first_epoch * steps, (epochs or config.training.total_epochs) * steps)
    return squares.map(_to_paint(len(data.labels), config.data.batch_size))


def _squares(config: StyleConfig, data: Datasets, first: int, last: int) -> tf.data.Dataset:
    """The batches from step `first` up to `last` of a training, before it is said how to paint them."""
    settings, size = config.data, config.data.batch_size
    batches = training_batches(data.training, settings, size, seed=config.seed, first=first * size, last=last * size)
    return batches.enumerate(first).map(_recoloured(config))


def _recoloured(config: StyleConfig):
    """From a numbered batch to the batch, its photographs with random changes of colour."""

    def example(number: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor]):
        photos, none = batch
        return random_colours(photos, tf.stack([tf.cast(config.seed, tf.int64), number]), config.data), none

    return example


def validation_dataset(config: StyleConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches for the validation loss; None without validation photographs."""
    if not len(data.validation):
        return None
    styles = len(data.labels)
    photos = evaluation_batches(data.validation, 1).map(lambda photo, none: (tf.repeat(photo, styles, axis=0), none))
    return photos.map(_to_paint(styles, styles))  # each photograph once in every style


def _to_paint(styles: int, batch_size: int):
    """From a batch to what `fit` takes: photographs, with several styles which to use, and the photographs again."""

    def example(photos: tf.Tensor, _: tf.Tensor):
        inputs = photos if styles == 1 else (photos, tf.constant(mixtures(batch_size, styles)))
        return inputs, photos

    return example


def callbacks(config: StyleConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """None: the validation loss says enough."""
    return []


def serving_model(model: keras.Model, config: StyleConfig) -> StyleServing:
    """The graph to export: from uint8 pictures of any size to painted ones of the same size."""
    return StyleServing(model)


def sample_pictures(config: StyleConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` squares of a configuration's photographs, evenly chosen; none where they are not at hand."""
    folders = config.data.photos if training or not config.data.validation else config.data.validation
    try:
        photos = PhotoCrops([read_photos(folder, config.data.smallest_side) for folder in folders], config.data.crop)
    except (FileNotFoundError, SourceError):
        return []
    chosen = evenly_chosen(count, len(photos))
    return [photos.still(number)[0] for number in chosen]
