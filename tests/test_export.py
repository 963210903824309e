"""`export_model`: the folder it writes, the card in it, what it keeps, and what it refuses."""

import hashlib
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn_suite import graphs
from cnn_suite.config import ConfigError, load_config, save_config
from cnn_suite.export import export_model
from cnn_suite.network_files import weights_digest
from cnn_suite.parity import ParityError
from cnn_suite.results import ModelCard
from cnn_suite.runtime.model_files.litert import LiteRTModel
from cnn_suite.tasks import detection_parity
from cnn_suite.trained import load_trained

pytestmark = pytest.mark.slow  # the network is trained first


@pytest.fixture
def copied(shapes_model, tmp_path) -> Path:
    """A model folder to change."""
    return Path(shutil.copytree(shapes_model, tmp_path / "shapes"))


@pytest.fixture
def conversions(shapes_model, monkeypatch):
    """Replaces the conversion to LiteRT by a copy of the file it gave before, and lists the calls."""
    calls = []

    def litert_bytes(signatures):
        calls.append(sorted(signatures))
        return (shapes_model / "model.tflite").read_bytes()

    monkeypatch.setattr(graphs, "litert_bytes", litert_bytes)
    return calls


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# The folder and its card


def test_the_folder_is_whole(shapes_model):
    assert files(shapes_model) == [
        "card.json",
        "config.yaml",
        "fingerprint.pb",
        "history.csv",
        "model.int8.tflite",
        "model.keras",
        "model.tflite",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]


def test_configuration_history_and_network_are_those_of_the_run(shapes_model, shapes_run):
    assert load_config(shapes_model / "config.yaml") == load_config(shapes_run / "config.yaml")
    assert (shapes_model / "history.csv").read_text() == "epoch,loss\n1,2.5\n"
    assert weights_digest(load_trained(shapes_model).model) == weights_digest(load_trained(shapes_run).model)


def test_the_card_says_what_a_program_must_know(shapes_model, shapes_run):
    card, model = ModelCard.read(shapes_model), load_trained(shapes_run).model
    assert (card.name, card.task, card.labels) == ("shapes", "detection", ("circle", "rectangle", "triangle"))
    assert card.input["network_size_hw"] == [64, 96]
    assert card.input["signature"] == "serving_default"
    assert card.thresholds == {"confidence": 0.25, "iou": 0.45, "max_detections": 100, "score_floor": 0.001}
    assert card.model["parameters"] == model.count_params()
    assert card.model["weights_sha256"] == weights_digest(model)
    assert [head["stride"] for head in card.model["heads"]] == [8, 16]
    assert [len(head["anchors_px"]) for head in card.model["heads"]] == [1, 1]
    assert set(card.versions) == {"tensorflow", "keras", "ai-edge-litert", "numpy"}
    assert card.metrics == {}


def test_the_card_has_size_and_digest_of_every_file(shapes_model):
    card = ModelCard.read(shapes_model)
    names = [name for name in files(shapes_model) if name != "card.json"]
    assert card.sha256 == {name: digest(shapes_model / name) for name in names}
    assert card.sizes == {name: (shapes_model / name).stat().st_size for name in names}


def test_the_card_has_the_differences_between_the_forms(shapes_model):
    differences = ModelCard.read(shapes_model).parity
    assert differences["pictures"] == 16
    for form in ("saved_model", "litert"):
        assert differences[form]["box_px"] < 0.01
        assert differences[form]["score"] < 1e-4
        assert differences[form]["wrong"] == 0
        assert differences[form]["boxes"] >= 10
        assert differences[form]["candidates"] == 16 * (8 * 12 + 4 * 6)


# What does not answer like the network


@pytest.mark.parametrize("shift_px", [0.0, 1.0])
def test_a_damaged_form_is_refused_and_left_for_a_look(shapes_run, tmp_path, conversions, monkeypatch, shift_px):
    original = LiteRTModel.run

    def shifted(self, signature, images):
        answer = original(self, signature, images)
        return answer | {"boxes": answer["boxes"] + np.float32(shift_px)}

    monkeypatch.setattr(LiteRTModel, "run", shifted)
    if shift_px == 0:
        export_model(shapes_run, tmp_path / "model", formats=["litert"])
        return
    with pytest.raises(ParityError, match=r"The litert file differs from the network: boxes by 1\.\d+ px"):
        export_model(shapes_run, tmp_path / "model", formats=["litert"])
    assert {"model.tflite", "card.json", "model.keras"} <= set(files(tmp_path / "model"))
    assert ModelCard.read(tmp_path / "model").parity["litert"]["box_px"] >= 1


def test_without_its_data_a_network_is_compared_on_noise(shapes_run, tmp_path, conversions):
    source = Path(shutil.copytree(shapes_run, tmp_path / "run"))
    config = load_config(shapes_run / "config.yaml")
    moved = config.data.model_copy(update={"format": "voc", "path": "moved/away"})
    save_config(config.model_copy(update={"data": moved}), source / "config.yaml")
    differences = ModelCard.read(export_model(source, tmp_path / "model", formats=["litert"])).parity
    assert differences["pictures"] == 4
    assert differences["litert"]["candidates"] == 4 * (8 * 12 + 4 * 6)


# Exporting again


def test_an_export_in_place_keeps_the_network_its_metrics_and_the_other_forms(copied, conversions):
    card = ModelCard.read(copied)
    measured = ModelCard(**{**vars(card), "metrics": {"ap50": 0.93}, "extra": {"note": "from the lab"}})
    measured.write(copied)
    before = {name: digest(copied / name) for name in files(copied) if name != "card.json"}
    assert export_model(copied, copied, formats=["litert"]) == copied
    assert {name: digest(copied / name) for name in files(copied) if name != "card.json"} == before
    again = ModelCard.read(copied)
    assert again.metrics == {"ap50": 0.93}
    assert again.extra == {"note": "from the lab"}
    assert again.sha256 == card.sha256
    assert again.parity["saved_model"] == card.parity["saved_model"]
    assert again.parity["litert_int8"] == card.parity["litert_int8"]
    assert conversions == [["candidates", "serving_default"]]


def test_metrics_stay_when_the_run_they_came_from_is_exported_again(copied, shapes_run, conversions):
    # The .keras file is written anew, with another time in it, for the same weights.
    ModelCard(**{**vars(ModelCard.read(copied)), "metrics": {"ap50": 0.93}}).write(copied)
    export_model(shapes_run / "model.keras", copied, formats=["litert"])
    assert ModelCard.read(copied).metrics == {"ap50": 0.93}


def test_metrics_stay_with_a_card_that_knows_the_file_only(copied, conversions):
    card = ModelCard.read(copied)
    model = {key: value for key, value in card.model.items() if key != "weights_sha256"}
    ModelCard(**{**vars(card), "model": model, "metrics": {"ap50": 0.93}}).write(copied)
    export_model(copied, copied, formats=["litert"])
    assert ModelCard.read(copied).metrics == {"ap50": 0.93}


def test_a_calibration_stays_with_its_network(copied, conversions):
    card = ModelCard.read(copied)
    calibrated = card.thresholds | {"calibration": {"threshold": 1.1}}
    ModelCard(**{**vars(card), "thresholds": calibrated, "metrics": {"ap50": 0.93}}).write(copied)
    export_model(copied, copied, formats=["litert"])
    again = ModelCard.read(copied)
    assert again.thresholds == calibrated
    assert again.metrics == {"ap50": 0.93}
    assert (copied / "saved_model.pb").exists()


@pytest.mark.parametrize("changed", ["weights", "thresholds"])
def test_another_network_keeps_neither_metrics_nor_forms_of_the_earlier(
    copied, shapes_run, tmp_path, monkeypatch, conversions, changed
):
    ModelCard(**{**vars(ModelCard.read(copied)), "metrics": {"ap50": 0.93}}).write(copied)
    source = Path(shutil.copytree(shapes_run, tmp_path / "run"))
    if changed == "weights":
        trained = load_trained(source)
        trained.model.set_weights([weight + 0.001 for weight in trained.model.get_weights()])
        trained.model.save(source / "model.keras")
    else:
        config = load_config(source / "config.yaml")
        stricter = config.export.model_copy(update={"iou": 0.3})
        save_config(config.model_copy(update={"export": stricter}), source / "config.yaml")
    monkeypatch.setattr(detection_parity, "check", lambda differences: None)
    export_model(source, copied, formats=["litert"])
    card = ModelCard.read(copied)
    assert card.metrics == {}
    assert set(card.parity) == {"pictures", "litert"}
    assert sorted(card.sha256) == ["config.yaml", "history.csv", "model.keras", "model.tflite"]
    assert not any((copied / name).exists() for name in ("saved_model.pb", "variables", "model.int8.tflite"))


def test_a_folder_from_elsewhere_does_not_replace_another_network_of_its_name(copied, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = Path(shutil.copytree(copied, tmp_path / "saved_models" / "shapes"))
    card = ModelCard.read(there)
    ModelCard(**{**vars(card), "model": card.model | {"weights_sha256": "0" * 64}}).write(there)
    before = digest(there / "model.keras"), digest(there / "card.json")
    with pytest.raises(ConfigError, match="saved_models/shapes holds another network than .*shapes, .*--output"):
        export_model(copied, formats=["litert"])
    assert (digest(there / "model.keras"), digest(there / "card.json")) == before


def test_by_default_the_folder_is_that_of_the_name_and_the_formats_those_of_the_configuration(
    shapes_run, tmp_path, monkeypatch, conversions
):
    monkeypatch.chdir(tmp_path)
    source = Path(shutil.copytree(shapes_run, tmp_path / "runs" / "shapes"))
    config = load_config(source / "config.yaml")
    only = config.export.model_copy(update={"formats": ("litert",)})
    save_config(config.model_copy(update={"export": only}), source / "config.yaml")
    assert export_model("runs/shapes") == Path("saved_models/shapes")
    assert files(tmp_path / "saved_models" / "shapes") == [
        "card.json", "config.yaml", "history.csv", "model.keras", "model.tflite",
    ]  # fmt: skip


def test_fields_of_the_export_can_be_replaced_and_are_saved_with_the_model(
    copied, shapes_run, tmp_path, conversions, monkeypatch
):
    monkeypatch.setattr(detection_parity, "check", lambda differences: None)  # the file is the one of before
    ModelCard(**{**vars(ModelCard.read(copied)), "metrics": {"ap50": 0.93}}).write(copied)
    export_model(copied, copied, formats=["litert"], overrides=["export.iou=0.3"])
    card = ModelCard.read(copied)
    assert card.thresholds["iou"] == load_config(copied / "config.yaml").export.iou == 0.3
    assert card.metrics == {}  # they are those of another graph
    assert load_config(shapes_run / "config.yaml").export.iou == 0.45
    with pytest.raises(ConfigError, match="Only fields of `export` can be replaced.*Received 'training.epochs=3'"):
        export_model(copied, tmp_path / "other", overrides=["training.epochs=3"])


# Wrong usage


def test_a_folder_that_is_no_trained_network_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is not a trained network: expected model.keras and config.yaml"):
        export_model(tmp_path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_another_network_and_other_things_are_refused_and_left_alone(copied, shapes_run, tmp_path, conversions):
    ModelCard(**{**vars(ModelCard.read(copied)), "labels": ("cat", "dog")}).write(copied)
    shutil.copytree(shapes_run, tmp_path / "other" / "runs")
    for folder, says in ((copied, "holds another network"), (tmp_path / "other", "is no model folder: it holds runs")):
        before = files(folder)
        with pytest.raises(ConfigError, match=says):
            export_model(shapes_run, folder, formats=["litert"])
        assert files(folder) == before and not conversions


def test_graphs_of_another_backend_are_refused_before_anything_is_written(shapes_run, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(
        ConfigError,
        match=f"KERAS_BACKEND=jax. {shapes_run} is unchanged: run the same command with KERAS_BACKEND=tensorflow",
    ):
        export_model(shapes_run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("formats", ["litert", ["savedmodel"], ["litert", "tflite"]])
def test_unknown_formats_are_refused(shapes_run, tmp_path, formats):
    with pytest.raises(ValueError, match="`formats` must be a list of any of saved_model, litert, onnx. Received "):
        export_model(shapes_run, tmp_path / "model", formats=formats)
    assert not (tmp_path / "model").exists()


def test_8_bits_without_the_training_pictures_are_refused_before_anything_is_written(shapes_run, tmp_path):
    source = Path(shutil.copytree(shapes_run, tmp_path / "run"))
    config = load_config(shapes_run / "config.yaml")
    moved = config.data.model_copy(update={"format": "voc", "path": "moved/away"})
    save_config(config.model_copy(update={"data": moved}), source / "config.yaml")
    with pytest.raises(ConfigError) as error:
        export_model(source, tmp_path / "model", int8=True)
    assert "which are not where the configuration says: data.path 'moved/away'." in str(error.value)
    assert f"or correct the path in {source / 'config.yaml'}" in str(error.value)
    assert not (tmp_path / "model").exists()


def test_onnx_without_its_libraries_is_refused_before_anything_is_written(shapes_run, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="needs tf2onnx and onnxruntime: `pip install 'cnn_suite\\[onnx\\]'`"):
        export_model(shapes_run, tmp_path / "model", formats=["litert", "onnx"])
    assert not (tmp_path / "model").exists()
