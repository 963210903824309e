"""`cnn-suite summary`: networks by name, by size, from a file."""

import keras
import pytest

from cnn_suite import models
from cnn_suite.config import ConfigError, save_config
from cnn_suite.config_classification import ClassificationConfig, Data, Model
from cnn_suite.summary import as_rows, render, summarise


def test_a_builder_is_counted_by_name():
    sums = summarise("lenet5")
    assert (sums.name, sums.parameters, sums.input_shape) == ("lenet5", 61_706, (28, 28, 1))
    row = as_rows(sums)[1]
    assert row == {
        "name": "conv1",
        "kind": "Conv2D",
        "output_shape": [28, 28, 6],
        "activation_size": 4704,
        "parameters": 156,
        "multiply_adds": 117_600,
    }


def test_another_size_is_counted_too():
    assert summarise("resnet20", (64, 64)).multiply_adds > 3.9 * summarise("resnet20").multiply_adds


def test_a_size_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match=r"The smallest that works is \(12, 12, 1\)"):
        summarise("lenet5", (8, 8))


@pytest.fixture
def saved(tmp_path):
    keras.utils.set_random_seed(0)
    models.resnet20((None, None, 3), 4).save(tmp_path / "model.keras")
    config = ClassificationConfig(
        name="mine", data=Data(path="nowhere", labels=("a", "b", "c", "d")), model=Model(image_size_hw=(16, 16))
    )
    save_config(config, tmp_path / "config.yaml")
    return tmp_path


def test_a_file_or_a_folder_is_counted_at_the_size_of_its_configuration(saved):
    for source in (saved, saved / "model.keras"):
        sums = summarise(str(source))
        assert sums.input_shape == (16, 16, 3) and sums.layers[-1].output_shape == (4,)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [(["variant=1.0"], 1_248_424), (["include_top=false"], 722_496), (["classes=3"], 724_035)],
)
def test_a_builder_takes_options(options, parameters):
    assert summarise("squeezenet", (63, 63), options).parameters == parameters


@pytest.mark.parametrize(
    ("network", "options", "text"),
    [
        ("lenet5", ["clases=3"], "options: lenet5 takes no 'clases'. Known: image_shape, classes"),
        ("vgg11", ["clases=3"], "options: vgg11 does not take what is given: .*'clases'"),
        ("lenet5", ["relu"], "must have the form key=value, .* Received 'relu'"),
    ],
)
def test_an_option_that_a_builder_does_not_take_is_refused(network, options, text):
    with pytest.raises(ConfigError, match=text):
        summarise(network, options=options)


def test_a_trained_network_takes_no_options(saved):
    with pytest.raises(ConfigError, match="classes=3: only a builder takes options"):
        summarise(str(saved), options=["classes=3"])


def test_a_file_of_which_nothing_more_is_known_is_counted_too(tmp_path):
    path = tmp_path / "plain.keras"
    models.resnet20((None, None, 3)).save(path)
    assert summarise(str(path), (32, 32)).multiply_adds == 40_551_040
    with pytest.raises(ConfigError, match=r"takes inputs of any size, \(None, None, 3\). Say which by --size"):
        summarise(str(path))
    keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(4)]).save(path)
    assert summarise(str(path)).multiply_adds == 5 * 3 * (3 * 4 + 4 * 4)
    with pytest.raises(ConfigError, match=r"--size is a picture's, .* has the shape \(5, 3\)"):
        summarise(str(path), (32, 32))
    path.write_text("no archive")
    with pytest.raises(ConfigError, match="plain.keras is damaged or not readable by Keras"):
        summarise(str(path))


def test_the_table_ends_with_the_sums():
    lines = render(summarise("lenet5")).splitlines()
    assert lines[0] == "lenet5, input 28x28x1"
    assert lines[-1] == "parameters 61,706 (61,706 trainable), multiply-adds 416,520"
    assert len({len(line) for line in lines[2:-2]}) == 1  # columns stand under each other
