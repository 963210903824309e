from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnn_suite.runtime.model_files import pulled
from cnn_suite.runtime.model_files.pulled import NotPulledError, find_or_pull


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def commands(home, monkeypatch):
    """Stands in for the process: notes its command and makes the model folder unless told to fail."""
    seen = []

    def run(command, **options):
        seen.append((command, options))
        model = command[4]
        if model != "yolov3":
            (home / "models" / model).mkdir(parents=True)
            (home / "models" / model / "card.json").write_text("{}")
        return subprocess.CompletedProcess(command, int(model == "yolov3"))

    monkeypatch.setattr(pulled.subprocess, "run", run)
    return seen


def test_a_known_detector_is_pulled_the_first_time_only(home, commands):
    assert find_or_pull("yolo-fastest-1.1") == home / "models" / "yolo-fastest-1.1"
    assert find_or_pull("yolo-fastest-1.1") == home / "models" / "yolo-fastest-1.1"
    ((command, options),) = commands
    assert command == [sys.executable, "-m", "cnn_suite.cli", "pull", "yolo-fastest-1.1"]
    assert options["stdout"] == subprocess.DEVNULL and "stderr" not in options  # its progress is seen


def test_quiet_is_passed_on(commands):
    find_or_pull("yolov4-tiny", quiet=True)
    assert commands[0][0][-1] == "--quiet"


def test_a_folder_and_a_name_in_saved_models_come_first(home, commands, tmp_path):
    (tmp_path / "saved_models" / "yolov3").mkdir(parents=True)
    (tmp_path / "saved_models" / "yolov3" / "card.json").write_text("{}")
    assert find_or_pull("yolov3") == Path("saved_models") / "yolov3"
    assert find_or_pull(str(tmp_path)) == tmp_path
    assert commands == []


def test_a_failing_pull_ends_in_an_error_that_points_to_its_line(commands):
    with pytest.raises(NotPulledError, match=r"The model 'yolov3' could not be pulled; see above\."):
        find_or_pull("yolov3")


@pytest.mark.parametrize("model", ["yolov99", "vgg16"])  # the second is known, but no model folder comes of it
def test_other_names_are_refused_without_a_process(commands, model):
    with pytest.raises(FileNotFoundError, match=f"There is no model '{model}'"):
        find_or_pull(model)
    assert commands == []


def test_the_real_command_passes_its_line_through(home, monkeypatch, capfd):
    """The cache is a file, so that the command fails before it asks for the network."""
    home.write_text("")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    with pytest.raises(NotPulledError):
        find_or_pull("yolo-fastest-1.1")
    assert "cnn-suite pull: Cannot write to the folder" in capfd.readouterr().err


def test_neither_tensorflow_nor_requests_is_imported():
    program = (
        "import sys, cnn_suite.runtime.model_files.pulled\n"
        "heavy = {'tensorflow', 'keras', 'requests', 'cnn_suite.weights'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
