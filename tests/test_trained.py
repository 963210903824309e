"""Trained networks read from files: whatever they were trained in, float32 comes out; what is none is refused."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from cnn_suite.config import ConfigError, save_config
from cnn_suite.config_detection import Data, DetectionConfig
from cnn_suite.layers.residual import ResidualBlock
from cnn_suite.layers.yolo_head import YoloHead
from cnn_suite.losses.yolo import YoloLoss
from cnn_suite.network_files import weights_digest
from cnn_suite.trained import load_trained

ANCHORS = [[10.0, 10.0], [30.0, 20.0]]


def network(seed=0, filters=8):
    """The smallest detector with every kind of layer."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(filters, 8, 8, name="stem")(keras.layers.Rescaling(1 / 255)(image))
    head = YoloHead(ANCHORS, 2, 8, name="stride8")
    return keras.Model(image, {"stride8": head(ResidualBlock(filters)(x))})


def picture():
    return np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)


def write_run(folder, model, labels=("red", "blue")):
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    save_config(DetectionConfig(name="run", data=Data(path="absent", labels=labels)), folder / "config.yaml")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run", network())


@pytest.fixture
def half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def refusal(source):
    with pytest.raises(ConfigError) as error:
        load_trained(source)
    return str(error.value)


def test_a_run_and_its_file_are_the_same_network(run):
    of_folder, of_file = load_trained(run), load_trained(str(run / "model.keras"))
    assert of_folder.path == of_file.path == run / "model.keras"
    assert of_folder.config == of_file.config
    assert of_folder.config.data.labels == ("red", "blue")
    np.testing.assert_array_equal(of_folder.model(picture())["stride8"], network()(picture())["stride8"])


def test_an_optimiser_is_left_out(run, tmp_path):
    model = network()
    model.compile("adam", {"stride8": YoloLoss(ANCHORS, [0, 1], 8)})
    model.optimizer.build(model.trainable_variables)
    trained = load_trained(write_run(tmp_path / "compiled", model))
    assert not trained.model.compiled
    assert weights_digest(trained.model) == weights_digest(network())


def test_a_network_trained_in_half_precision_computes_in_float32(half_precision, tmp_path):
    model = network()
    assert model.get_layer("stem").compute_dtype == "bfloat16"
    trained = load_trained(write_run(tmp_path / "half", model))
    assert keras.config.dtype_policy().name == "mixed_bfloat16"  # is put back
    assert {layer.compute_dtype for layer in trained.model._flatten_layers()} == {"float32"}
    keras.config.set_dtype_policy("float32")
    expected = network()(picture())["stride8"]
    np.testing.assert_allclose(trained.model(picture())["stride8"], expected, atol=1e-6)


def test_the_digest_is_that_of_the_weights_and_not_of_the_file(run, tmp_path):
    again = write_run(tmp_path / "again", network())
    first = weights_digest(load_trained(run).model)
    assert len(first) == 64
    assert weights_digest(load_trained(again).model) == first
    assert weights_digest(network(seed=1)) != first


def test_a_folder_that_is_no_trained_network_says_what_was_expected(tmp_path):
    says = "is not a trained network: expected model.keras and config.yaml"
    assert f"{tmp_path} {says}" in refusal(tmp_path)
    assert "`cnn-suite train` writes them" in refusal(tmp_path)
    assert says in refusal(tmp_path / "absent")
    network().save(tmp_path / "model.keras")
    assert says in refusal(tmp_path)
    assert says in refusal(tmp_path / "model.keras")


def test_an_interrupted_training_says_how_to_go_on_and_what_can_be_exported(tmp_path):
    folder = write_run(tmp_path / "stopped", network())
    (folder / "model.keras").rename(folder / "last.keras")
    says = "stopped before its end: go on with `cnn-suite train CONFIG --resume`, or export"
    assert f"The training of {folder} {says} {folder / 'last.keras'} as it is." == refusal(folder)
    assert load_trained(folder / "last.keras").config.data.labels == ("red", "blue")
    (folder / "best.keras").touch()
    assert f"{says} {folder / 'best.keras'} as it is." in refusal(folder)


def test_a_damaged_file_is_refused_in_words(run, tmp_path):
    folder = write_run(tmp_path / "damaged", network())
    content = (folder / "model.keras").read_bytes()
    for damaged in (b"", b"no archive", content[: len(content) // 2]):
        (folder / "model.keras").write_bytes(damaged)
        text = refusal(folder)
        assert f"{folder / 'model.keras'} is damaged or not readable by Keras" in text
        assert "Train it again" in text
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Nothing", "config": {}, "module": "nowhere"}))
    assert "not readable by Keras" in refusal(folder)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path):
    folder = write_run(tmp_path / "mixed_up", network())
    network(filters=16).save(tmp_path / "other.keras")
    with zipfile.ZipFile(folder / "model.keras") as archive:
        configuration = archive.read("config.json")
    with zipfile.ZipFile(tmp_path / "other.keras") as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", configuration)
        archive.writestr("model.weights.h5", weights)
    assert "not readable by Keras" in refusal(folder)


@pytest.mark.parametrize(
    ("labels", "says"),
    [((), "Received 0: none."), (("red",), "Received 1: red."), (("a", "b", "c"), "Received 3: a, b, c.")],
)
def test_labels_that_are_not_those_of_the_network_are_refused(tmp_path, labels, says):
    folder = write_run(tmp_path / "run", network(), labels)
    text = refusal(folder)
    assert f"{folder / 'config.yaml'}: data.labels must name the 2 classes of model.keras. {says}" == text


def test_a_network_without_yolo_heads_is_refused(tmp_path):
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image), name="no_detector")
    with pytest.raises(ValueError, match="at least one YoloHead. 'no_detector'"):
        load_trained(write_run(tmp_path / "run", model))


@pytest.mark.slow
def test_a_classifier_is_read_in_a_process_that_has_built_none(tmp_path):
    from cnn_suite import models
    from cnn_suite.config_classification import ClassificationConfig
    from cnn_suite.config_classification import Data as Pictures

    models.resnet20((16, 16, 3), 2).save(tmp_path / "model.keras")
    config = ClassificationConfig(name="run", data=Pictures(path="absent", labels=("cat", "dog")))
    save_config(config, tmp_path / "config.yaml")
    program = f"from cnn_suite.trained import load_trained; print(load_trained({str(tmp_path)!r}).model.name)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "resnet20", done.stderr
