"""Folders that a model may be written into, and those it may not."""

import pytest

from cnn_suite.config import ConfigError
from cnn_suite.export_target import check_for_another_network, check_for_other_things, told_of
from cnn_suite.results import ModelCard


def with_files(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("names", [(), ("card.json", "notes.txt"), ("model.keras", "config.yaml", "saved_model.pb")])
def test_a_new_folder_a_model_folder_and_a_broken_off_export_are_written_into(tmp_path, names):
    check_for_other_things(with_files(tmp_path / "a", *names))
    check_for_other_things(tmp_path / "absent")


@pytest.mark.parametrize("names", [("config.yaml", "history.csv"), ("best.keras", "config.yaml", "model.keras")])
def test_other_things_are_left_alone(tmp_path, names):
    folder = with_files(tmp_path / "a", *names)
    with pytest.raises(ConfigError, match=f"/a is no model folder: it holds {', '.join(names)} and no card.json"):
        check_for_other_things(folder)
    with pytest.raises(ConfigError, match="is a file, and a model is written into a folder"):
        check_for_other_things(folder / names[0])


def test_another_network_is_left_alone(tmp_path):
    check_for_another_network(tmp_path, "classification", ("cat", "dog"))
    ModelCard("pets", "classification", ("cat", "dog")).write(tmp_path)
    check_for_another_network(tmp_path, "classification", ("cat", "dog"))
    with pytest.raises(ConfigError, match="another network: pets, classification of cat, dog. Received .* of cat, eel"):
        check_for_another_network(tmp_path, "classification", ("cat", "eel"))
    with pytest.raises(ConfigError, match="Received detection of cat, dog. Choose another folder"):
        check_for_another_network(tmp_path, "detection", ("cat", "dog"))


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"validation": {"accuracy": 0.88312, "ece": 0.1}}, "pets (classification, accuracy 0.8831 on validation)"),
        ({"ap50": 0.9}, "pets (classification, without recorded figures)"),
    ],
)
def test_a_model_is_told_with_its_figure(tmp_path, metrics, says):
    assert told_of(tmp_path) is None
    ModelCard("pets", "classification", ("cat", "dog"), metrics=metrics).write(tmp_path)
    assert told_of(tmp_path) == says
