"""Face encodings: data sets, compiled model, serving graph."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config import ConfigError
from cnn_suite.config_embedding import EmbeddingConfig
from cnn_suite.config_sections import Phase
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.data.faces.aligned_faces import AlignedFaces, read_aligned_faces
from cnn_suite.data.faces.person_batches import people_and_pictures
from cnn_suite.data.generated_batches import evaluation_batches, training_batches
from cnn_suite.losses.pairs import PairLoss
from cnn_suite.losses.triplet import TripletLoss
from cnn_suite.metrics.collapse_alarm import CollapseAlarm
from cnn_suite.models.face_embedding import face_embedding
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.models.openface import openface_nn4_small2
from cnn_suite.tasks.builder_names import builder_of
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.embedding_serving import EmbeddingServing
from cnn_suite.tasks.embedding_teacher import Teacher, distillation_loss, taught
from cnn_suite.tasks.weights_file import weights_file

WATCHED = 64  # faces at which the collapse alarm looks

BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "face_embedding": face_embedding,
    "mobileface_v2": mobileface_v2,
    "openface_nn4_small2": openface_nn4_small2,
}


@dataclass(frozen=True)
class Datasets:
    """Faces of a training, nobody in both parts; an encoding has no labels."""

    training: AlignedFaces
    validation: AlignedFaces
    labels: tuple[str, ...] = ()


def datasets(config: EmbeddingConfig) -> Datasets:
    """Reads the faces that a configuration names.

    Raises:
        ConfigError: If no face is trained on.
        FileNotFoundError: If there are no faces at the path.
    """
    settings = config.data
    if not settings.path:
        raise ConfigError("data.path is empty: the folder with a landmarks CSV, or of people's aligned faces.")
    size = config.model.image_size_hw[0]
    training, validation = (
        read_aligned_faces(settings.path, splits, size) for splits in (settings.train, settings.validation)
    )
    if not len(training):
        raise ConfigError(f"data.train: there is no face of {', '.join(settings.train)} in {settings.path}.")
    return Datasets(training, validation)


def resolved(config: EmbeddingConfig, data: Datasets) -> EmbeddingConfig:
    """The configuration itself: the data have nothing to add."""
    return config


def network(config: EmbeddingConfig, classes: int) -> keras.Model:
    """The untrained network of a configuration; `classes` is 0.

    Raises:
        ConfigError: If there is no such builder or it does not take the options.
    """
    settings = config.model
    build = builder_of(settings.builder, BUILDERS)
    unknown = set(settings.options) - set(inspect.signature(build).parameters)
    if unknown:
        raise ConfigError(f"model.options: {settings.builder} takes no {sorted(unknown)[0]!r}.")
    return build((*settings.image_size_hw, 3), **settings.options)


def classes_of(model: keras.Model) -> int:
    """None: an encoding says how alike two faces are, not whose they are."""
    return 0


def compile_model(
    model: keras.Model, config: EmbeddingConfig, data: Datasets, phase: Phase, phase_name: str
) -> None:
    """Compiles the network with its loss and optimiser for one phase of the training."""
    model.compile(
        loss=_loss(config),
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def _loss(config: EmbeddingConfig) -> keras.losses.Loss:
    settings = config.training
    if settings.objective == "distillation":
        return distillation_loss()
    if settings.objective == "pairs":
        return PairLoss(**settings.pairs.model_dump())
    return _triplet_loss(config)


def _triplet_loss(config: EmbeddingConfig) -> TripletLoss:
    return TripletLoss(**config.training.triplets.model_dump())


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return "val_loss"


def steps_per_epoch(config: EmbeddingConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: EmbeddingConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` (all of them by default) for `fit`."""
    settings, faces = config.data, data.training
    examples = steps_per_epoch(config, data) * settings.batch_size  # of one epoch
    distilled = config.training.objective == "distillation"
    order = None if distilled else people_and_pictures(
        faces.person_ids, settings.people_per_batch, settings.pictures_per_person, config.seed
    )
    batches = training_batches(
        faces,
        settings.augmentation,
        settings.batch_size,
        seed=config.seed,
        first=first_epoch * examples,
        last=(epochs or config.training.total_epochs) * examples,
        number_of=order,
    )
    if not distilled:
        return batches
    first = first_epoch * steps_per_epoch(config, data)
    blend = settings.augmentation.blend
    return taught(batches, _teacher(config, data, model), blend=blend, seed=config.seed, first=first)


def validation_dataset(config: EmbeddingConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches for the validation loss; None without validation faces."""
    if not len(data.validation):
        return None
    batches = evaluation_batches(data.validation, config.data.batch_size)
    if config.training.objective != "distillation":
        return batches
    return taught(batches, _teacher(config, data, model))


def _teacher(config: EmbeddingConfig, data: Datasets, model: keras.Model) -> Teacher:
    return Teacher(weights_file(config.training.teacher, "training.teacher"), data.training, model.output.shape[-1])


def callbacks(config: EmbeddingConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """What warns of a collapse of triplet training, looking at some of the validation faces."""
    faces = data.validation if len(data.validation) else data.training
    if config.training.objective != "triplet" or len(faces) < 2:
        return []
    chosen = evenly_chosen(WATCHED, len(faces))
    images = np.stack([faces.still(number)[0] for number in chosen]).astype(np.float32)
    return [CollapseAlarm(images, faces.person_ids[chosen], loss=_triplet_loss(config))]


def serving_model(model: keras.Model, config: EmbeddingConfig) -> EmbeddingServing:
    """The graph to export: from uint8 aligned faces of any size to encodings of unit length."""
    return EmbeddingServing(model, config.model.image_size_hw, config.export.mirror)


def sample_pictures(config: EmbeddingConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` aligned faces of a configuration's data, evenly chosen; none where the data are not there."""
    if not config.data.path or not Path(config.data.path).exists():
        return []
    data = datasets(config)
    faces = data.training if training or not len(data.validation) else data.validation
    chosen = evenly_chosen(count, len(faces))
    return [faces.still(number)[0] for number in chosen]
