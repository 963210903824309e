"""Painting networks measured: with a network and a loss whose answers are known, on small photographs from disk."""

import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config import save_config
from cnn_suite.config_style import Data, Painting, StyleConfig, Training
from cnn_suite.evaluate import evaluate_model
from cnn_suite.results import ModelCard
from cnn_suite.tasks import style_evaluation, style_loss
from cnn_suite.tasks.evaluation_request import Asked
from cnn_suite.tasks.style_evaluation import LONGEST_SIDE, evaluate_folder, evaluate_validation
from cnn_suite.tasks.style_loss import Parts, PerceptualLoss
from tests.small_perception import small_perception

LABELS = ("same", "dark")


class Network:
    """Style "same" gives the photograph back, "dark" half of it."""

    labels = LABELS

    def __init__(self):
        self.seen = []

    def __call__(self, photo, mixture=(1.0, 0.0)):
        self.seen.append(photo.shape)
        values = mixture[0] * photo.astype(np.float32) + mixture[1] * (photo // 2)
        return values.astype(np.uint8)


class Loss:
    """Content is how much darker a picture is, style its number in the batch, variation its mean."""

    def parts(self, photos, painted):
        assert photos.shape == painted.shape and painted.dtype == tf.float32
        mean = tf.reduce_mean(painted, (1, 2, 3))
        return Parts(tf.reduce_mean(photos, (1, 2, 3)) - mean, tf.range(len(painted), dtype=tf.float32), mean)


def config(folder, **training):
    paintings = tuple(Painting(name=name, path=f"{folder}/{name}.png") for name in LABELS)
    data = Data(photos=("unused",), validation=(f"{folder}/photos",), paintings=paintings, smallest_side=32)
    return StyleConfig(name="brush", data=data, training=Training(**training))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder with photographs of one colour each: levels 40 and 80, and one that is too small."""
    (tmp_path / "photos").mkdir()
    for name, level, size_hw in (("a", 40, (48, 64)), ("b", 80, (600, 300)), ("c", 200, (20, 90))):
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), np.full((*size_hw, 3), level, np.uint8))
    model = tmp_path / "brush"
    model.mkdir()
    save_config(config(tmp_path, alpha=1.0, beta=10.0, tv=0.5), model / "config.yaml")
    ModelCard("brush", "style", LABELS).write(model)
    monkeypatch.setattr(style_evaluation, "load_stylizer", lambda folder, *, runtime: Network())
    monkeypatch.setattr(style_loss, "perceptual_loss", lambda config: Loss())
    return model


def test_j_and_its_parts_are_means_over_the_photographs_for_every_style(folder):
    # Levels 40 and 80 have the mean 60. "same": content 0, style 0, variation 60: 0.5 x 60 = 30.
    # "dark": content 60 - 30 = 30, style 1, variation 30: 30 + 10 + 15 = 55.
    result = evaluate_folder(folder, folder.parent / "photos", Asked(quiet=True))
    assert result["photos"] == 2
    assert result["per_style"]["same"] == pytest.approx({"loss": 30, "content": 0, "style": 0, "variation": 60})
    assert result["per_style"]["dark"] == pytest.approx({"loss": 55, "content": 30, "style": 1, "variation": 30})
    assert result["loss"] == pytest.approx(42.5)
    assert 0 <= result["latency_ms"]["median"] <= result["latency_ms"]["p90"]


def test_photographs_are_reduced_but_never_enlarged(folder, monkeypatch):
    network = Network()
    monkeypatch.setattr(style_evaluation, "load_stylizer", lambda folder, *, runtime: network)
    evaluate_folder(folder, folder.parent / "photos", Asked(quiet=True))
    assert set(network.seen) == {(48, 64, 3), (LONGEST_SIDE, LONGEST_SIDE // 2, 3)}


def test_a_limit_takes_the_first_photographs(folder):
    result = evaluate_folder(folder, folder.parent / "photos", Asked(limit=1, quiet=True))
    assert (result["photos"], result["per_style"]["same"]["variation"]) == (1, 40)


def test_the_loss_is_that_of_the_training(folder, monkeypatch):
    seen = small_perception()
    painting = np.random.default_rng(0).uniform(0, 255, (40, 50, 3)).astype(np.float32)
    cost = PerceptualLoss(seen, [painting] * 2, [1.0, 2.0], 1.0, 10.0, 0.5)
    monkeypatch.setattr(style_loss, "perceptual_loss", lambda config: cost)
    result = evaluate_folder(folder, folder.parent / "photos", Asked(limit=1, quiet=True))
    photo = np.full((48, 64, 3), 40, np.float32)
    expected = cost(tf.constant(np.stack([photo] * 2)), tf.constant(np.stack([photo, photo / 2]))).numpy()
    assert [result["per_style"][label]["loss"] for label in LABELS] == pytest.approx(expected.tolist(), rel=1e-4)
    assert result["per_style"]["same"]["content"] == 0


def test_the_report_shows_every_photograph_in_every_style(folder, tmp_path):
    evaluate_folder(folder, folder.parent / "photos", Asked(report_folder=tmp_path / "report", quiet=True))
    sheet = cv2.imread(str(tmp_path / "report" / "styles.jpg"))
    assert sheet.shape == (2 * 244, 3 * 320, 3)
    assert sheet[100, [100, 420, 740], 0] == pytest.approx([40, 40, 20], abs=3)


def test_a_training_is_measured_on_all_its_validation_folders_or_not_at_all(folder, tmp_path):
    how = {"runtime": "litert", "report_folder": None, "history": tmp_path / "history.csv", "quiet": True}
    measured = evaluate_validation(folder, config(tmp_path), **how)
    assert measured["photos"] == 2
    (tmp_path / "more").mkdir()
    cv2.imwrite(str(tmp_path / "more" / "d.png"), np.full((48, 64, 3), 120, np.uint8))
    places = tuple(str(tmp_path / name) for name in ("photos", "more", "photos"))  # one named twice is measured once
    data = config(tmp_path).data.model_copy(update={"validation": places})
    several = config(tmp_path).model_copy(update={"data": data})
    measured = evaluate_validation(folder, several, **how)
    assert (measured["photos"], measured["per_style"]["same"]["variation"]) == (3, 80)  # (40 + 80 + 120) / 3
    without = config(tmp_path).model_copy(update={"data": config(tmp_path).data.model_copy(update={"validation": ()})})
    assert evaluate_validation(folder, without, **how) == {}


def test_the_verb_finds_the_measurement_of_a_style_network(folder):
    result = evaluate_model(folder, folder.parent / "photos", quiet=True)
    assert result["loss"] == pytest.approx(42.5)
    json.dumps(result["per_style"])


def test_no_photographs_that_are_large_enough_are_refused(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="The folder of photographs .* does not exist"):
        evaluate_folder(folder, tmp_path / "none", Asked(quiet=True))
    (tmp_path / "small").mkdir()
    cv2.imwrite(str(tmp_path / "small" / "a.png"), np.zeros((20, 90, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match="contains no photographs with sides of at least 32 pixels"):
        evaluate_folder(folder, tmp_path / "small", Asked(quiet=True))
