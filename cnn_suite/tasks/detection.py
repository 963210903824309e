"""Detection: data sets, compiled model, serving graph."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.backend import require_tensorflow
from cnn_suite.config_detection import DetectionConfig
from cnn_suite.config_sections import Phase
from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.pipeline import evaluation_batches, examples, training_batches
from cnn_suite.metrics.coco_callback import CocoEvaluation
from cnn_suite.models.yolo import yolo_heads
from cnn_suite.ops.anchors import kmeans_anchors
from cnn_suite.tasks.compiling import compile_options
from cnn_suite.tasks.detection_data import Datasets, datasets, sample_pictures
from cnn_suite.tasks.detection_network import classes_of, losses, network
from cnn_suite.tasks.detection_serving import DetectionServing
from cnn_suite.tasks.labels import with_labels

__all__ = ["classes_of", "datasets", "network", "sample_pictures"]  # of other modules, as every task has them


def resolved(config: DetectionConfig, data: Datasets) -> DetectionConfig:
    """The configuration with what only the data can say: labels, and anchors where it gives none.

    Anchors come from k-means of the box shapes as they lie on the input; the smallest ones go to the finest head. A
    network from a .cfg has anchors of its own.
    """
    config = with_labels(config, data.labels)
    if config.model.anchors_px is not None or config.model.builder == "darknet":
        return config
    heads, each = len(config.model.strides), config.model.anchors_per_head
    shapes = shapes_on_input(data.training, config.model.image_size_hw, config.data.resize)
    anchors = kmeans_anchors(shapes, heads * each, seed=config.seed).reshape(heads, each, 2)
    shared_out = tuple(tuple((round(float(w), 1), round(float(h), 1)) for w, h in head) for head in anchors)
    return config.model_copy(update={"model": config.model.model_copy(update={"anchors_px": shared_out})})


def shapes_on_input(
    pictures: Sequence[AnnotatedPicture], size_hw: Sequence[int], resize: str = "letterbox"
) -> np.ndarray:
    """Widths and heights of all boxes in pixels of the network's input, `(n, 2)`."""
    shapes = []
    for picture in pictures:
        ratio_xy = np.array([size_hw[1] / picture.size_hw[1], size_hw[0] / picture.size_hw[0]])
        if resize == "letterbox":
            ratio_xy = ratio_xy.min()
        boxes = picture.boxes_px[~picture.ignored]
        shapes.append((boxes[:, 2:4] - boxes[:, 0:2]) * ratio_xy)
    return np.concatenate(shapes) if shapes else np.zeros((0, 2))


def compile_model(
    model: keras.Model, config: DetectionConfig, data: Datasets, phase: Phase, phase_name: str
) -> None:
    """Compiles the network with its loss and optimiser for one phase of the training."""
    model.compile(
        loss=losses(model, config),
        **compile_options(model, config.training, phase, phase_name, steps_per_epoch(config, data)),
    )


def monitor(model: keras.Model) -> str:
    """The figure by which the best weights are chosen."""
    return "val_ap"


def steps_per_epoch(config: DetectionConfig, data: Datasets) -> int:
    """Batches of one epoch."""
    return config.training.steps(len(data.training), config.data.batch_size)


def training_dataset(
    config: DetectionConfig, data: Datasets, model: keras.Model, first_epoch: int = 0, epochs: int | None = None
) -> tf.data.Dataset:
    """Batches of the epochs from `first_epoch` up to `epochs` for `fit`: images and, for every head, the truths."""
    names = [head.name for head in yolo_heads(model)]
    batches = training_batches(
        data.training,
        config.model.image_size_hw,
        config.data,
        config.training,
        seed=config.seed,
        first_epoch=first_epoch,
        epochs=epochs,
        multi_scale=config.training.multi_scale,
    )
    return batches.map(lambda images, truths: (images, {name: truths for name in names}))


def validation_dataset(config: DetectionConfig, data: Datasets, model: keras.Model) -> tf.data.Dataset | None:
    """Batches of whole pictures for the validation loss; None without validation pictures."""
    if not data.validation:
        return None
    names = [head.name for head in yolo_heads(model)]
    batches = evaluation_batches(
        examples(data.validation, config.data.cache),
        config.model.image_size_hw,
        config.data.batch_size,
        config.data.resize,
    )
    return batches.map(lambda images, truths: (images, {name: truths for name in names}))


def callbacks(config: DetectionConfig, data: Datasets, model: keras.Model) -> list[keras.callbacks.Callback]:
    """What measures average precision during training; nothing without validation pictures."""
    if not data.validation:
        return []
    require_tensorflow("Measuring a detector between epochs", "Say data.validation=[] to leave it out.")
    serving = serving_model(model, config)
    return [CocoEvaluation(serving, data.validation, data.labels, config.training.evaluate_every)]


def serving_model(model: keras.Model, config: DetectionConfig) -> DetectionServing:
    """The graph to export: from uint8 pictures of any size to boxes in their own pixels."""
    return DetectionServing(model, config.model.image_size_hw, config.export, config.data.resize)
