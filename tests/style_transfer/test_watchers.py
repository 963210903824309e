"""Tests of cnn_suite.style_transfer.watchers with stand-ins for files and windows."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnn_suite.style_transfer import watchers
from cnn_suite.style_transfer.watchers import Checkpoints, Film, Preview


def progress(share: float = 0.0) -> SimpleNamespace:
    """As much of a progress as a watcher looks at."""
    return SimpleNamespace(share=share, state=lambda: "state", picture=lambda: np.zeros((4, 4, 3), np.uint8))


def test_a_checkpoint_is_written_at_once_and_then_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    written, now = [], [0.0]
    monkeypatch.setattr(watchers, "write_checkpoint", lambda *given: written.append((now[0], *given)))
    keep = Checkpoints(Path("a.npz"), {"photo": "x"}, clock=lambda: now[0])
    for second in range(12):
        now[0] = float(second)
        assert keep(progress())
    assert written == [(at, Path("a.npz"), "state", {"photo": "x"}) for at in (0.0, 5.0, 10.0)]


def test_a_slow_disk_is_written_to_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now, written = [0.0], []

    def slow(*given) -> None:
        written.append(now[0])
        now[0] += 2  # 20 times as long must pass before the next

    monkeypatch.setattr(watchers, "write_checkpoint", slow)
    keep = Checkpoints(Path("a.npz"), {}, clock=lambda: now[0])
    keep(progress())
    for now[0] in (30.0, 41.0, 42.0):
        keep(progress())
    assert written == [0.0, 42.0]


class Window:
    """Shows nothing; quits after some polls, and may be paused for some of them."""

    def __init__(self, answers: list[tuple[bool, bool]]) -> None:
        self.answers, self.shown, self.paused = answers, [], False

    def show(self, picture: np.ndarray) -> None:
        self.shown.append(picture)

    def poll(self) -> bool:
        wants_more, self.paused = self.answers.pop(0)
        return wants_more


def test_a_preview_shows_what_the_result_would_show_and_waits_while_paused() -> None:
    window = Window([(True, True), (True, True), (True, False), (False, False)])
    preview = Preview(window, lambda picture: picture + 7)
    assert preview(progress())
    assert window.shown[0].max() == 7
    assert len(window.answers) == 1
    assert not preview(progress())
    assert len(window.shown) == 1  # the second came too soon


def test_a_film_gets_a_frame_where_one_is_due() -> None:
    frames = []
    video = SimpleNamespace(is_due=lambda share: share > 0.5, write=frames.append)
    film = Film(video, lambda picture: picture + 1)
    assert film(progress(0.2)) and film(progress(0.7))
    assert len(frames) == 1 and frames[0].max() == 1
