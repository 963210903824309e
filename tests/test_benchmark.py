"""Tests of cnn_suite.benchmark: what is refused, what is measured, and that each runtime pays only for itself."""

import json
from pathlib import Path

import pytest

from cnn_suite import benchmark
from cnn_suite.benchmark import benchmark_model, render
from cnn_suite.benchmark_process import _concrete, _summary


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest graph that takes a uint8 picture of any size, in three formats."""
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("models") / "mean_colour"

    class MeanColour(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")])
        def __call__(self, images):  # noqa: ANN001, ANN204
            return {"colour": tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2))}

    module = MeanColour()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    (folder / "model.tflite").write_bytes(converter.convert())
    keras.Sequential([keras.Input((32, 48, 3)), keras.layers.GlobalAveragePooling2D()]).save(folder / "model.keras")
    return folder


@pytest.mark.slow
def test_every_format_of_a_folder_is_measured_in_its_own_process(model_folder: Path) -> None:
    figures = benchmark_model(model_folder, size_hw=(40, 60), repeats=5, warm_up=2, threads=1)
    assert list(figures["runtimes"]) == ["litert", "saved_model", "keras"]
    assert figures["runtimes"]["litert"]["input_shape"] == [1, 40, 60, 3]
    assert figures["runtimes"]["saved_model"]["input_shape"] == [1, 40, 60, 3]
    assert figures["runtimes"]["keras"]["input_shape"] == [1, 32, 48, 3]  # the network's own size
    assert not figures["runtimes"]["litert"]["tensorflow_imported"]
    assert figures["runtimes"]["saved_model"]["tensorflow_imported"]
    for row in figures["runtimes"].values():
        latency = row["latency_ms"]
        assert 0 < latency["minimum"] <= latency["median"] <= latency["p90"] <= latency["p99"]
        assert row["start_up_s"] > 0 and row["peak_memory_mib"] > 1 and row["file_mib"] > 0
    assert figures["runtimes"]["litert"]["peak_memory_mib"] < figures["runtimes"]["saved_model"]["peak_memory_mib"]
    json.dumps(figures)
    assert render(figures).count("\n| ") == 4


def test_an_unknown_runtime_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").touch()
    known = "litert, litert_int8, saved_model, keras, onnx or all"
    with pytest.raises(ValueError, match=f"Unknown runtime 'torch'. Choose from {known}"):
        benchmark_model(tmp_path, runtime="torch")


def test_a_folder_without_the_runtimes_file_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="needs model.onnx, which .* does not contain. Write it with `cnn-suite export"
    ):
        benchmark_model(tmp_path, runtime="onnx")


def test_a_folder_without_any_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a model folder: it contains none of model.tflite"):
        benchmark_model(tmp_path)


def test_no_repeats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").touch()
    with pytest.raises(ValueError, match="must be at least 1. Received 0 and 10"):
        benchmark_model(tmp_path, repeats=0)


def test_a_broken_file_gives_the_runtimes_own_words_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"Measuring litert failed \(status 1\): ValueError: ") as raised:
        benchmark_model(tmp_path, runtime="litert")
    assert "\n" not in str(raised.value)


def test_percentiles_of_one_to_a_hundred_milliseconds() -> None:
    import numpy as np

    figures = _summary(np.arange(1.0, 101.0))
    assert figures["mean"] == figures["median"] == 50.5  # (1 + 100) / 2
    assert figures["minimum"] == 1.0
    assert figures["p90"] == pytest.approx(90.1)  # 1 + 0.9 * 99


def test_open_extents_become_one_picture_of_the_asked_size() -> None:
    assert _concrete([-1, -1, -1, 3], (480, 640)) == (1, 480, 640, 3)
    assert _concrete([None, 320, 256, 3], (480, 640)) == (1, 320, 256, 3)


def test_the_table_has_a_row_for_each_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").touch()
    (tmp_path / "model.onnx").touch()
    row = {
        "input_shape": [1, 8, 8, 3],
        "latency_ms": {"median": 1.5, "p90": 2.0, "p99": 3.0},
        "throughput_per_s": 500.0,
        "start_up_s": 0.2,
        "peak_memory_mib": 60.0,
        "file_mib": 1.25,
    }
    monkeypatch.setattr(benchmark, "_in_fresh_process", lambda task: row)
    table = render(benchmark_model(tmp_path))
    assert "| litert | 1x8x8x3 | 1.50 | 2.00 | 3.00 | 500.0 | 0.20 | 60 | 1.25 |" in table
    assert "| onnx | 1x8x8x3 |" in table
