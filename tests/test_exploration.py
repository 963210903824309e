"""The views of a trained classifier, whatever form its end has."""

import logging

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite.config import load_config, save_config
from cnn_suite.exploration import views_of
from cnn_suite.models.surgery import as_functional


@pytest.fixture
def folder(tmp_path):
    def trained(*end):
        body = [keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
        network = keras.Sequential([*body, *end, layers.Dense(2, "softmax")])
        as_functional(network).save(tmp_path / "model.keras")
        (tmp_path / "own.yaml").write_text(
            "{name: own, task: classification, data: {path: x, labels: [cat, dog]}, model: {image_size_hw: [16, 16]}}"
        )
        save_config(load_config(tmp_path / "own.yaml"), tmp_path / "config.yaml")
        return tmp_path

    return trained


def groups(views):
    return list(dict.fromkeys(view.group for view in views))


def test_a_classifier_has_all_views(folder):
    assert groups(views_of(folder())) == ["edges", "features", "windows", "cam"]


def test_a_classifier_that_cannot_be_applied_to_windows_has_the_others(folder, caplog):
    with caplog.at_level(logging.WARNING):
        views = views_of(folder(layers.LayerNormalization()))
    assert groups(views) == ["edges", "features", "cam"]
    assert "no views `windows`: " in caplog.text and "is a LayerNormalization" in caplog.text
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert [view.name for view in views if view.group == "cam"] == ["likeliest", "cat", "dog"]
    assert views[-1].draw(picture).shape == (480, 480, 3)
