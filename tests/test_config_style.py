"""Configurations of networks that paint: defaults, paintings and batches, what is refused and in which words."""

import pytest

from cnn_suite.config import ConfigError, load_config, save_config
from cnn_suite.config_style import Painting, StyleConfig
from cnn_suite.style_transfer.settings import TransferSettings

SMALLEST = """
name: waves
task: style
data:
  photos: [photos]
  paintings:
    - {name: wave, path: wave.jpg}
"""


@pytest.fixture
def loaded(tmp_path):
    """The function that writes a configuration and reads it."""

    def load(text=SMALLEST, *overrides):
        path = tmp_path / "waves.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides)

    return load


def test_defaults_fill_what_the_file_leaves_out(loaded):
    config = loaded()
    assert isinstance(config, StyleConfig)
    assert config.data.paintings == (Painting(name="wave", path="wave.jpg", size=384, strength=1.0),)
    assert (config.data.photos, config.data.validation, config.data.labels) == (("photos",), (), ())
    assert (config.data.crop, config.data.scale, config.data.batch_size) == (192, (0.5, 1.0), 4)
    assert (config.model.builder, config.model.variant) == ("stylizer", "thin")
    seen = config.perception
    assert (seen.backbone, seen.weights, seen.pooling) == ("squeezenet", "", "max")
    assert config.training.evaluate_every == 1


def test_a_training_weighs_its_costs_as_an_optimisation_does(loaded):
    training, settings = loaded().training, TransferSettings()
    assert (training.alpha, training.beta, training.tv) == (settings.alpha, settings.beta, settings.tv)


def test_what_is_saved_reads_back_the_same(loaded, tmp_path):
    config = loaded(SMALLEST, "training.beta=25", "data.scale=[0.25, 0.5]", "model.variant=thin", "training.epochs=3")
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
    assert (config.training.beta, config.training.epochs, config.data.scale) == (25.0, 3, (0.25, 0.5))


@pytest.mark.parametrize(("override", "text"), [
    ("data.photos=[]", "data.photos"),
    ("data.paintings=[]", "data.paintings"),
    ("data.batch_size=0", "data.batch_size"),
    ("data.crop=31", "data.crop"),
    ("data.scale=[0.8, 0.5]", r"data.scale: must be two positive numbers in ascending order, received \(0.8, 0.5\)"),
    ("data.scale=[0.0, 0.5]", r"data.scale: must be two positive numbers in ascending order, received \(0.0, 0.5\)"),
    ("data.scale=[0.5, 1.5]", r"data.scale: must be fractions of the picture, at most 1, received \(0.5, 1.5\)"),
    ("model.variant=fat", "model.variant"),
    ("perception.backbone=resnet", "perception.backbone"),
    ("perception.pooling=min", "perception.pooling"),
    ("training.alpha=-1", "training.alpha"),
    ("training.gamma=1", "training.gamma"),
    ("training={epochs: 1, alpha: 0, beta: 0}", "training: alpha and beta must not both be 0: nothing would be asked"),
    ("data.paintings=[{name: wave, path: wave.jpg, size: 31}]", "size"),
    ("data.paintings=[{name: wave, path: wave.jpg, strength: 0}]", "strength"),
    ("data.paintings=[{name: '', path: wave.jpg}]", "name"),
])  # fmt: skip
def test_values_that_cannot_be_are_refused_by_their_place(loaded, override, text):
    with pytest.raises(ConfigError, match=text):
        loaded(SMALLEST, override)


@pytest.mark.parametrize(("override", "line"), [
    (
        "data.paintings=[{name: wave, path: wave.jpg, strenght: 2}]",
        "data.paintings.0.strenght: unknown key. Did you mean 'strength'? Known keys: name, path, size, strength.",
    ),
    (
        "training.phases=[{epochs: 1, learning_rate: 0.1, trains: all}]",
        "training.phases.0.trains: unknown key. Did you mean 'train'? Known keys: ",
    ),
    ("data.paintings=[{name: wave, path: wave.jpg, strength: 0}]", "data.paintings.0.strength: must be greater than 0"),
    ("data.paintings=[]", "data.paintings: must be a list of at least 1. Received []."),
])  # fmt: skip
def test_a_fault_in_a_list_is_told_in_one_line_that_names_its_place(loaded, override, line):
    with pytest.raises(ConfigError) as error:
        loaded(SMALLEST, override)
    assert str(error.value).startswith(line) and len(str(error.value).splitlines()) == 1


def test_every_style_must_have_its_share_of_a_batch(loaded):
    three = "data.paintings=[{name: a, path: a}, {name: b, path: b}, {name: c, path: c}]"
    assert loaded(SMALLEST, three, "data.batch_size=6").data.batch_size == 6
    text = "must be a multiple of the 3 paintings, so that every style has an equal share of a batch, received 4"
    with pytest.raises(ConfigError, match=text):
        loaded(SMALLEST, three)
