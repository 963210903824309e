"""Tests of cnn_suite.cli_stylize: words to arguments, refusals at once, exit statuses."""

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest
import typer

from cnn_suite import cli, cli_stylize
from cnn_suite.cli_stylize import _process_age_s, stylize
from cnn_suite.style_transfer.output_files import write_whole
from cnn_suite.style_transfer.settings import TransferSettings
from tests.small_perception import smooth_picture

FIGURES = {"output": "out.png", "ended": "done", "style_error_down": 0.95}


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line with this verb, whether or not it has it already."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(stylize)
    app.command("other")(lambda: None)
    monkeypatch.setattr(cli, "app", app)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A photograph, a painting, and where to write."""
    for name in ("photo.png", "painting.png"):
        write_whole(tmp_path / name, smooth_picture(1, (20, 30)))
    return [str(tmp_path / "photo.png"), str(tmp_path / "painting.png"), "--output", str(tmp_path / "out.png")]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the verbs are called with: they are stand-ins."""
    import cnn_suite.stylize as real
    import cnn_suite.stylize_video as real_video

    seen: list[dict[str, Any]] = []

    def stylize_picture(photo: str, paintings: list[Path], output: Path, settings: TransferSettings, **more: Any):
        seen.append({"photo": photo, "paintings": paintings, "output": output, "settings": settings, **more})
        return dict(FIGURES)

    def stylize_with_model(model: Path, source: str, output: Path, **more: Any):
        seen.append({"model": model, "source": source, "output": output, **more})
        return {"output": output, "pictures": 1, "faults": {"a.png": "cut"} if source.endswith("bad") else {}}

    def stylize_video(video: str, paintings: list[Path], output: Path, settings: TransferSettings, **more: Any):
        seen.append({"video": video, "paintings": paintings, "output": output, "settings": settings, **more})
        return {"output": output, "ended": FIGURES["ended"], "frames": 3, "flicker": 1.5}

    monkeypatch.setattr(real, "stylize_picture", stylize_picture)
    monkeypatch.setattr(real_video, "stylize_video", stylize_video)
    stand_in = types.ModuleType("cnn_suite.stylize_batch")
    stand_in.stylize_with_model = stylize_with_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cnn_suite.stylize_batch", stand_in)
    return seen


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, typer\nfrom cnn_suite.cli_stylize import stylize\n"
        "app = typer.Typer(); app.command()(stylize)\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "sys.exit(str([name for name in ('tensorflow', 'keras', 'cv2', 'numpy') if name in sys.modules] or '') or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "PAINTING" in done.stdout


def test_without_options_everything_is_as_usual(files, calls, capsys) -> None:
    assert cli.main(["stylize", *files]) == 0
    (call,) = calls
    assert call["settings"] == TransferSettings()
    assert call["paintings"] == [Path(files[1])]
    assert call["painting_weights"] is None and call["masks"] == []
    assert "style_error_down" in capsys.readouterr().out


@pytest.mark.parametrize(("age", "counted"), [(0.7, 0.7), (500.0, 3.0)])
def test_the_time_budget_begins_with_the_program(files, calls, monkeypatch, age: float, counted: float) -> None:
    monkeypatch.setattr(cli_stylize, "_process_age_s", lambda: age)
    assert cli.main(["stylize", *files]) == 0
    assert calls[0]["started"] == pytest.approx(time.monotonic() - counted, abs=0.5)


def test_the_age_of_a_program_counts_from_its_start() -> None:
    program = "import time; time.sleep(0.6); from cnn_suite.cli_stylize import _process_age_s; print(_process_age_s())"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 0.6 <= float(done.stdout) <= time.monotonic() - began + 0.02
    assert _process_age_s() > 0.6


def test_scipy_gets_one_thread_beside_tensorflow_unless_somebody_said_otherwise(files, calls, monkeypatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert cli.main(["stylize", *files, "--optimizer", "lbfgs"]) == 0
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    assert cli.main(["stylize", *files]) == 0
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert cli.main(["stylize", *files, "--optimizer", "lbfgs"]) == 0
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_every_panel_of_the_help_says_which_ways_its_options_are_for() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(stylize)
    options = typer.main.get_command(app).params
    assert {option.rich_help_panel for option in options} - {None} == set(cli_stylize._WAYS)
    shared = {option.name for option in options if option.rich_help_panel is None}
    assert shared == {"photo", "output", "paintings", "as_json", "quiet", "debug"}


def test_every_option_arrives(files, calls, capsys, monkeypatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    words = "--size 64 --strength 2 --colours luma --seconds 5 --iterations 7 --start noise --optimizer lbfgs"
    words += " --learning-rate 4 --scales 2 --painting-scale 0.5 --tile 32 --seed 3 --alpha 2 --beta 3 --tv 0.5"
    words += " --normalisation gatys --backbone vgg16 --pooling average --weights 2,1 --checkpoint c.npz --resume"
    words += " --frames way.mp4 --preview --backbone-weights w.h5 --json"
    given = [files[0], files[1], files[1], *files[2:], "--mask", files[0], "--mask", files[1]]
    assert cli.main(["stylize", *given, *words.split()]) == 0
    (call,) = calls
    assert call["settings"] == TransferSettings(
        size=64, strength=2, colours="luma", seconds=5, iterations=7, start="noise", optimizer="lbfgs",
        learning_rate=4, scales=2, painting_scale=0.5, tile=32, seed=3, alpha=2, beta=3, tv=0.5, normalisation="gatys",
    )  # fmt: skip
    assert (call["backbone"], call["pooling"], call["weights"]) == ("vgg16", "average", Path("w.h5"))
    assert call["painting_weights"] == [2.0, 1.0]
    assert call["masks"] == [Path(files[0]), Path(files[1])]
    beside = call["beside"]
    assert (beside.checkpoint, beside.resume, beside.frames_video) == (Path("c.npz"), True, Path("way.mp4"))
    assert beside.preview
    assert json.loads(capsys.readouterr().out) == FIGURES


def test_with_a_model_its_own_verb_is_called(files, calls, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    words = [files[0], *files[2:], "--model", str(model), "--style", "a,b=2", "--strength", "0.5", "--size", "64"]
    assert cli.main(["stylize", *words]) == 0
    (call,) = calls
    assert (call["model"], call["style"], call["strength"], call["size"]) == (model, "a,b=2", 0.5, 64)
    assert (call["runtime"], call["threads"], call["colours"]) == ("litert", 2, "none")
    (tmp_path / "bad").mkdir()
    assert cli.main(["stylize", str(tmp_path / "bad"), *files[2:], "--model", str(model)]) == 1  # one was damaged


def test_a_video_goes_to_its_own_verb(files, calls, capsys, monkeypatch, tmp_path: Path) -> None:
    video = tmp_path / "film.MP4"
    video.write_bytes(b"")
    words = [str(video), files[1], "--output", "out.mp4", "--max-frames", "3", "--size", "64", "--iterations", "9"]
    words += ["--weights", "2", "--colours", "luma", "--backbone", "vgg16", "--pooling", "average", "--json"]
    assert cli.main(["stylize", *words, "--backbone-weights", "w.h5"]) == 0
    (call,) = calls
    assert (call["video"], call["output"], call["paintings"]) == (str(video), Path("out.mp4"), [Path(files[1])])
    assert call["settings"] == TransferSettings(size=64, iterations=9, colours="luma")
    assert (call["max_frames"], call["painting_weights"], call["weights"]) == (3, [2.0], Path("w.h5"))
    assert (call["backbone"], call["pooling"]) == ("vgg16", "average")
    assert json.loads(capsys.readouterr().out)["flicker"] == 1.5
    monkeypatch.setitem(FIGURES, "ended", "interrupted")
    assert cli.main(["stylize", str(video), files[1], "--output", "out.mp4"]) == 130
    assert "Interrupted: out.mp4 contains the 3 frames painted so far." in capsys.readouterr().err


def test_an_interruption_ends_with_130_and_says_what_there_is(files, calls, monkeypatch, capsys) -> None:
    monkeypatch.setitem(FIGURES, "ended", "interrupted")
    assert cli.main(["stylize", *files, "--checkpoint", "c.npz"]) == 130
    told = capsys.readouterr().err
    assert "out.png is the best picture so far. To continue, add --checkpoint c.npz --resume." in told


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["PHOTO"], "A painting is missing. Use `cnn-suite stylize PHOTO PAINTING --output FILE`"),
        (["PHOTO", "none.png"], "There is no picture none.png"),
        (["none.jpg", "PAINTING"], "There is no picture none.jpg"),
        (["PHOTO", "PAINTING", "--mask", "none.png"], "There is no picture none.png"),
        (["fox.mp4", "PAINTING"], "There is no video fox.mp4"),
        (["fox.wmv", "PAINTING"], "There is no video fox.wmv"),
        (["fox.mp4", "PAINTING", "--mask", "PHOTO"], "a command that optimises a picture. This one optimises a video."),
        (["fox.mp4", "PAINTING", "--seconds", "9"], "--seconds is only for a command that optimises a picture"),
        (["fox.mp4", "PAINTING", "--resume"], "--resume is only for"),
        (["fox.mp4", "PAINTING", "--optimizer", "lbfgs"], "--optimizer is only for"),
        (["fox.mp4", "--model", "."], "--model paints pictures only. `python apps/stylize.py --source fox.mp4`"),
        (["PHOTO", "PAINTING", "--max-frames", "3"], "--max-frames is only for a command that optimises a video"),
        (["PHOTO", "--model", ".", "--max-frames", "3"], "a trained network (--model). Remove --max-frames."),
        (["PHOTO", "PAINTING", "--start", "blank"], "--start must be one of content, style_mean, noise"),
        (["PHOTO", "PAINTING", "--painting-scale", "0"], "--painting-scale must be between"),
        (["PHOTO", "PAINTING", "--weights", "2;1"], "--weights takes numbers separated by commas"),
        (["PHOTO", "PAINTING", "--style", "wave"], "--style is only for a command that paints with"),
        (["PHOTO", "PAINTING", "--threads", "4"], "--threads is only for"),
        (["PHOTO", "PAINTING", "--model", "."], "A model already contains its styles. Remove the painting"),
        (["PHOTO", "--model", ".", "--seconds", "5"], "--seconds is only for"),
        (["PHOTO", "--model", ".", "--tv", "5"], "that optimises a picture or optimises a video. This one paints with"),
        (["none.jpg", "--model", "."], "There is no picture, folder or pattern 'none.jpg'"),
        (["PHOTO", "--model", "no_such_model"], "There is no model 'no_such_model'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(files, calls, capsys, words: list[str], text: str) -> None:
    names = {"PHOTO": files[0], "PAINTING": files[1]}
    assert cli.main(["stylize", *[names.get(word, word) for word in words], *files[2:]]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
    assert not calls


def test_a_picture_that_cannot_be_used_ends_with_1_and_writes_nothing(files, capsys) -> None:
    Path(files[1]).write_bytes(Path(files[1]).read_bytes()[:-40])
    assert cli.main(["stylize", *files]) == 1
    assert "painting.png" in capsys.readouterr().err
    assert not Path(files[3]).exists()
