"""The style app on small videos and pictures, with a model of two styles that are simple sums."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime import window as window_module
from tests.style_model import write_style_model

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps" / "stylize.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_style_model(tmp_path_factory.mktemp("models") / "two_styles")


@pytest.fixture
def stylize(run_app, model):
    """Runs the app with the model of two styles; returns (status, stdout, stderr)."""

    def run(*words, headless=True):
        return run_app("stylize", *([] if "--model" in words else ["--model", model]), *words, headless=headless)

    return run


def scene(index, size_hw=(64, 96)):
    """A smooth picture that glides to the left."""
    y, x = np.mgrid[: size_hw[0], : size_hw[1]]
    waves = [np.sin((x + 2 * index) / 7 + k) * np.cos(y / 5 + k) for k in range(3)]
    return (128 + 100 * np.stack(waves, -1)).astype(np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "in.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 64))
    for index in range(30):
        writer.write(scene(index)[..., ::-1])
    writer.release()
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    cv2.imwrite(str(path), scene(0)[..., ::-1])
    return path


def read(path):
    return cv2.imread(str(path))[..., ::-1]


def frames(path):
    capture, found = cv2.VideoCapture(str(path)), []
    while (answer := capture.read())[0]:
        found.append(answer[1][..., ::-1])
    return found


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_picture_comes_out_painted_and_nothing_else(stylize, photo, tmp_path):
    out, results = tmp_path / "out.png", tmp_path / "r.jsonl"
    status, said, error = stylize("--source", photo, "--output", out, "--results", results)
    assert status == 0, error
    np.testing.assert_array_equal(read(out), 255 - scene(0))
    assert "1 frame in" in said and "latency" in said and "found nothing" not in said and "flicker" not in said
    [record] = records(results)
    assert record["style"] == {"negative": 1.0} and record["detections"] == []
    assert (record["width"], record["height"]) == (96, 64)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--style", "dark"], lambda x: x * 0.5),
        (["--style", "negative=1,dark=3"], lambda x: 0.25 * (255 - x) + 0.375 * x),
        (["--strength", "0.5"], lambda x: np.full(x.shape, 127.5)),
        (["--strength", "0"], lambda x: x),
        (["--mirror"], lambda x: 255 - x[:, ::-1]),
    ],
)
def test_flags_say_what_is_painted(stylize, photo, tmp_path, words, expected):
    status, _, error = stylize("--source", photo, "--output", tmp_path / "out.png", *words)
    assert status == 0, error
    np.testing.assert_allclose(read(tmp_path / "out.png"), expected(scene(0).astype(float)), atol=1.01)


def test_colours_are_kept_size_and_side_by_side(stylize, photo, tmp_path):
    stylize("--source", photo, "--output", tmp_path / "kept.png", "--keep-colours", "--style", "dark")
    luma = np.array([0.299, 0.587, 0.114])
    photo_rgb, kept = scene(0).astype(float), read(tmp_path / "kept.png").astype(float)
    shown = (kept > 0).all(-1) & (kept < 255).all(-1)
    np.testing.assert_allclose((kept @ luma)[shown], (photo_rgb @ luma * 0.5)[shown], atol=1.6)
    status, _, _ = stylize("--source", photo, "--output", tmp_path / "two.png", "--side-by-side", "--size", 48)
    two = read(tmp_path / "two.png")
    assert status == 0 and two.shape == (64, 192, 3)
    np.testing.assert_array_equal(two[:, :96], scene(0))
    apart = np.abs(two[:, 96:].astype(int) - (255 - scene(0)))
    assert 0 < apart.mean() < 6  # painted on half the size, so not quite the same


def test_a_video_keeps_its_frames_and_tells_its_flicker(stylize, video, tmp_path):
    out, results = tmp_path / "out.avi", tmp_path / "r.jsonl"
    status, said, error = stylize("--source", video, "--output", out, "--results", results, "--style", "dark,negative")
    assert status == 0, error
    assert len(frames(out)) == 30 and [record["frame"] for record in records(results)] == list(range(30))
    assert "30 frames in" in said and "; each frame by itself: " in said
    status, said, _ = stylize("--source", video, "--no-steady", "--max-frames", 3, "--snapshot", tmp_path / "s.png")
    assert status == 0 and "flicker: " in said and "by itself" not in said
    np.testing.assert_array_equal(read(tmp_path / "s.png"), 255 - frames(video)[0])


def test_a_folder_of_pictures_becomes_a_folder_of_paintings(stylize, photo, tmp_path):
    (tmp_path / "in").mkdir()
    for name, index in [("a", 0), ("b", 5)]:
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), scene(index)[..., ::-1])
    status, _, error = stylize("--source", tmp_path / "in", "--output", tmp_path / "out", "--quiet")
    assert status == 0, error
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg", "b.jpg"]
    assert np.abs(read(tmp_path / "out" / "b.jpg").astype(int) - (255 - scene(5))).mean() < 3


def test_keys_paint_a_still_picture_anew_in_the_window(stylize, photo, monkeypatch, tmp_path):
    shown, keys = [], [-1] * 3 + [ord("n"), ord("s"), ord("b"), ord("q")]
    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture[..., ::-1].copy()))
    monkeypatch.setattr(cv2, "waitKey", lambda _: keys.pop(0) if shown and keys else -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(window_module, "why_no_window", lambda: None)
    monkeypatch.chdir(tmp_path)
    status, _, error = stylize("--source", photo, headless=False)
    assert status == 0, error
    first, other, beside = shown
    np.testing.assert_array_equal(first[:8], (255 - scene(0))[:8])  # above the overlay
    np.testing.assert_array_equal(other[:8], (scene(0) * 0.5 + 0.001).astype(np.uint8)[:8])
    assert (first[-20:] != (255 - scene(0))[-20:]).any() and beside.shape == (64, 192, 3)
    np.testing.assert_array_equal(read(tmp_path / "stylize_001.png"), (scene(0) * 0.5 + 0.001).astype(np.uint8))


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--style", "wave"], 2, "stylize: --style: This model has no style 'wave'. Its styles: negative, "),
        (["--style", "dark=lots"], 2, "A style's weight must be a number"),
        (["--strength", "1.5"], 2, "must be a number from 0 to 1. Received '1.5'"),
        (["--size", "4"], 2, "must be 32 pixels or more. Received '4'"),
        (["--model", "no_such_model"], 2, "no_such_model"),
        (["--output", "x.docx"], 1, "has an unknown suffix for a video"),
        (["--source", "nowhere.png"], 2, "There is no source 'nowhere.png'"),
    ],
)
def test_what_cannot_be_done_is_said(stylize, photo, words, status, message):
    ended, _, error = stylize("--source", photo, *words)
    assert ended == status and message in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((1, 1, 3), np.uint8), "Received 1 x 1 pixels"),
        (b"\x89PNG\r\n\x1a\n junk", "is damaged or not readable"),
    ],
)
def test_a_picture_that_cannot_be_painted_is_named_and_nothing_is_written(stylize, tmp_path, content, message):
    source = tmp_path / "in.png"
    source.write_bytes(content if isinstance(content, bytes) else cv2.imencode(".png", content)[1].tobytes())
    status, _, error = stylize("--source", source, "--output", tmp_path / "out.png")
    assert status == 1 and message in error and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("kind", ["grey", "rgba", "16 bit"])
def test_pictures_of_other_kinds_are_painted_too(stylize, tmp_path, kind):
    image = {"grey": scene(0)[..., 0], "rgba": np.dstack([scene(0), scene(0)[..., :1]])}.get(kind)
    image = scene(0).astype(np.uint16) * 257 if image is None else image
    cv2.imwrite(str(tmp_path / "in.png"), image)
    status, _, error = stylize("--source", tmp_path / "in.png", "--output", tmp_path / "out.png")
    assert status == 0, error
    assert read(tmp_path / "out.png").shape == (64, 96, 3)


def test_help_imports_nothing_heavy():
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{str(APP)!r}, '--help']\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\nexcept SystemExit as end:\n"
        "    assert end.code == 0\n"
        "assert not {'tensorflow', 'keras', 'cv2', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "--no-steady" in done.stdout
