"""`cnn-suite summary`: networks by name, by size, from a file."""

import keras
import pytest

from cnn_suite import models
from cnn_suite.config import save_config
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


def test_the_table_ends_with_the_sums():
    lines = render(summarise("lenet5")).splitlines()
    assert lines[0] == "lenet5, input 28x28x1"
    assert lines[-1] == "parameters 61,706 (61,706 trainable), multiply-adds 416,520"
    assert len({len(line) for line in lines[2:-2]}) == 1  # columns stand under each other
