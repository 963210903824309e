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

    from cnn_suite.runtime.demo_source import DemoSource

    path = tmp_path_factory.mktemp("video") / "person.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (640, 480))
    for frame in islice(DemoSource(), 60):
        writer.write(cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_somebody_is_enrolled_from_a_film_and_then_recognised(verify, person, tmp_path):
    status, _, error = verify("--source", person, "--enrol", "Eileen", "--quiet")
    assert status == 0, error
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
    from cnn_suite.runtime.face_encoder import load_encoder
    from cnn_suite.runtime.gallery import Gallery
    from cnn_suite.runtime.model_folders import find_model

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
    assert status == 1 and "Nobody in the gallery is called 'Cy'. Enrolled: Bo." in error


def test_without_a_gallery_it_says_so(verify, person):
    status, _, error = verify("--source", person, "--max-frames", 1)
    assert status == 1 and "people.gallery" in error


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
