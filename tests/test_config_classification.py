"""A classifier's configuration: defaults, refusals, phases, and the choice of the task."""

import pytest

from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.config_detection import DetectionConfig

HEAD = "name: pets\ntask: classification\ndata: {path: pets}\n"


def loaded(tmp_path, text, *overrides):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_config(path, overrides)


def test_the_task_chooses_the_configuration(tmp_path):
    assert isinstance(loaded(tmp_path, HEAD), ClassificationConfig)
    assert isinstance(loaded(tmp_path, "name: x\ndata: {path: x}\n"), DetectionConfig)


def test_an_unknown_task_is_refused_with_the_nearest(tmp_path):
    text = (
        "task: must be one of detection, classification, localization, landmarks, embedding, style, arrays. "
        "Received 'clasification'. Did you mean 'classification'?"
    )
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, HEAD.replace("classification", "clasification"))
    assert str(caught.value) == text


def test_phases_are_read_and_count_as_epochs(tmp_path):
    head, rest = "{epochs: 2, train: head, learning_rate: 0.1}", "{epochs: 3, learning_rate: 0.01}"
    config = loaded(tmp_path, HEAD + f"training:\n  phases:\n  - {head}\n  - {rest}\n")
    assert config.training.total_epochs == 5
    assert [phase.train for phase in config.training.phases] == ["head", "all"]
    assert loaded(tmp_path, HEAD, "training.epochs=7").training.total_epochs == 7


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("data.formt=npz", "data.formt: unknown key. Did you mean 'format'"),
        ("data.format=csv", "data.format: must match the pattern"),
        ("data.held_out=1.0", "data.held_out: must be less than 1"),
        ("data.augmentation.scale=[2, 1]", "data.augmentation.scale: must be two positive numbers in ascending order"),
        ("data.augmentation.erase_area=[0.1, 1.5]", "data.augmentation.erase_area: must be fractions of the picture"),
        ("data.labels=[cat, dog, cat]", "data.labels: must name every class once. Received cat, dog, cat, with 'cat'"),
        ("data.augment_in=gpu", "data.augment_in: must be 'pipeline' or 'model'"),
        ("model.channels=2", "model.channels: must be 1 or 3"),
        ("training.phases=[{epochs: 0, learning_rate: 1}]", "training.phases.0.epochs: must be greater than or"),
        ("training.optimizer=adam", "must be 'adamw', 'sgd' or 'muon'. Received 'adam'. Did you mean 'adamw'"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_path(tmp_path, override, text):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, HEAD, override)
    assert text in str(caught.value)


def test_a_source_is_required_but_for_tensorflow_data_sets(tmp_path):
    with pytest.raises(ConfigError, match="path is required"):
        loaded(tmp_path, "name: x\ntask: classification\ndata: {}\n")
    assert loaded(tmp_path, "name: x\ntask: classification\ndata: {format: 'tfds:cifar10'}\n").data.path == ""
