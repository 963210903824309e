"""Facial landmarks: data sets, compiled model, serving graph."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config import ConfigError
from cnn_suite.config_landmarks import LandmarksConfig
from cnn_suite.config_sections import Phase
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.data.faces.face_crops import FaceCrops
from cnn_suite.data.faces.landmarked_faces import LandmarkedFace, read_landmarked_faces
from cnn_suite.data.generated_batches import evaluation_batches, training_batches
from cnn_suite.losses.landmarks import LandmarksLoss
from cnn_suite.models.face_points import face_points
from cnn_suite.runtime.faces.face_alignment import FIVE
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.labels import with_labels
from cnn_suite.tasks.landmarks_serving import LandmarksServing


@dataclass(frozen=True)
class Datasets:
    """Faces of a training, nobody in both parts."""

    labels: tuple[str, ...]
    training: FaceCrops
    validation: FaceCrops


def datasets(config: LandmarksConfig) -> Datasets:
    """Reads the faces that a configuration names.

    Raises:
        ConfigError: If no face is trained on.
        FileNotFoundError: If there is no landmarks CSV.
    """
    settings = config.data
    faces = read_landmarked_faces(settings.path)
    parts = [_crops(faces, splits, config.model.image_size_hw[0]) for splits in (settings.train, settings.validation)]
    if not len(parts[0]):
        raise ConfigError(f"data.train: there is no face of {', '.join(settings.train)} in {settings.path}.")
    return Datasets(FIVE, *parts)


def _crops(faces: tuple[LandmarkedFace, ...], splits: tuple[str, ...], size: int) -> FaceCrops:
    return FaceCrops([face for face in faces if face.split in splits], size)


def resolved(config: LandmarksConfig, data: Datasets) -> LandmarksConfig:
    """The configuration with what only the data can say: the names of the points."""
    return with_labels(config, data.labels)


def network(config: LandmarksConfig, classes: int) -> keras.Model:
    """The untrained network of a configuration; `classes` is the number of points."""
    return face_points(config.model.image_size_hw[0], classes, width=config.model.width)


def classes_of(model: keras.Model) -> int:
    """Number of points that a network finds."""
    return (model.output.shape[-1] - 1) // 2


def compile_model(
    model: keras.Model, config: LandmarksConfig, data: Datasets, phase: Phase, phase_name: str
) -> None:
    """Compiles the network with its loss and optimiser for one phase of the training."""
    model.compile(
        loss=LandmarksLoss(),
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return "val_loss"


def steps_per_epoch(config: LandmarksConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: LandmarksConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` (all of them by default) for `fit`."""
    examples = steps_per_epoch(config, data) * config.data.batch_size  # of one epoch
    last = (epochs or config.training.total_epochs) * examples
    settings = config.data
    return training_batches(
        data.training,
        settings.augmentation,
        settings.batch_size,
        seed=config.seed,
        first=first_epoch * examples,
        last=last,
    )


def validation_dataset(config: LandmarksConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches for the validation loss; None without validation faces."""
    return evaluation_batches(data.validation, config.data.batch_size) if len(data.validation) else None


def callbacks(config: LandmarksConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """None: the validation loss says enough."""
    return []


def serving_model(model: keras.Model, config: LandmarksConfig) -> LandmarksServing:
    """The graph to export: from uint8 crops of any size to points in their own pixels."""
    return LandmarksServing(model, config.model.image_size_hw[0], config.export.mirror)


def sample_pictures(config: LandmarksConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` crops of a configuration's faces, evenly chosen, uint8 RGB; none where the data are not there."""
    if not Path(config.data.path).exists():
        return []
    data = datasets(config)
    crops = data.training if training or not len(data.validation) else data.validation
    chosen = evenly_chosen(count, len(crops))
    return [crops.still(number)[0] for number in chosen]
