"""Weights files by path and by the names of known weights."""

import pytest

from cnn_suite.cache_folders import files_folder
from cnn_suite.config import ConfigError
from cnn_suite.known_weights import KNOWN
from cnn_suite.tasks.weights_file import weights_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "cache"))


def test_a_path_is_taken_as_it_is(tmp_path):
    (tmp_path / "mine.h5").touch()
    assert weights_file(str(tmp_path / "mine.h5"), "model.pretrained") == tmp_path / "mine.h5"
    with pytest.raises(ConfigError, match="there is no weights file squeezenet1.1, nor .* Did you mean 'squeezenet"):
        weights_file("squeezenet1.1", "model.pretrained")


@pytest.mark.parametrize("name", ["squeezenet1.1-notop", "mobileface-v2"])
def test_known_weights_are_taken_from_the_cache_once_they_are_pulled(name):
    with pytest.raises(ConfigError, match=f"model.pretrained: there is no .* `cnn-suite pull {name}` fetches it"):
        weights_file(name, "model.pretrained")
    path = files_folder(name) / KNOWN[name].files[0].name
    path.parent.mkdir(parents=True)
    path.touch()
    assert weights_file(name, "model.pretrained") == path


def test_a_detector_is_no_weights_file():
    with pytest.raises(ConfigError, match="model.pretrained: yolov3 is a whole model for detection"):
        weights_file("yolov3", "model.pretrained")
