"""A freshly exported model is measured on whatever form of it was exported."""

from types import SimpleNamespace

import pytest

from cnn_suite import evaluate
from cnn_suite.config import save_config
from cnn_suite.config_classification import ClassificationConfig, Data
from cnn_suite.evaluate import evaluate_run
from cnn_suite.results import ModelCard


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A run and its model folder, and a task that tells the runtime it was measured on."""
    save_config(ClassificationConfig(name="run", data=Data(path="absent")), tmp_path / "config.yaml")
    ModelCard("run", "classification", ("cat", "dog")).write(tmp_path)
    measures = SimpleNamespace(
        evaluate_validation=lambda folder, config, *, runtime, **_: {"runtime": runtime},
        RECORDED=("runtime",),
        PROTOCOL="told",
    )
    monkeypatch.setattr(evaluate, "evaluation_of", lambda task: measures)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "runtime"),
    [(["saved_model.pb"], "saved_model"), (["saved_model.pb", "model.tflite"], "litert"), (["model.tflite"], "litert")],
)
def test_the_form_that_was_exported_is_measured(run, files, runtime):
    for name in files:
        (run / name).touch()
    assert evaluate_run(run, run) == {"runtime": runtime}
    assert ModelCard.read(run).metrics["validation"]["runtime"] == runtime


def test_a_folder_with_no_form_to_measure_is_left_without_figures(run, caplog):
    (run / "model.onnx").touch()
    assert evaluate_run(run, run) == {} and ModelCard.read(run).metrics == {}
    assert "was not measured: it holds neither model.tflite nor saved_model.pb" in caplog.text
