"""The localization task: its data, its network, a short training through the verbs, its serving graph and figures."""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnn_suite import models
from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_localization import Data, LocalizationConfig, Model
from cnn_suite.evaluate import evaluate_model, evaluate_run
from cnn_suite.export import export_model
from cnn_suite.models.localizer import localizer
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.tasks import localization
from cnn_suite.tasks.localization_serving import LocalizationServing
from cnn_suite.train import train

LABELS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """YOLO txt of grey pictures with one coloured rectangle, every fifth with none; `test` has a smaller one too."""
    root = tmp_path_factory.mktemp("rectangles")
    generator = np.random.default_rng(0)
    for split, count in (("train", 120), ("val", 30), ("test", 30)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            image, rows = generator.integers(80, 120, (48, 64, 3), np.uint8), []
            if number % 5:
                rows.append(_draw(image, generator, number % 3, (20, 34)))
            if number % 5 and split == "test":
                rows.insert(0, _draw(image, generator, (number + 1) % 3, (2, 5)))
            cv2.imwrite(str(root / "images" / split / f"{number}.png"), image[..., ::-1])
            (root / "labels" / split / f"{number}.txt").write_text("\n".join(rows))
    splits = "".join(f"{split}: images/{split}\n" for split in ("train", "val", "test"))
    (root / "data.yaml").write_text(f"{splits}names: [{', '.join(LABELS)}]\n")
    return root


def _draw(image, generator, class_id, sides):
    """A full rectangle on the picture, and its line of YOLO txt."""
    height, width = generator.integers(*sides, 2)
    top, left = generator.integers(0, 48 - height), generator.integers(0, 64 - width)
    image[top : top + height, left : left + width] = np.eye(3, dtype=np.uint8)[class_id] * 230
    return f"{class_id} {(left + width / 2) / 64} {(top + height / 2) / 48} {width / 64} {height / 48}"


def tiny_body(image_shape, classes=1, include_top=True):
    image = keras.Input(image_shape)
    x = layers.Rescaling(1 / 255)(image)
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, 2, padding="same", activation="relu")(x)
    return keras.Model(image, x, name="tiny")


def config_of(folder, *, data=None, **model):
    model = {"builder": f"{__name__}:tiny_body", "image_size_hw": (32, 32)} | model
    return LocalizationConfig(name="tiny", data=Data(path=str(folder), **(data or {})), model=Model(**model))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("localization")
    (root / "localizer.yaml").write_text(
        f"""
name: localizer
task: localization
seed: 1
data: {{path: {folder}, batch_size: 8, augmentation: {{scale: [0.9, 1.1], shift: 0.1, hue: 0, saturation: 0}}}}
model: {{builder: "{__name__}:tiny_body", image_size_hw: [32, 32]}}
training: {{epochs: 3, steps_per_epoch: 75, learning_rate: 0.003, warmup_epochs: 0.2, ema_momentum: 0.0}}
export: {{formats: [litert]}}
"""
    )
    return train(load_config(root / "localizer.yaml"), quiet=True, runs=root / "runs")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export_model(run, tmp_path_factory.mktemp("models") / "localizer")


def test_a_picture_has_one_object_at_most(folder):
    data = localization.datasets(config_of(folder, data={"validation": ("test",)}))
    assert data.labels == LABELS
    assert {len(picture.class_ids) for picture in (*data.training, *data.validation)} == {0, 1}
    sides_px = [picture.boxes_px[0, 2] - picture.boxes_px[0, 0] for picture in data.validation if len(picture.boxes)]
    assert len(sides_px) == 24 and min(sides_px) >= 19.9


def test_batches_have_one_target_a_picture(folder):
    config = config_of(folder)
    data = localization.datasets(config)
    model = localization.network(config, 3)
    for batches in (
        localization.training_dataset(config, data, model),
        localization.validation_dataset(config, data, model),
    ):
        images, targets = next(iter(batches))
        assert images.shape[1:] == (32, 32, 3) and targets.shape == (len(images), 8)
        there = targets.numpy()[:, 0]
        assert 0 < there.mean() < 1 and (targets.numpy()[:, 5:].sum(axis=1) == there).all()


@pytest.mark.slow
def test_a_short_training_names_and_places_rectangles(exported, folder, run):
    figures = evaluate_model(exported, folder, split="test", record=True, quiet=True)
    assert (figures["pictures"], figures["objects"]) == (30, 24)
    assert figures["localized"] > 0.8 and figures["class_accuracy"] > 0.9 and figures["mean_iou"] > 0.5
    card = ModelCard.read(exported)
    assert card.labels == LABELS and card.thresholds == {"confidence": 0.5}
    assert card.metrics["test"]["localized"] == figures["localized"]
    assert evaluate_run(exported, run, quiet=True)["pictures"] == 30
    assert (run / "report" / "worst_pictures.png").exists()


@pytest.mark.slow
def test_the_exported_graph_is_a_detector_of_one_object(exported):
    detector = load_detector(exported)
    image = np.full((96, 128, 3), 100, np.uint8)  # twice the size of those it was trained on
    image[20:70, 60:110] = (0, 0, 230)
    found = detector(image)
    assert found.names == ["blue"] and found.confidence[0] > 0.5
    assert np.abs(found.xyxy_px[0] - [60, 20, 110, 70]).max() < 20
    assert len(detector(np.full_like(image, 100))) == 0


def test_boxes_of_the_graph_are_in_the_pixels_of_the_picture():
    model = localizer(tiny_body((32, 32, 3)), 2)
    last = model.get_layer("from_middle")
    kernel, bias = last.get_weights()
    last.set_weights([0 * kernel, np.array([20, 0, 0, -0.25, -0.25, 0, 20], np.float32)])  # a quarter, in the middle
    answer = LocalizationServing(model, (32, 32), "letterbox", 0.5).answer(tf.zeros((2, 40, 80, 3), tf.uint8))
    np.testing.assert_allclose(answer["probabilities"], [[0, 1]] * 2, atol=1e-6)
    np.testing.assert_allclose(answer["box"], [[30, 10, 50, 30]] * 2, atol=1e-4)  # of 80 x 80 px with grey above, below
    stretched = LocalizationServing(model, (32, 32), "stretch", 0.5).answer(tf.zeros((1, 40, 80, 3), tf.uint8))
    np.testing.assert_allclose(stretched["box"], [[30, 15, 50, 25]], atol=1e-4)


def test_a_box_is_never_turned_inside_out_and_stays_in_the_picture():
    model = localizer(tiny_body((32, 32, 3)), 1)
    last = model.get_layer("from_middle")
    last.set_weights([0 * last.kernel.numpy(), np.array([0, 0.4, 0, -0.8, -0.8, 0], np.float32)])
    serving = LocalizationServing(model, (32, 32), "stretch", 0.5)
    x0, y0, x1, y1 = serving.answer(tf.zeros((1, 10, 10, 3), tf.uint8))["box"].numpy()[0]
    assert 0 <= x0 <= x1 <= 10 and 0 <= y0 <= y1 <= 10


def test_the_body_may_come_from_a_classifier(folder, tmp_path):
    source = models.resnet20((32, 32, 3), 5)
    source.save(tmp_path / "model.keras")
    model = localization.network(config_of(folder, builder="resnet20", pretrained=str(tmp_path)), 3)
    for name in ("conv1_conv", "conv4_block3"):
        for ours, theirs in zip(model.get_layer(name).get_weights(), source.get_layer(name).get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    assert localization.classes_of(model) == 3


@pytest.mark.parametrize(("settings", "says"), [
    ({"builder": "resnet21"}, "model.builder: unknown builder 'resnet21'. Did you mean"),
    ({"builder": "stylizer"}, "model.builder: stylizer takes no 'include_top'"),
    ({"builder": "resnet20", "options": {"widht": 2}}, "model.options: resnet20 does not take what is given: .*widht"),
    ({"pretrained": "squeezenet1.1-notopp"}, "model.pretrained: .* Did you mean 'squeezenet1.1-notop'"),
])  # fmt: skip
def test_a_network_that_cannot_be_is_refused(folder, settings, says):
    with pytest.raises(ConfigError, match=says):
        localization.network(config_of(folder, **settings), 3)
