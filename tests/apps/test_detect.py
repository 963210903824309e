from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.media import camera
from cnn_suite.runtime.media.camera import CameraSource
from cnn_suite.runtime.model_files import model_folders
from cnn_suite.runtime.model_files.litert import LiteRTModel

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps" / "detect.py"
BITS = 9  # enough for 300 frames


@pytest.fixture
def detect(run_app, colour_model):
    """Runs the app with the colour model; returns (status, stdout, stderr)."""

    def run(*words, model=colour_model, headless=True):
        return run_app("detect", *words, "--model", model, headless=headless)

    return run


def started(*words, **arguments):
    """The app in a process of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DISPLAY", "WAYLAND"))}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.Popen([sys.executable, str(APP), *map(str, words)], env=environment, **pipes, **arguments)


def numbered(number):
    """A picture that carries its number as a row of black and white blocks."""
    image = np.full((96, 32 * BITS, 3), 90, np.uint8)
    for bit in range(BITS):
        image[8:40, 32 * bit : 32 * bit + 32] = 230 if number >> bit & 1 else 25
    return image


def number_of(image):
    return sum(int(image[14:34, 32 * bit + 6 : 32 * bit + 26].mean() > 128) << bit for bit in range(BITS))


def write_video(path, frames, *, frame_rate=25.0):
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), frame_rate, (32 * BITS, 96))
    for number in range(frames):
        writer.write(numbered(number))
    writer.release()
    return path


def video_frames(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        read, image = capture.read()
        if not read:
            capture.release()
            return frames
        frames.append(image)


def records(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_300_frames_in_are_300_frames_out_in_order(detect, tmp_path):
    video = write_video(tmp_path / "in.mp4", 300)
    status, out, _ = detect("--source", video, "--output", tmp_path / "out.mp4", "--results", tmp_path / "out.jsonl")
    assert status == 0 and "300 frames in" in out and "frames per second" in out
    assert [number_of(image) for image in video_frames(tmp_path / "out.mp4")] == list(range(300))
    assert [record["frame"] for record in records(tmp_path / "out.jsonl")] == list(range(300))


@pytest.mark.slow
def test_a_process_without_a_display_does_the_same_and_says_why_it_opens_no_window(colour_model, tmp_path):
    video = write_video(tmp_path / "in.mp4", 40)
    process = started("--source", video, "--model", colour_model, "--output", tmp_path / "out.mp4")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    if sys.platform.startswith("linux"):
        assert err.startswith("detect: no window, because there is no display (DISPLAY is not set); continuing as with")
        assert err.count("\n") == 1
    assert [number_of(image) for image in video_frames(tmp_path / "out.mp4")] == list(range(40))


class FakeCamera:
    """A camera that is unplugged after some pictures with a red rectangle, which moves to the right."""

    def __init__(self, frames, after=None):
        self.frames, self.given, self.after = frames, 0, after

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        if self.given == self.frames:
            if self.after:
                self.after()
            return False, None
        self.given += 1
        time.sleep(0.01)
        image = np.full((120, 160, 3), 90, np.uint8)
        image[40:80, 10 + 2 * self.given : 40 + 2 * self.given] = (20, 20, 230)
        return True, image

    def get(self, what):
        return 30.0

    def release(self):
        pass


@pytest.fixture
def plug_in(monkeypatch):
    """Plugs in a fake camera as every camera there is."""

    def plug(fake):
        monkeypatch.setattr(camera, "_lacks_device", lambda address: False)
        monkeypatch.setattr(camera, "_open", lambda address: fake)
        monkeypatch.setitem(CameraSource.__init__.__kwdefaults__, "patience_s", 0.1)

    return plug


def test_a_camera_unplugged_half_way_is_one_line_and_status_1_with_the_output_kept(detect, plug_in, tmp_path):
    plug_in(FakeCamera(30))
    status, out, err = detect("--output", tmp_path / "o.mp4", "--results", tmp_path / "o.jsonl")
    assert status == 1
    assert err == "detect: camera 0 stopped delivering pictures after 30 frames. Check its cable or network.\n"
    kept = records(tmp_path / "o.jsonl")
    assert kept[-1]["frame"] == 29 and len(video_frames(tmp_path / "o.mp4")) >= len(kept) > 0
    assert f"{len(kept)} frames in" in out


def test_ctrl_c_ends_a_camera_cleanly_with_everything_playable(detect, plug_in, tmp_path):
    plug_in(FakeCamera(20, after=lambda: os.kill(os.getpid(), signal.SIGINT)))
    status, out, _ = detect(
        "--output", tmp_path / "o.mp4", "--results", tmp_path / "o.csv", "--snapshot", tmp_path / "s.png"
    )
    assert status == 0 and "frames per second" in out
    assert len(video_frames(tmp_path / "o.mp4")) > 0
    assert cv2.imread(str(tmp_path / "s.png")) is not None
    assert list(csv.DictReader((tmp_path / "o.csv").open()))[0]["label"] == "red"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_process_leaves_playable_files(colour_model, tmp_path, number):
    pytest.importorskip("skimage")
    process = started("--source", "demo", "--headless", "--model", colour_model,
                      "--output", tmp_path / "o.mp4", "--results", tmp_path / "o.jsonl")  # fmt: skip
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s and not ((tmp_path / "o.jsonl").exists() and records(tmp_path / "o.jsonl")):
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "") and "frames per second" in out
    assert len(video_frames(tmp_path / "o.mp4")) == len(records(tmp_path / "o.jsonl")) > 0


def test_tracks_lines_and_zones_are_counted(detect, plug_in, tmp_path):
    plug_in(FakeCamera(50))
    _, out, _ = detect("--line", "0.5,1,0.5,0", "--zone", "0,0,0.5,0,0.5,1,0,1", "--results", tmp_path / "o.jsonl")
    assert "found red" in out and "1 tracked" in out
    assert "line 1: 1 to the right, 0 to the left" in out and "zone 1: 1 inside at most, 1 different objects" in out
    last = records(tmp_path / "o.jsonl")[-1]
    assert last["lines"][0]["to_right"] == 1 and last["zones"][0]["inside"] == 0
    assert last["detections"][0]["track_id"] == 1


def test_mirroring_mirrors_the_boxes_too(detect, plug_in, tmp_path):
    plug_in(FakeCamera(1))
    detect("--mirror", "--results", tmp_path / "o.jsonl")
    # 12 to 42 of 160 from the left become 118 to 148
    assert records(tmp_path / "o.jsonl")[0]["detections"][0]["box_xyxy_px"] == [118.0, 40.0, 148.0, 80.0]


def test_a_folder_of_pictures_is_scored_at_a_low_confidence(detect, picture_of, tmp_path):
    (tmp_path / "in").mkdir()
    for name, boxes in (("a", [(0, 10, 20, 50, 60)]), ("b", [])):
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), picture_of(*boxes)[..., ::-1])
    status, out, _ = detect("--source", tmp_path / "in", "--confidence", "0.001", "--results", tmp_path / "r.jsonl",
                            "--output", tmp_path / "out")  # fmt: skip
    a, b = records(tmp_path / "r.jsonl")
    assert (status, a["source"], a["width"], a["height"]) == (0, str(tmp_path / "in" / "a.png"), 160, 120)
    assert a["detections"] == [
        {"label": "red", "class_id": 0, "confidence": 0.9, "box_xyxy_px": [10, 20, 50, 60], "track_id": None}
    ]
    assert b["detections"] == [] and sorted(os.listdir(tmp_path / "out")) == ["a.jpg", "b.jpg"]


def test_explain_says_why_nothing_was_found(detect, picture_of, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture_of((0, 10, 20, 50, 60))[..., ::-1])
    status, out, err = detect("--source", tmp_path / "a.png", "--confidence", "0.95", "--explain")
    assert status == 0 and "found nothing" in out and "--explain" not in out
    assert "best objectness 0.9000" in err and "--confidence 0.891 shows the best guess" in err


def test_a_run_that_finds_nothing_points_to_explain(detect, picture_of, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture_of())
    assert "To see why: --explain" in detect("--source", tmp_path / "a.png")[1]


def test_quiet_prints_nothing_and_max_frames_ends(detect, tmp_path):
    video = write_video(tmp_path / "in.avi", 30)
    assert detect("--source", video, "--quiet", "--max-frames", 3, "--results", tmp_path / "r.jsonl") == (0, "", "")
    assert len(records(tmp_path / "r.jsonl")) == 3


@pytest.mark.slow
def test_quiet_is_quiet_on_a_saved_model_too(colour_model, tmp_path):
    video = write_video(tmp_path / "in.avi", 2)
    process = started("--source", video, "--headless", "--quiet", "--model", colour_model, "--runtime", "saved_model")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_damaged_video_keeps_what_was_good(detect, tmp_path):
    whole = write_video(tmp_path / "in.avi", 60).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    status, out, err = detect("--source", tmp_path / "cut.avi", "--output", tmp_path / "o.mp4")
    assert status == 1 and err.startswith("detect: Video") and "truncated: it ended after" in err
    kept = [number_of(image) for image in video_frames(tmp_path / "o.mp4")]
    assert len(kept) > 10 and kept == list(range(len(kept)))


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--source", "{tmp}/none.mp4"], 2, "There is no source"),
        (["--source", "{tmp}/bad.mp4"], 1, "bad.mp4: it is damaged, truncated, or not readable"),
        (["--source", "/dev/video987"], 1, "There is no camera at '/dev/video987'"),
        (["--source", "{tmp}/ok.avi", "--output", "{tmp}/bad.mp4/x.mp4"], 1, "x.mp4: {tmp}/bad.mp4 is not a folder"),
        (["--source", "{tmp}/ok.avi", "--results", "{tmp}/bad.mp4/x.csv"], 1, "x.csv: {tmp}/bad.mp4 is not a folder"),
        (["--source", "{tmp}/ok.avi", "--results", "{tmp}/x.txt"], 1, "must end in .jsonl"),
        (["--source", "{tmp}/ok.avi", "--line", "0,0,1"], 2, "--line needs pairs"),
        (["--source", "{tmp}/ok.avi", "--line", "0,0,1,1,0,1"], 2, "--line needs two points"),
        (["--source", "{tmp}/ok.avi", "--zone", "0,0,1,1"], 2, "A zone needs at least three corners"),
        (["--source", "{tmp}/ok.avi", "--zone", "0,0,640,0,640,480"], 2, "must be in unit coordinates"),
    ],
)
def test_what_goes_wrong_is_one_line_and_its_status(detect, tmp_path, words, status, message):
    (tmp_path / "bad.mp4").write_bytes(b"junk" * 100)
    write_video(tmp_path / "ok.avi", 2)
    got, out, err = detect(*(word.format(tmp=tmp_path) for word in words))
    assert (
        (got, out, err.count("\n")) == (status, "", 1)
        and err.startswith("detect: ")
        and message.format(tmp=tmp_path) in err
    )


@pytest.mark.parametrize(
    "words", [["--confidence", "2"], ["--nonsense"], ["--max-detections", "0"], ["--runtime", "x"]]
)
def test_wrong_usage_is_status_2(detect, words):
    assert detect(*words)[0] == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "card.json").unlink(), "has no card.json"),
        (lambda folder: (folder / "card.json").write_text("{"), "is not valid JSON"),
        (lambda folder: (folder / "model.tflite").write_bytes(b"x"), "is damaged or not a LiteRT model"),
        (lambda folder: (folder / "model.tflite").unlink(), "model.tflite does not exist"),
    ],
)
def test_an_unreadable_model_folder_is_one_line_and_status_1(detect, colour_model, tmp_path, damage, message):
    folder = shutil.copytree(colour_model, tmp_path / "m")
    damage(folder)
    status, out, err = detect("--source", "demo", model=folder)
    assert (status, out, err.count("\n")) == (1, "", 1) and message in err


def test_an_unknown_model_is_one_line_and_status_2(detect):
    status, _, err = detect("--source", "demo", model="no_such_model")
    assert status == 2 and "There is no model 'no_such_model'" in err


def test_a_fault_inside_the_model_is_one_line_and_debug_shows_more(detect, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("tensor 7 is odd")

    monkeypatch.setattr(LiteRTModel, "run", broken)
    video = write_video(tmp_path / "in.avi", 3)
    assert detect("--source", video)[::2] == (1, "detect: tensor 7 is odd\n")
    assert "Traceback" in detect("--source", video, "--debug")[2]


def test_the_default_model_is_found_in_the_repository_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert model_folders._ROOT == ROOT


def test_help_is_immediate_and_imports_nothing_heavy():
    code = (
        "import sys, runpy; sys.argv = ['detect.py', '--help']\n"
        f"try: runpy.run_path({str(APP)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('tensorflow', 'keras', 'cv2', 'numpy', 'scipy') if m in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert process.stdout.splitlines()[-1] == "[]" and "--max-detections" in process.stdout


def test_the_way_to_the_first_boxes_imports_no_tensorflow(colour_model, tmp_path):
    write_video(tmp_path / "in.avi", 2)
    code = (
        f"import sys, runpy; sys.argv = ['detect.py', '--headless', '--model', {str(colour_model)!r}, "
        f"'--source', {str(tmp_path / 'in.avi')!r}, '--track', '--results', {str(tmp_path / 'o.jsonl')!r}]\n"
        f"try: runpy.run_path({str(APP)!r}, run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "heavy = ('tensorflow', 'keras', 'pydantic', 'scipy', 'matplotlib', 'rich', 'skimage')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert process.stdout.splitlines()[-2:] == ["0", "[]"], process.stderr
