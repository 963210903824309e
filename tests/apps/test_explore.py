"""The app that shows edges, feature maps and sliding windows, on a picture, with a classifier of `saved_models`."""

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime import window as window_module

MODEL = Path(__file__).resolve().parents[2] / "saved_models" / "digits_lenet5"


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    y, x = np.mgrid[:64, :96]
    cv2.imwrite(str(path), np.repeat((128 + 100 * np.sin(x / 7) * np.cos(y / 5)).astype(np.uint8)[..., None], 3, 2))
    return path


@pytest.fixture
def explore(run_app):
    return lambda *words, headless=True: run_app("explore", "--model", MODEL, *words, headless=headless)


@pytest.mark.parametrize("view, shape", [
    ("edges", (64, 96, 3)),
    ("edges:Scharr, horizontal", (64, 96, 3)),
    ("features:pool1", (426, 639, 3)),
    ("windows:7", (64, 96, 3)),
    ("cam:7", (480, 480, 3)),
])  # fmt: skip
def test_a_picture_comes_out_as_its_view(explore, photo, tmp_path, view, shape):
    out, results = tmp_path / "out.png", tmp_path / "r.jsonl"
    status, _, error = explore("--source", photo, "--view", view, "--output", out, "--results", results)
    assert status == 0, error
    found = cv2.imread(str(out))
    assert found.shape == shape and found.std() > 1
    assert json.loads(results.read_text().splitlines()[0])["view"].startswith(view.replace(":", ": "))


@pytest.mark.parametrize("view, known", [
    ("colours", "Known: edges, features, windows, cam."),
    ("windows:cat", "Known: windows:0, windows:1"),
])  # fmt: skip
def test_an_unknown_view_lists_the_known_ones(explore, photo, view, known):
    status, _, error = explore("--source", photo, "--view", view)
    assert status == 2 and f"There is no view {view!r}. {known}" in error


def test_a_key_changes_the_pictures_that_were_worked_on_ahead(explore, photo, monkeypatch, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(photo.read_bytes())
    shown, pressed = [], []

    def key(_):
        if len(shown) == 1 and not pressed:
            time.sleep(0.3)  # meanwhile the second picture is ready, too
            pressed.append("f")
            return ord("f")
        return ord("q") if len(shown) == 3 else -1  # the first, the first anew, the second

    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture.shape))
    monkeypatch.setattr(cv2, "waitKey", key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(window_module, "why_no_window", lambda: None)
    status, _, error = explore("--source", tmp_path / "in", headless=False)
    assert status == 0, error
    edges, anew, second = shown
    assert edges == (64, 96, 3) and anew == second != edges
