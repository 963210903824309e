"""The face app on the demo's photographs, with the models that come along: enrol, recognise, claim, refuse."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps" / "verify_face.py"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="the demo's photographs come with scikit-image"
)


@pytest.fixture
def verify(run_app, tmp_path, monkeypatch):
    """Runs the app; returns (status, stdout, stderr)."""
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "home"))  # nothing is pulled: our own detector
    return lambda *words: run_app("verify_face", *words, "--gallery", tmp_path / "people.gallery")


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """Two seconds of a person, as a video."""
    from itertools import islice

    from cnn_suite.runtime.media.demo_source import DemoSource

    path = tmp_path_factory.mktemp("video") / "person.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (640, 480))
    for frame in islice(DemoSource(), 60):
        writer.write(cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_somebody_is_enrolled_from_a_film_and_then_recognised(verify, person, tmp_path):
    status, output, error = verify("--source", person, "--enrol", "Eileen")
    assert status == 0, error
    assert "Eileen is enrolled (5 encodings)" in output
    results = tmp_path / "r.jsonl"
    status, output, error = verify("--source", person, "--results", results, "--output", tmp_path / "seen.mp4")
    assert status == 0, error
    assert "found Eileen" in output
    faces = [face for frame in lines(results) for face in frame["detections"]]
    named = [face for face in faces if face["identity"] == "Eileen"]
    assert len(named) > 0.8 * len(faces)
    assert all(face["same"] and face["label"] == "Eileen" and face["track_id"] for face in named)
    assert {face["threshold"] for face in faces} == {faces[0]["threshold"]}
    assert cv2.VideoCapture(str(tmp_path / "seen.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 60


def test_a_claim_of_somebody_else_stays_unknown(verify, person, tmp_path):
    from cnn_suite.runtime.faces.face_encoder import load_encoder
    from cnn_suite.runtime.faces.gallery import Gallery
    from cnn_suite.runtime.model_files.model_folders import find_model

    network = load_encoder(find_model("face_embedding"))
    stranger = np.random.default_rng(0).normal(size=network.dimensions)
    opened = {"fingerprint": network.fingerprint, "dimensions": network.dimensions, "create": True}
    with Gallery(tmp_path / "people.gallery", **opened) as gallery:
        gallery.enrol("Bo", stranger / np.linalg.norm(stranger))
    results = tmp_path / "r.jsonl"
    status, _, error = verify("--source", person, "--claim", "Bo", "--results", results, "--max-frames", 10, "--quiet")
    assert status == 0, error
    faces = [face for frame in lines(results) for face in frame["detections"]]
    assert faces and all(face["identity"] is None and face["label"] == "unknown" for face in faces)
    status, _, error = verify("--source", person, "--claim", "Cy", "--max-frames", 1)
    assert status == 1 and error == "verify_face: Nobody in the gallery is called 'Cy'. Enrolled: Bo.\n"


def test_without_a_gallery_it_says_so(verify, person):
    status, _, error = verify("--source", person, "--max-frames", 1)
    assert status == 1 and "people.gallery" in error


def test_a_person_who_never_turned_is_not_enrolled_with_liveness(verify, person, tmp_path):
    results = tmp_path / "r.jsonl"
    words = ("--enrol", "Tony", "--liveness", "--mirror", "--results", results, "--quiet", "--max-frames", 20)
    status, _, error = verify("--source", person, *words)
    assert status == 1
    assert error.startswith("verify_face: Tony is not enrolled: only 0 of 5 good frames.")
    assert "The head must be turned as asked first." in error
    faces = [face for frame in lines(results) for face in frame["detections"]]
    assert faces and not any(face["liveness"] for face in faces)
    assert not (tmp_path / "people.gallery").exists()


@pytest.mark.parametrize("words, text", [
    (["--enrol", "Ada\nB"], "A name must be one line"), (["--threads", "0"], "must be a whole number, 1 or more"),
    (["--threshold", "nan"], "must be a number from 0 to 4. Received 'nan'"),
])  # fmt: skip
def test_wrong_words_are_told_before_anything_is_opened(verify, words, text):
    status, _, error = verify("--source", "/no/such/camera", *words)
    assert status == 2 and text in error


def test_pictures_are_not_enrolled_by_the_app(verify, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((60, 60, 3), np.uint8))
    status, _, error = verify("--source", tmp_path / "a.png", "--enrol", "Ada")
    assert status == 1 and "cnn-suite face enrol NAME PICTURES..." in error


def test_help_is_immediate_and_imports_nothing_heavy():
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{str(APP)!r}, '--help']\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\nexcept SystemExit as end:\n"
        "    assert end.code == 0\n"
        "assert not {'tensorflow', 'keras', 'cv2', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    assert "--enrol NAME" in done.stdout
