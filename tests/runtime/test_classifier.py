from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from cnn_suite.results import ModelCard
from cnn_suite.runtime.classifier import Classifier, load_classifier

LABELS = ("red", "green", "blue")
CARD = ModelCard("m", "classification", LABELS)

_EXPORT = '''
import sys
import tensorflow as tf


class Shares(tf.Module):
    """The probability of a colour is its share of the light."""

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "images")])
    def serving_default(self, images):
        light = tf.reduce_mean(tf.cast(images, tf.float32), [1, 2])  # (1, 3)
        return {"probabilities": light / tf.reduce_sum(light, -1, keepdims=True)}


module, folder = Shares(), sys.argv[1]
tf.saved_model.save(module, folder, signatures={"serving_default": module.serving_default})
converter = tf.lite.TFLiteConverter.from_saved_model(folder)
open(folder + "/model.tflite", "wb").write(converter.convert())
'''


@pytest.fixture(scope="module")
def shares_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "shares"
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    CARD.write(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(shares_model):
    return load_classifier(shares_model)


class Model:
    """A graph that answers with what it was given."""

    def __init__(self, **outputs):
        self.outputs = outputs
        self.calls = []

    def run(self, signature, images):
        self.calls.append((signature, images))
        return self.outputs


def picture(red, green, blue, size_hw=(6, 8)):
    return np.full((*size_hw, 3), (red, green, blue), np.uint8)


def test_probabilities_come_with_the_labels_of_the_card(classifier):
    # 50 of 200 red, 100 of 200 green, 50 of 200 blue
    found = classifier(picture(50, 100, 50))
    assert (found.name, found.labels, found.probabilities.dtype) == ("green", LABELS, np.float32)
    np.testing.assert_allclose(found.probabilities, [0.25, 0.5, 0.25], atol=1e-6)
    assert [name for name, _ in found.top(2)] == ["green", "red"]


@pytest.mark.parametrize("size_hw", [(32, 32), (1, 1), (77, 33), (32, 32)])
def test_pictures_of_any_size_follow_each_other(classifier, size_hw):
    assert classifier(picture(10, 20, 200, size_hw)).name == "blue"


def test_results_stay_as_they_are_when_the_next_picture_is_looked_at(classifier):
    first = classifier(picture(200, 10, 10))
    before = first.probabilities.copy()
    classifier(picture(10, 10, 200))
    np.testing.assert_array_equal(first.probabilities, before)


def test_a_view_that_is_not_contiguous_is_read_rightly(classifier):
    image = picture(50, 100, 50)
    image[:, 4:] = (250, 0, 0)
    np.testing.assert_array_equal(classifier(image[:, ::2]).probabilities, classifier(image).probabilities)
    assert classifier(image[..., ::-1]).name == "blue"


def test_the_picture_becomes_a_batch_of_one_of_the_serving_signature():
    model = Model(probabilities=np.array([[0.0, 1.0, 0.0]], np.float32))
    assert Classifier(model, CARD)(picture(1, 2, 3)).name == "green"
    [(signature, images)] = model.calls
    assert (signature, images.shape, images.dtype) == ("serving_default", (1, 6, 8, 3), np.uint8)


def test_a_card_without_labels_gives_class_numbers():
    model = Model(probabilities=np.array([[0.2, 0.8]], np.float32))
    assert Classifier(model, dataclasses.replace(CARD, labels=()))(picture(1, 2, 3)).name == "1"


@pytest.mark.slow
def test_the_saved_model_says_the_same(shares_model, classifier):
    other = load_classifier(shares_model, runtime="saved_model")
    image = picture(70, 20, 10)
    np.testing.assert_allclose(other(image).probabilities, classifier(image).probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "must be uint8.*Received float32"),
        (np.zeros((4, 4), np.uint8), r"of shape \(height, width, 3\).*\(4, 4\)"),
        (np.zeros((4, 4, 1), np.uint8), r"Received uint8 of shape \(4, 4, 1\)"),
        (np.zeros((0, 4, 3), np.uint8), r"Received uint8 of shape \(0, 4, 3\)"),
    ],
)
def test_what_is_no_rgb_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        Classifier(Model(), CARD)(image)


def test_a_graph_without_probabilities_is_named():
    with pytest.raises(ValueError, match="Model 'm' is not a classifier: its signature 'serving_default' lacks prob"):
        Classifier(Model(boxes=0), CARD)(picture(1, 2, 3))


@pytest.mark.parametrize("shape", [(1, 2), (3,), (2, 3)])
def test_probabilities_that_do_not_fit_the_labels_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"must return probabilities of shape \(1, 3\), one column per label. Received sha"
    ):
        Classifier(Model(probabilities=np.full(shape, 0.5, np.float32)), CARD)(picture(1, 2, 3))


def test_an_unknown_runtime_and_a_model_of_another_task_are_refused(tmp_path):
    with pytest.raises(ValueError, match="`runtime` must be 'litert' or 'saved_model'. Received 'onnx'"):
        load_classifier(tmp_path, runtime="onnx")
    dataclasses.replace(CARD, task="detection").write(tmp_path)
    with pytest.raises(ValueError, match="is for detection, not for classification. Choose a model for classification"):
        load_classifier(tmp_path)


def test_a_folder_without_or_with_damaged_model_files_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no card.json"):
        load_classifier(tmp_path)
    CARD.write(tmp_path)
    with pytest.raises(
        FileNotFoundError, match="model.tflite does not exist. Export the model with `cnn-suite export`"
    ):
        load_classifier(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no saved_model.pb in"):
        load_classifier(tmp_path, runtime="saved_model")
    (tmp_path / "model.tflite").write_bytes(b"junk")
    with pytest.raises(ValueError, match="model.tflite is damaged or not a LiteRT model"):
        load_classifier(tmp_path)


def test_loading_and_running_says_nothing_on_stderr(shares_model, capfd):
    load_classifier(shares_model)(picture(1, 2, 3))
    assert capfd.readouterr().err == ""


def test_a_classifier_runs_without_tensorflow_and_keras(shares_model):
    code = (
        "import sys, numpy as np; from cnn_suite.runtime.classifier import load_classifier; "
        f"load_classifier({str(shares_model)!r})(np.full((4, 4, 3), 9, np.uint8)); "
        "print([m for m in ('tensorflow', 'keras', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
