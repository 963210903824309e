"""What a run may go on with."""

import pytest

from cnn_suite.config import ConfigError
from cnn_suite.config_classification import ClassificationConfig, Data, Model, Training
from cnn_suite.config_detection import Data as DetectionData
from cnn_suite.config_detection import DetectionConfig
from cnn_suite.config_sections import Phase
from cnn_suite.config_style import Data as StyleData
from cnn_suite.config_style import Painting
from cnn_suite.resumption import changes, resumed


def config_of(*, data=None, training=None, **more):
    return ClassificationConfig(
        name="run", data=Data(**{"path": "here"} | (data or {})), training=Training(**training or {}), **more
    )


STARTED = config_of(data={"labels": ("cat", "dog")}, training={"learning_rate": 0.1})


def test_what_the_data_filled_in_is_kept():
    assert resumed(config_of(), STARTED) == STARTED
    detector = DetectionConfig(name="run", data=DetectionData(path="here"))
    anchors = detector.model.model_copy(update={"anchors_px": (((3.0, 4.0),),)})
    started = detector.model_copy(update={"model": anchors})
    assert resumed(detector, started) == started


def test_rates_and_the_place_of_the_data_may_be_new_and_are_told(caplog):
    lower = {"learning_rate": 0.01, "clip_norm": 1.0, "early_stopping_epochs": 5, "epochs": 7}
    found = resumed(config_of(data={"path": "there"}, training=lower), STARTED)
    assert found.data.path == "there" and found.data.labels == ("cat", "dog")
    assert found.training == Training(**lower)
    assert "Going on with another training.learning_rate (0.1, now 0.01)" in caplog.text


@pytest.mark.parametrize(
    ("new", "key"),
    [
        (config_of(training={"weight_decay": 0.5}), r"training.weight_decay \(0.001, now 0.5\)"),
        (config_of(model=Model(options={"depth": 3})), r"model.options \(\{\}, now \{'depth': 3\}\)"),
        (config_of(data={"labels": ("dog", "cat")}), r"data.labels"),
        (config_of(data={"held_out": 0.5}, seed=3), r"seed \(0, now 3\); data.held_out \(0.1, now 0.5\)"),
    ],
)
def test_anything_else_is_refused_by_its_key(new, key):
    with pytest.raises(ConfigError, match=rf"this is new: {key}.*\n.*start another run with name=…"):
        resumed(new, STARTED)


def test_another_task_is_refused():
    with pytest.raises(ConfigError, match="task: the run was started as classification. Received detection"):
        resumed(DetectionConfig(name="run", data=DetectionData(path="here")), STARTED)


def test_phases_are_compared_one_by_one():
    first, second = Phase(epochs=2, train="head", learning_rate=0.1), Phase(epochs=3, learning_rate=0.01)
    lower = second.model_copy(update={"learning_rate": 0.001, "epochs": 4})
    found = changes(config_of(training={"phases": (first, second)}), config_of(training={"phases": (first, lower)}))
    assert [(change.key, change.allowed) for change in found] == [
        ("training.phases.1.epochs", False),
        ("training.phases.1.learning_rate", True),
    ]


def test_all_places_of_photographs_and_paintings_may_be_new():
    before, after = (
        StyleData(photos=(place,), paintings=(Painting(name="sea", path=f"{place}/sea.jpg"),)) for place in ("a", "b")
    )
    found = changes(before, after)
    assert [(change.key, change.allowed) for change in found] == [("photos", True), ("paintings", True)]
