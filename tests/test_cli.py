"""Tests of cnn_suite.cli: exit statuses, plain errors, pure JSON, and help that costs no TensorFlow."""

import json
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_suite.cli import main
from cnn_suite.results import ModelCard

VERBS = ["train", "evaluate", "export", "benchmark", "doctor", "data", "find-rate", "models", "summary", "config"]
VERBS += ["convert", "pull", "weights", "stylize"]
HEAVY = ["tensorflow", "keras", "cv2", "scipy", "matplotlib"]


def replace_verb(monkeypatch: pytest.MonkeyPatch, module: str, **members: Any) -> None:
    """Put a small stand-in where a command imports its verb from."""
    stand_in = types.ModuleType(f"cnn_suite.{module}")
    for name, member in members.items():
        setattr(stand_in, name, member)
    monkeypatch.setitem(sys.modules, f"cnn_suite.{module}", stand_in)


class OurError(RuntimeError):
    """What the project raises itself, whatever kind it is."""

    __module__ = "cnn_suite.somewhere"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Anything that exists: the stand-ins never look inside."""
    path = tmp_path / "model"
    path.mkdir()
    return path


@pytest.mark.parametrize("words", [[], *[[verb] for verb in VERBS]], ids=lambda words: " ".join(words) or "no verb")
def test_help_ends_with_status_0_and_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from cnn_suite.cli import main\n"
        f"status = main({[*words, '--help']!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: cnn-suite" in done.stdout
    assert done.stderr == ""


def test_no_verb_at_all_shows_the_help_and_counts_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], "Run `cnn-suite --help` for usage."),
        (["train"], "Missing argument 'config'"),
        (["train", "absent.yaml"], "file 'absent.yaml' does not exist"),
        (["evaluate", "absent", "--data", "."], "There is no model 'absent'"),
        (["evaluate", ".", "--data", "absent"], "'absent' does not exist"),
        (["benchmark", "absent"], "There is no model 'absent'"),
        (["evaluate", "."], "Missing option '--data'"),
        (["benchmark", ".", "--size", "480"], "--size takes HEIGHTxWIDTH in pixels, for example 480x640."),
        (["benchmark", ".", "--size", "0x640"], "Received '0x640'"),
        (["benchmark", ".", "--repeats", "0"], "--repeats"),
        (["export", "absent"], "There is no model 'absent'"),
        (["export", ".", "--formats", "litert,pickle"], "--formats takes saved_model, litert and onnx"),
        (["config", "detektion"], "task: must be one of detection, "),
        (["summary", "resnet21"], "Unknown network 'resnet21'. Did you mean"),
        (["summary", "lenet5", "--size", "28"], "--size takes HEIGHTxWIDTH"),
        (["doctor", ".", "--gird", "8"], "No such option: --gird"),
        (["pull"], "Missing argument 'name'"),
        (["pull", "yolov3-tny"], "Unknown weights 'yolov3-tny'. Did you mean 'yolov3-tiny'"),
        (["pull", "yunet", "--from", "absent.onnx"], "'absent.onnx' does not exist"),
        (["doctor", ".", "--strides", "8,x"], "Expected positive numbers in groups of 1"),
        (["doctor", ".", "--anchors", "10,14 23"], "in groups of 2, such as '10,14 23,27'. Received '10,14 23'"),
    ],
)
def test_wrong_usage_is_status_2_and_at_most_three_lines(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert 1 <= len(shown.err.splitlines()) <= 3
    assert "Traceback" not in shown.err


def test_a_wrong_key_in_the_configuration_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "blood.yaml"
    config.write_text("name: blood\ndata:\n  path: cells\n  bach_size: 4\n")
    assert main(["train", str(config)]) == 2
    assert "data.bach_size: unknown key. Did you mean 'batch_size'?" in capsys.readouterr().err


def test_train_hands_over_the_overridden_configuration_then_exports_and_evaluates_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "blood.yaml"
    config.write_text("name: blood\ndata:\n  path: cells\n")
    monkeypatch.chdir(tmp_path)
    ModelCard("blood", "detection", ("wbc",), metrics={"test": {"ap": 0.75}}).write(tmp_path / "saved_models" / "blood")
    seen = {}

    def train(config: Any, resume: bool, quiet: bool) -> Path:
        seen.update(epochs=config.training.epochs, resume=resume, quiet=quiet)
        return tmp_path / "runs" / config.name

    replace_verb(monkeypatch, "train", train=train, to_resume=None)
    replace_verb(monkeypatch, "export", export_model=lambda run, replace: tmp_path / "saved" / run.name)
    replace_verb(
        monkeypatch,
        "evaluate",
        evaluate_run=lambda folder, run, quiet: {"ap": 0.5, "ar_1": 0.25},
        evaluation_of=lambda task: types.SimpleNamespace(HEADLINE=("ap", "ap50", "ap75")),
    )
    assert main(["train", str(config), "training.epochs=3", "--resume", "--quiet"]) == 0
    assert seen == {"epochs": 3, "resume": True, "quiet": True}
    shown = capsys.readouterr()
    assert "saved_models/blood will be replaced: blood (detection, ap 0.75 on test).\n" in shown.err
    assert [line.split() for line in shown.out.splitlines()] == [
        ["run", str(tmp_path / "runs" / "blood")],
        ["model", str(tmp_path / "saved" / "blood")],
        ["validation"],
        ["ap", "0.5"],
        ["ap50", "None"],
        ["ap75", "None"],
    ]


def test_json_is_the_only_thing_on_stdout_whatever_libraries_print(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def evaluate_model(model: Path, data: Path, **options: Any) -> dict[str, Any]:
        print("1/1 a progress bar of some library")
        return {"ap50": np.float32(0.5), "per_class": {"wbc": float("nan")}, "counts": np.array([1, 2]), "data": data}

    replace_verb(monkeypatch, "evaluate", evaluate_model=evaluate_model)
    assert main(["evaluate", str(folder), "--data", str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "ap50": 0.5, "per_class": {"wbc": None}, "counts": [1, 2], "data": str(folder)
    }  # fmt: skip
    assert "a progress bar" in shown.err


def test_evaluate_shows_nested_metrics_as_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_verb(monkeypatch, "evaluate", evaluate_model=lambda *_, **__: {"ap": 0.25, "per_class": {"wbc": 1.0}})
    assert main(["evaluate", str(folder), "--data", str(folder)]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["ap", "0.25"], ["per_class"], ["wbc", "1"]
    ]  # fmt: skip


def test_export_passes_on_its_formats(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {}

    def export_model(source: Path, **options: Any) -> Path:
        seen.update(options)
        return folder

    replace_verb(monkeypatch, "export", export_model=export_model)
    assert main(["export", str(folder), "--formats", "litert, onnx", "--int8", "--json"]) == 0
    assert seen == {"folder": None, "formats": ("litert", "onnx"), "int8": True, "overrides": ()}
    assert json.loads(capsys.readouterr().out) == {"model": str(folder)}
    assert main(["export", str(folder), "export.mirror=true"]) == 0
    assert seen["formats"] is None  # the configuration decides
    assert seen["overrides"] == ["export.mirror=true"]


def test_benchmark_prints_its_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_verb(
        monkeypatch,
        "benchmark",
        benchmark_model=lambda model, **options: options,
        render=lambda figures: f"{figures['size_hw']} {figures['runtime']} {figures['repeats']} {figures['threads']}",
    )
    assert main(["benchmark", str(folder), "--size", "240x320", "--runtime", "litert", "--repeats", "7"]) == 0
    assert capsys.readouterr().out == "(240, 320) litert 7 2\n"


def test_models_lists_every_network_without_building_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["vgg16"]["parameters"] == 138_357_544 and rows["vgg16"]["input_shape"] == [224, 224, 3]
    assert {"name", "parameters", "multiply_adds", "input_shape", "paper"} == set(rows["lenet5"])
    assert rows["alexnet groups=2"]["parameters"] == 60_965_224
    assert main(["models"]) == 0
    assert "138,357,544" in capsys.readouterr().out


def test_summary_counts_a_network_layer_by_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "lenet5", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["parameters"] for row in rows if row["parameters"]] == [156, 2416, 48120, 10164, 850]
    assert {"name", "output_shape", "parameters", "multiply_adds"} <= set(rows[0])
    assert main(["summary", "lenet5", "--size", "32x32"]) == 0
    assert "lenet5, input 32x32x1" in capsys.readouterr().out
    for words in (["lenet5", "variant=course"], ["lenet5 variant=course"]):
        assert main(["summary", *words]) == 0
        assert "lenet5, input 32x32x3" in capsys.readouterr().out


def test_pull_takes_a_file_and_weights_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {}

    def pull(name: str, **options: Any) -> Path:
        seen.update(options)
        return tmp_path / name

    rows = [{"name": "yunet", "pulled": True}]
    replace_verb(monkeypatch, "pull", pull=pull, weights_table=lambda: rows, as_text=lambda: "yunet yes")
    assert main(["pull", "yunet", "--from", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr().out == f"yunet: {tmp_path / 'yunet'}\n"
    assert (seen["source"], seen["quiet"], seen["on_progress"]) == (tmp_path, True, None)
    assert main(["pull", "yunet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "yunet", "path": str(tmp_path / "yunet")}
    assert main(["weights", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows
    assert main(["weights"]) == 0
    assert capsys.readouterr().out == "yunet yes\n"


def test_weights_lists_the_real_table_with_an_empty_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    assert main(["weights", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["yunet"]["bytes"] == 232_589 and rows["yunet"]["pulled"] is False
    assert rows["yolov3"]["files"][1]["address"] == "https://pjreddie.com/media/files/yolov3.weights"


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A configuration of a small classifier with data of its own."""
    import cv2

    for label in ("dark", "light"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(10):
            image = np.random.default_rng(number).integers(0, 128, (12, 12, 3)) + (100 if label == "light" else 0)
            cv2.imwrite(str(tmp_path / "pictures" / label / f"{number}.png"), image)
    config = tmp_path / "colours.yaml"
    config.write_text(
        f"name: colours\ntask: classification\ndata: {{path: {tmp_path / 'pictures'}, held_out: 0.2, batch_size: 4}}\n"
        "model: {builder: lenet5, image_size_hw: [12, 12]}\n"
    )
    return config


def test_data_counts_both_parts_and_draws_what_training_sees(colours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = colours.parent / "sheet.png"
    assert main(["data", str(colours), "--sheet", str(sheet), "--pictures", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "training": {"pictures": 16, "dark": 8, "light": 8},
        "validation": {"pictures": 4, "dark": 2, "light": 2},
    }
    assert sheet.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("task", "instead"), [("detection", " Try `doctor`."), ("arrays", "")])
def test_data_of_other_tasks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], task, instead) -> None:
    (tmp_path / "config.yaml").write_text(f"name: x\ntask: {task}\ndata: {{path: x}}\n")
    assert main(["data", str(tmp_path / "config.yaml")]) == 2
    told = capsys.readouterr().err
    assert f"needs a classification or style task. Received {task}.{instead}\n" in told


@pytest.mark.slow
def test_a_classifier_goes_all_the_way_from_pictures_to_a_measured_folder(
    colours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(colours.parent)
    assert main(["train", str(colours), "training.epochs=3", "model.options.variant=relu", "--quiet", "--json"]) == 0
    validation = json.loads(capsys.readouterr().out)["validation"]
    assert set(validation) == {"accuracy", "top5", "log_loss", "ece"}
    assert main(["evaluate", "colours", "--data", "pictures", "--split", "validation", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["pictures"], measured["accuracy"]) == (4, validation["accuracy"])
    assert main(["summary", "colours", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["output_shape"] == [2]
    assert main(["export", "runs/colours", "--formats", "litert", "--int8"]) == 0
    card = json.loads((colours.parent / "saved_models" / "colours" / "card.json").read_text())
    assert card["labels"] == ["dark", "light"] and card["metrics"]["validation"]["pictures"] == 4
    assert card["parity"]["saved_model"]["probability"] < 1e-5 and card["parity"]["litert"]["other_class"] == 0


@pytest.mark.slow
def test_find_rate_suggests_a_rate_and_draws_its_trial(colours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = colours.parent / "rates.png"
    assert main(["find-rate", str(colours), "--steps", "20", "--plot", str(plot), "--json"]) == 0
    finding = json.loads(capsys.readouterr().out)
    assert "suggestion" in finding and len(finding["rates"]) == len(finding["losses"])
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [
    ["find-rate", "{colours}", "--plot", "rates.foo"],
    ["find-rate", "{colours}", "--plot", "rates"],
    ["patches", "digits_lenet5", "conv2", "--output", "sheet.xyz"],
])  # fmt: skip
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(
    colours: Path, capsys: pytest.CaptureFixture[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_verb(monkeypatch, "train")
    replace_verb(monkeypatch, "patches")
    assert main([word.format(colours=colours) for word in words]) == 2
    said = capsys.readouterr().err
    assert f"{words[-2]} takes a file that ends in one of ." in said and f"Received {words[-1]!r}." in said


def fake_doctor(monkeypatch: pytest.MonkeyPatch, faults: list[str]) -> dict[str, Any]:
    """Stand-ins for the doctor's parts; what they were given is collected in the dictionary returned."""
    seen: dict[str, Any] = {}
    report = types.SimpleNamespace(faults=faults, data="the data", as_dict=lambda: {"faults": faults})

    def examine(data: Path, **options: Any) -> types.SimpleNamespace:
        seen.update(options)
        return report

    def repair(data: str, folder: Path) -> list[str]:
        seen.update(repaired=data, folder=folder)
        return faults

    replace_verb(monkeypatch, "data.boxes.doctor", examine=examine)
    replace_verb(monkeypatch, "data.boxes.doctor_tables", print_report=lambda report: print("tables"))
    replace_verb(monkeypatch, "data.boxes.repair", repair=repair)
    return seen


def test_doctor_reads_class_folders_and_repairs_none(colours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = colours.parent / "pictures"
    assert main(["doctor", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == {"train": {"dark": 10, "light": 10}}
    (folder / "dark" / "0.png").write_bytes(b"")
    assert main(["doctor", str(folder)]) == 1
    assert "0.png is an empty file. Replace the picture" in capsys.readouterr().out
    assert main(["doctor", str(folder), "--repair", "copy"]) == 2
    assert "--repair writes copies of data for detectors" in capsys.readouterr().err


def test_doctor_of_sound_data_is_status_0(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = fake_doctor(monkeypatch, [])
    words = ["doctor", str(folder), "--labels", "RBC, WBC", "--size", "320x416", "--strides", "8,16"]
    assert main([*words, "--anchors", "10,14 23,27"]) == 0
    assert capsys.readouterr().out == "tables\n"
    assert (seen["labels"], seen["image_size_hw"], seen["strides"]) == (["RBC", "WBC"], (320, 416), [8, 16])
    assert seen["anchors"] == [(10.0, 14.0), (23.0, 27.0)]


def test_doctor_of_faulty_data_is_status_1_and_repairs_into_the_folder_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = fake_doctor(monkeypatch, ["a.xml:3: the box has no area."])
    assert main(["doctor", str(folder), "--json", "--repair", str(tmp_path / "copy")]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"faults": ["a.xml:3: the box has no area."]}
    assert shown.err == f"Repaired copy (1 repairs): {tmp_path / 'copy'}\n"
    assert (seen["repaired"], seen["folder"], seen["anchors"]) == ("the data", tmp_path / "copy", None)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("One line."), ["One line."]),
        (KeyError("Unknown split 'tset'. Known splits: test."), ["Unknown split 'tset'. Known splits: test."]),
        (FileNotFoundError("Model folder 'x' does not exist."), ["Model folder 'x' does not exist."]),
        (ValueError("12 faults:\n  a\n  b\n  c\nWhat to do."), ["12 faults:", "a", "What to do."]),
        (OurError("Said for people."), ["Said for people."]),
        (TypeError("a slip of ours"), ["TypeError: a slip of ours. Use `--debug` to show the traceback."]),
        (ValueError(), ["ValueError. Use `--debug` to show the traceback."]),
    ],
)
def test_a_fault_in_the_work_is_status_1_in_at_most_three_plain_lines(
    error: Exception,
    shown: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def evaluate_model(*_: Any, **__: Any) -> None:
        raise error

    replace_verb(monkeypatch, "evaluate", evaluate_model=evaluate_model)
    words = ["evaluate", str(folder), "--data", str(folder)]
    assert main(words) == 1
    assert capsys.readouterr().err.splitlines() == [f"cnn-suite evaluate: {shown[0]}", *shown[1:]]
    with pytest.raises(type(error)):
        main([*words, "--debug"])


def test_an_interruption_says_so_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def evaluate_model(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    replace_verb(monkeypatch, "evaluate", evaluate_model=evaluate_model)
    assert main(["evaluate", str(folder), "--data", str(folder)]) == 130
    assert capsys.readouterr().err == "cnn-suite evaluate: interrupted.\n"


def test_a_termination_is_an_interruption(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_verb(monkeypatch, "evaluate", evaluate_model=lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    assert main(["evaluate", str(folder), "--data", str(folder)]) == 130
    assert capsys.readouterr().err == "cnn-suite evaluate: interrupted.\n"


@pytest.mark.parametrize("kept", [None, Path("runs/colours/last.keras")])
def test_an_interrupted_training_says_how_to_go_on_where_there_is_something_to_go_on_from(
    kept: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "colours.yaml"
    config.write_text("name: colours\ndata:\n  path: cells\n")

    def train(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    replace_verb(monkeypatch, "train", train=train, to_resume=lambda settings: kept)
    replace_verb(monkeypatch, "export", export_model=None)
    replace_verb(monkeypatch, "evaluate", evaluate_run=None, evaluation_of=None)
    assert main(["train", str(config)]) == 130
    told = capsys.readouterr().err.splitlines()
    further = [f"Interrupted: {kept} is kept. To continue, add --resume."] if kept else []
    assert told == [*further, "cnn-suite train: interrupted."]
