"""Shared by tests: two small real model folders, made with TensorFlow at test time; one without training, one with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from cnn_suite.results import ModelCard

LABELS = ("red", "green", "blue")
CARD = ModelCard("colours", "detection", LABELS, thresholds={"confidence": 0.3, "iou": 0.5, "max_detections": 3})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The same initial weights and draws in every run, whatever ran before: a test passes always or never.

    Keras draws its default seeds from Python's generator. `keras.utils.set_random_seed` would also seed TensorFlow,
    which forgets its compiled kernels then: a fiftieth of a second for every test.
    """
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    """Ctrl-C and a closed terminal end a process: a shell ignores the one in the background, `nohup` the other."""
    handlers = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}
    numbers = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


_EXPORT = '''
import sys
import tensorflow as tf


class Colours(tf.Module):
    """One candidate a colour: the box round all pixels where it is strong; two more are a double and a weak one."""

    def _candidates(self, images):
        colours = tf.cast(images[0], tf.float32)  # (h, w, 3)
        strong = tf.cast(2 * colours - tf.reduce_sum(colours, -1, keepdims=True) > 60.0, tf.float32)
        columns, rows = tf.reduce_max(strong, 0), tf.reduce_max(strong, 1)  # (w, 3), (h, 3)
        x0, x1 = self._span(columns)
        y0, y1 = self._span(rows)
        boxes = tf.stack([x0, y0, x1, y1], -1)  # (3, 4)
        found = tf.reduce_max(columns, 0)
        double = boxes[:1] + tf.constant([[1.0, 0.0, 1.0, 0.0]]) * found[0]
        boxes = tf.concat([boxes, double, boxes[:1] * 0.5], 0)
        objectness = tf.concat([found * [0.9, 0.8, 0.7], found[:1] * 0.6, found[:1] * 0.1], 0)
        probabilities = tf.constant([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0]])
        return boxes, objectness, probabilities

    def _span(self, line):
        size = tf.shape(line)[0]
        places = tf.cast(tf.range(size), tf.float32)[:, None]
        last = tf.reduce_max(line * (places + 1), 0)
        first = tf.reduce_min(tf.where(line > 0, places, tf.cast(size, tf.float32)), 0)
        return tf.minimum(first, last), last

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "images")])
    def candidates(self, images):
        boxes, objectness, probabilities = self._candidates(images)
        return {"boxes": boxes[None], "objectness": objectness[None], "class_probabilities": probabilities[None]}

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "images")])
    def serving_default(self, images):
        boxes, objectness, _ = self._candidates(images)
        scores = tf.where(objectness > 0.001, objectness, 0.0)[:3]  # already in order, and no doubles among them
        order = tf.argsort(scores, direction="DESCENDING", stable=True)
        return {
            "boxes": tf.gather(boxes, order)[None],
            "scores": tf.gather(scores, order)[None],
            "classes": tf.gather(tf.range(3), order)[None],
            "count": tf.reduce_sum(tf.cast(scores > 0, tf.int32))[None],
        }


module, folder = Colours(), sys.argv[1]
signatures = {"serving_default": module.serving_default, "candidates": module.candidates}
tf.saved_model.save(module, folder, signatures=signatures)
converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
open(folder + "/model.tflite", "wb").write(converter.convert())
'''


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a SavedModel, a model.tflite and a card: it finds a red, a green and a blue rectangle."""
    folder = tmp_path_factory.mktemp("models") / "colours"
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    CARD.write(folder)
    return folder


@pytest.fixture
def picture_of() -> Callable[..., np.ndarray]:
    """Draws full rectangles on grey: picture_of((class_id, x0, y0, x1, y1), ..., size_hw=(120, 160))."""

    def draw(*boxes: tuple[int, int, int, int, int], size_hw: tuple[int, int] = (120, 160)) -> np.ndarray:
        image = np.full((*size_hw, 3), 90, np.uint8)
        for class_id, x0, y0, x1, y1 in boxes:
            image[y0:y1, x0:x1] = 20
            image[y0:y1, x0:x1, class_id] = 230
        return image

    return draw


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder for all worker processes: `made_once(name, make)` calls `make(folder)` in the first one alone."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def shapes_run(made_once: Callable[..., Path]) -> Path:
    """The folder of a run whose small network learned its eight pictures by heart. Read it only."""
    return made_once("runs/shapes", _train_on_shapes)


def _train_on_shapes(folder: Path) -> None:
    import keras

    from cnn_suite.config import save_config
    from cnn_suite.config_detection import Data, DetectionConfig, Loss, Model, Shapes, Training
    from cnn_suite.tasks import detection
    from cnn_suite.train import untrained

    keras.utils.set_random_seed(0)
    shapes = Shapes(train=8, val=0, test=0, size_hw=(64, 96))
    config = DetectionConfig(
        name="shapes",
        data=Data(format="shapes", shapes=shapes, validation=(), batch_size=8),
        model=Model(image_size_hw=(64, 96), anchors_per_head=1, width=0.25, depth=0.25, scale_xy=2.0),
        loss=Loss(box_loss="ciou", box_weight=2.0, match_iou=0.5, neighbour_cells=True, ignore_iou=0.6),
        training=Training(epochs=250, learning_rate=0.01, warmup_epochs=5, ema_momentum=0.0),
    )
    data = detection.datasets(config)
    config = detection.resolved(config, data)
    model = untrained(config, data)
    batch = detection.validation_dataset(config, detection.Datasets(data.labels, (), data.training), model)
    model.fit(batch.cache().repeat(config.training.epochs), shuffle=False, verbose=0)
    folder.mkdir()
    model.save(folder / "model.keras")
    save_config(config, folder / "config.yaml")
    (folder / "history.csv").write_text("epoch,loss\n1,2.5\n")


@pytest.fixture(scope="session")
def shapes_model(shapes_run: Path, made_once: Callable[..., Path]) -> Path:
    """The model folder of that run, with an 8-bit file. Read it only."""
    from cnn_suite.export import export_model

    return made_once("models/shapes", lambda folder: export_model(shapes_run, folder, int8=True))
