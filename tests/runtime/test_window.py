from __future__ import annotations

import socket

import cv2
import numpy as np
import pytest

from cnn_suite.runtime import window as window_module
from cnn_suite.runtime.window import Key, Window, why_no_window

PICTURE = np.full((30, 40, 3), (255, 0, 0), np.uint8)


class Screen:
    """Stands in for OpenCV's windows: remembers pictures, presses keys."""

    def __init__(self, monkeypatch, keys=()):
        self.keys, self.shown, self.visible, self.sizes = list(keys), [], 1.0, []
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda _, width, height: self.sizes.append((width, height)))
        monkeypatch.setattr(cv2, "imshow", lambda _, picture: self.shown.append(picture))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.keys.pop(0) if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)


@pytest.mark.parametrize(("key", "goes_on"), [("q", False), ("\x1b", False), ("x", True)])
def test_q_and_escape_quit(monkeypatch, tmp_path, key, goes_on):
    Screen(monkeypatch, [ord(key)])
    window = Window("t", save_folder=tmp_path)
    window.show(PICTURE)
    assert window.poll() is goes_on


def test_no_key_goes_on_and_a_closed_window_quits(monkeypatch, tmp_path):
    screen = Screen(monkeypatch)
    window = Window("t", save_folder=tmp_path)
    assert window.poll()  # nothing shown yet: not closed
    window.show(PICTURE)
    assert window.poll()
    screen.visible = 0.0
    assert not window.poll()


def test_space_pauses_and_goes_on(monkeypatch, tmp_path):
    Screen(monkeypatch, [ord(" "), ord(" ")])
    window = Window("t", save_folder=tmp_path)
    window.show(PICTURE)
    assert [(window.poll(), window.paused) for _ in range(2)] == [(True, True), (True, False)]


def test_s_saves_the_shown_picture_under_a_new_name(monkeypatch, tmp_path, capsys):
    Screen(monkeypatch, [ord("s"), ord("s")])
    window = Window("t", save_folder=tmp_path)
    window.show(PICTURE)
    window.poll()
    window.poll()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t_001.png", "t_002.png"]
    assert cv2.imread(str(tmp_path / "t_001.png"))[0, 0].tolist() == [0, 0, 255]
    assert "saved" in capsys.readouterr().out


def test_h_shows_and_hides_the_help_at_once_but_never_saves_it(monkeypatch, tmp_path):
    screen = Screen(monkeypatch, [ord("h"), ord("s"), ord("h")])
    window = Window("t", save_folder=tmp_path)
    window.show(PICTURE)
    for _ in range(3):
        window.poll()
    plain, with_help, plain_again = screen.shown
    assert (with_help != plain).any() and (plain == plain_again).all()
    assert (cv2.imread(str(tmp_path / "t_001.png")) == plain).all()


def test_an_app_has_keys_of_its_own_and_their_picture_is_shown(monkeypatch, tmp_path):
    screen = Screen(monkeypatch, [ord("n"), ord("7"), ord(" "), ord("n"), ord("x")])
    window, heard = Window("t", save_folder=tmp_path), []

    def turned(letter, paused):
        heard.append((letter, paused))
        return PICTURE + 9 if letter == "n" else None

    window.keys = (Key("np", "n and p: next and previous", turned), Key("123456789", "a number", turned))
    window.show(PICTURE)
    assert all(window.poll() for _ in range(5))
    assert heard == [("n", False), ("7", False), ("n", True)]
    # the picture, that of key n, the same again with a new overlay, and that of key n
    assert [picture[0, 0].tolist() for picture in screen.shown] == [[0, 0, 255], *[[9, 9, 8]] * 3]


def test_keys_of_an_app_are_ignored_before_the_first_picture(monkeypatch, tmp_path):
    Screen(monkeypatch, [ord("n")])
    window = Window("t", save_folder=tmp_path)
    window.keys = (Key("n", "next", lambda letter, paused: pytest.fail("called")),)
    assert window.poll()


def test_the_help_lists_the_keys_of_the_app(monkeypatch, tmp_path):
    Screen(monkeypatch, [ord("h")])
    written = []
    monkeypatch.setattr(window_module, "draw_overlay", lambda image, lines, **_: written.append(tuple(lines)))
    window = Window("t", save_folder=tmp_path)
    window.keys = (Key("n", "n: next", lambda letter, paused: None),)
    window.show(PICTURE)
    window.poll()
    assert written == [(*window_module.HELP[:-1], "n: next", window_module.HELP[-1])]


def test_the_overlay_of_an_app_is_shown_but_not_saved(monkeypatch, tmp_path):
    screen = Screen(monkeypatch, [ord("s")])
    window = Window("t", save_folder=tmp_path)
    window.overlay = lambda: ("wave",)
    window.show(PICTURE)
    window.poll()
    assert (screen.shown[0] != PICTURE[..., ::-1]).any()
    assert (cv2.imread(str(tmp_path / "t_001.png")) == PICTURE[..., ::-1]).all() and (PICTURE == (255, 0, 0)).all()


def test_pictures_are_shown_in_opencvs_order_and_large_ones_fit_the_screen(monkeypatch, tmp_path):
    screen = Screen(monkeypatch)
    window = Window("t", save_folder=tmp_path)
    window.show(np.full((2160, 3840, 3), (255, 0, 0), np.uint8))
    assert screen.shown[0][0, 0].tolist() == [0, 0, 255] and screen.sizes == [(1280, 720)]


@pytest.fixture
def on_linux(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:   QT5\n")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_display_the_reason_is_said(monkeypatch, on_linux):
    assert why_no_window() == "there is no display (DISPLAY is not set)"


@pytest.mark.parametrize("display", [":987", "localhost:nonsense", "127.0.0.1:987"])
def test_a_display_that_does_not_answer_is_named(monkeypatch, on_linux, display):
    monkeypatch.setenv("DISPLAY", display)
    assert why_no_window() == f"the display DISPLAY={display} does not respond"


def test_a_display_that_answers_is_used(monkeypatch, on_linux):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{server.getsockname()[1] - 6000}")
        assert why_no_window() is None


def test_wayland_is_a_display(monkeypatch, on_linux):
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert why_no_window() is None


def test_opencv_without_windows_is_named(monkeypatch, on_linux):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "General\n  GUI:                 NONE\n")
    assert "built without windows (opencv-python-headless)" in why_no_window()


def test_a_window_that_opencv_has_forgotten_is_closed(monkeypatch, tmp_path):
    Screen(monkeypatch)
    window = Window("t", save_folder=tmp_path)
    window.show(PICTURE)

    def forgotten(*_):
        raise cv2.error("no such window")

    monkeypatch.setattr(cv2, "getWindowProperty", forgotten)
    assert not window.poll()


def test_the_module_opens_nothing_by_itself():
    assert window_module.HELP[0].startswith("q or Esc")
