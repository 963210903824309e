"""The task of signals and volumes: its data, a short training through the verbs, its files and figures."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_arrays import ArraysConfig, Augmentation, Data, Model, Training
from cnn_suite.evaluate import evaluate_model, evaluate_run
from cnn_suite.export import export_model
from cnn_suite.results import ModelCard
from cnn_suite.runtime.array_classifier import ArrayClassifier, load_array_classifier
from cnn_suite.summary import summarise
from cnn_suite.tasks import arrays
from cnn_suite.train import train


def beats(count, seed):
    """Signals with a bump of one of two widths anywhere, and their classes."""
    generator = np.random.default_rng(seed)
    class_ids = np.arange(count) % 2
    place, time = generator.uniform(10, 30, (count, 1)), np.arange(40)
    signals = np.exp(-(((time - place) / (2 + 3 * class_ids[:, None])) ** 2))
    return signals + generator.normal(0, 0.05, signals.shape), class_ids


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("beats") / "Beats"
    root.mkdir()
    for split, count in (("TRAIN", 60), ("TEST", 40)):
        signals, class_ids = beats(count, len(split))
        np.savetxt(root / f"Beats_{split}.tsv", np.column_stack([class_ids, signals]), "%.5g", delimiter="\t")
    return root


def config_of(path, model=None, augmentation=None, **data):
    data = Data(path=str(path), augmentation=Augmentation(**augmentation or {}), **data)
    return ArraysConfig(name="beats", data=data, model=Model(**model or {}))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("arrays")
    (root / "beats.yaml").write_text(
        f"""
name: beats
task: arrays
seed: 1
data: {{path: {folder}, labels: [narrow, wide], augmentation: {{shift: 0.1, noise: 0.1, mirror: [0]}}}}
model: {{filters: [16, 16]}}
training: {{epochs: 4, steps_per_epoch: 20, learning_rate: 0.005, warmup_epochs: 0.2}}
"""
    )
    return train(load_config(root / "beats.yaml"), quiet=True, runs=root / "runs")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export_model(run, tmp_path_factory.mktemp("models") / "beats", int8=True)


def test_a_part_of_every_class_is_held_out(folder):
    data = arrays.datasets(config_of(folder))
    assert (len(data.training), len(data.validation)) == (48, 12)
    assert np.bincount(data.validation.class_ids).tolist() == [6, 6]
    few = arrays.datasets(config_of(folder, per_class=5, validation=("test",)))
    assert (len(few.training), len(few.validation)) == (10, 40)


def test_shape_and_labels_come_from_the_data(folder):
    config = config_of(folder)
    resolved = arrays.resolved(config, arrays.datasets(config))
    assert resolved.model.input_shape == (40, 1) and resolved.data.labels == ("0", "1")
    assert arrays.network(resolved, 2).input_shape == (None, 40, 1)


def test_signals_weigh_as_their_classes_if_asked_to(folder):
    config = config_of(folder)
    config = config.model_copy(update={"training": Training(class_weights="balanced")})
    data = arrays.datasets(config)
    kept = [*range(6), *np.flatnonzero(data.training.class_ids == 1)]
    data = arrays.Datasets(data.labels, data.training.take(kept), data.validation)
    few, many = np.bincount(data.training.class_ids)
    for signals, shares, weights in arrays.training_dataset(config, data, None, 0, 1).as_numpy_iterator():
        np.testing.assert_allclose(weights, shares @ [(few + many) / 2 / few, (few + many) / 2 / many], rtol=1e-6)
        assert signals.shape == (16, 40, 1)


@pytest.mark.slow
def test_a_short_training_tells_wide_from_narrow(exported, folder, run):
    figures = evaluate_model(exported, folder, record=True, quiet=True)
    assert figures["split"] == "test" and figures["pictures"] == 40 and figures["accuracy"] > 0.9
    assert evaluate_run(exported, run, quiet=True)["pictures"] == 12
    assert evaluate_model(exported, folder, split="validation", limit=5, quiet=True)["pictures"] == 5
    card = ModelCard.read(exported)
    assert card.labels == ("narrow", "wide") and card.metrics["test"]["accuracy"] == figures["accuracy"]
    assert card.input["shape"] == [40, 1] and card.input["images"].startswith("float32 (batch, 40, 1)")
    assert set(card.parity) == {"pictures", "saved_model", "litert", "litert_int8"}
    assert summarise(str(exported)).input_shape == (40, 1)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["litert", "saved_model"])
def test_the_exported_network_takes_a_signal(exported, runtime):
    classifier = load_array_classifier(exported, runtime=runtime)
    (signal, *_), _ = beats(1, 3)
    assert classifier(signal).name == classifier(signal[:, None]).name == "narrow"


def test_volumes_are_classified_too(tmp_path):
    volumes = np.random.default_rng(0).integers(0, 100, (24, 9, 8, 7), np.uint8)
    volumes[::2, 2:6, 2:6, 2:6] += 150
    np.savez(tmp_path / "cubes.npz", x=volumes, y=np.arange(24) % 2)
    model = {"filters": (4, 8), "kernels": (3, 3), "strides": 2, "standardize": False}
    config = config_of(tmp_path / "cubes.npz", model, {"mirror": (0, 1, 2)})
    config = config.model_copy(update={"training": Training(epochs=2)})
    folder = export_model(train(config, quiet=True, runs=tmp_path / "runs"), tmp_path / "cubes", formats=["litert"])
    assert load_array_classifier(folder)(volumes[0]).probabilities.shape == (2,)


@pytest.mark.parametrize(("settings", "says"), [
    ({"augmentation": {"mirror": (1,)}}, r"mirror: examples of shape \(40, 1\) have the axes 0 to 0, .* Received 1"),
    ({"model": {"input_shape": (50, 1)}}, r"model.input_shape: the data have .* \(40, 1\). Received \(50, 1\)"),
    ({"labels": ("a",)}, "has classes up to 1, but data.labels has 1 names"),
    ({"train": ("holiday",)}, "has no split 'holiday'"),
])  # fmt: skip
def test_settings_that_do_not_fit_the_data_are_refused(folder, settings, says):
    config = config_of(folder, **settings)
    with pytest.raises(ValueError, match=says):
        arrays.resolved(config, arrays.datasets(config))


def own(shape, classes):
    values = keras.Input(shape)
    return keras.Model(values, layers.Dense(classes, "softmax")(layers.Flatten()(values)))


def test_a_network_of_ones_own_is_built_from_shape_and_classes(folder):
    config = config_of(folder, {"builder": f"{__name__}:own"})
    config = arrays.resolved(config, arrays.datasets(config))
    assert arrays.network(config, 2).count_params() == 82
    with pytest.raises(ConfigError, match="model.builder: .*:beats must take a shape and the classes"):
        arrays.network(config_of(folder, {"builder": f"{__name__}:beats", "input_shape": (40, 1)}), 2)
    with pytest.raises(ValueError, match="filters, strides would do nothing with builder"):
        Model(builder="my:own", filters=(4,), strides=2)
    with pytest.raises(ConfigError, match="model.builder: unknown builder 'array_resnett'. Did you mean"):
        arrays.network(config_of(folder, {"builder": "array_resnett", "input_shape": (40, 1)}), 2)


class Unsure:
    """A graph that is never asked."""


def test_other_arrays_are_refused():
    classifier = ArrayClassifier(Unsure(), ModelCard("beats", "arrays", ("a", "b"), input={"shape": [40, 1]}))
    for values in (np.zeros(39), np.zeros((40, 2)), np.zeros((1, 40, 1)), np.full(40, np.nan)):
        with pytest.raises(ValueError, match=r"`values` must be finite numbers of shape \(40, 1\). Received"):
            classifier(values)
    with pytest.raises(ValueError, match="lacks input.shape"):
        ArrayClassifier(Unsure(), ModelCard("beats", "arrays", ("a", "b")))
