"""Which view a frame goes through, and how keys change it."""

import numpy as np
import pytest

from cnn_suite.runtime.explore_run import ExploreRun, View
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.pipeline import Result


@pytest.fixture
def run():
    adding = {("edges", "a"): 1, ("edges", "b"): 2, ("features", "c"): 3}
    views = [View(group, name, lambda image, more=more: image + more) for (group, name), more in adding.items()]
    return ExploreRun(views)


def frame():
    return Frame(0, np.zeros((2, 3, 3), np.uint8), "x", 0.0)


def test_keys_go_round_and_to_the_first_of_a_group(run):
    press = {letter: key.action for key in run.keys() for letter in key.letters}
    seen = []
    for letter in "nnnpef":
        press[letter](letter, False)
        seen.append(run.overlay()[0])
    assert seen == ["edges: b", "features: c", "edges: a", "features: c", "edges: a", "features: c"]


def test_a_frame_is_shown_as_it_was_seen_and_anew_where_a_key_changes_the_view(run):
    result = Result(frame(), run.look(frame()), 0.01)
    assert run.redraw(frame()).max() == 0
    assert run.handle(result).max() == 1 and run.redraw(frame()).max() == 1
    press = {letter: key.action for key in run.keys() for letter in key.letters}
    assert press["n"]("n", True).max() == 2 and run.redraw(frame()).max() == 2
    assert run.summary()[0].startswith("1 frame")


def test_a_still_picture_made_ahead_is_looked_at_anew_after_a_key(run):
    run.still = True
    first, second = (Result(frame(), run.look(frame()), 0.01) for _ in range(2))
    run.handle(first)
    press = {letter: key.action for key in run.keys() for letter in key.letters}
    press["f"]("f", False)
    assert run.handle(second).max() == 3 and run.redraw(frame()).max() == 3


def test_a_frame_of_a_film_made_before_a_key_is_shown_as_it_was_seen(run):
    ahead = Result(frame(), run.look(frame()), 0.01)
    run.chosen = 2
    assert run.handle(ahead).max() == 1
