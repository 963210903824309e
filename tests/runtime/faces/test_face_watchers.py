"""The challenge in a run: whom it asks, whom it speaks for, and when it begins anew."""

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.faces.face_watchers import LivenessWatcher
from cnn_suite.runtime.faces.recognition import RecognisedFaces
from cnn_suite.runtime.media.frames import Frame

ADA, BO = np.eye(3)[:2]


class Challenge:
    """Straight, then a turn, each held for two frames; a time of 100 s fails."""

    def __init__(self):
        self.state, self.asked, self.reason, self.seen = "waiting", "straight", "", 0

    def update(self, points_px, time_s):
        if time_s > 100:
            self.state, self.asked, self.reason = "failed", None, "timeout"
        elif points_px is not None and self.state != "done":
            self.seen += 1
            self.asked = (None, "straight", "straight", "left", "straight", None)[self.seen]
            self.state = "done" if self.seen == 5 else "hold"
        return self.state


def faces(*tracks, encodings=None, sizes=None):
    """Faces of a frame, all of one size or of given ones."""
    count = len(tracks)
    sides = np.full(count, 9.0) if sizes is None else np.array(sizes)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    found = Detections(boxes, np.ones(count), np.zeros(count, int), ("face",), np.array(tracks, int))
    encodings = np.array([ADA] * count if encodings is None else encodings).reshape(count, 3)
    return RecognisedFaces(found, (None,) * count, np.zeros((count, 5, 2)), (), encodings)


@pytest.fixture
def watch():
    """A function that shows faces at a time, by default a tenth of a second later; its `watcher`."""
    watcher = LivenessWatcher(1.0, Challenge)

    def show(found, time_s=None):
        show.time_s = show.time_s + 0.1 if time_s is None else time_s
        return watcher(Frame(0, np.zeros((4, 4, 3), np.uint8), "camera", show.time_s), found)[0]

    show.time_s, show.watcher = 0.0, watcher
    return show


def live(watch, found):
    return [record["liveness"] for record in watch.watcher.records(found)]


def test_only_the_face_that_turned_as_asked_has_passed(watch):
    both = faces(3, 4, sizes=[20, 10])
    said = [watch(both) for _ in range(5)]
    assert said[2] == "Turn your head to your left" and said[4] == "turns completed"
    assert live(watch, both) == [True, False]
    assert live(watch, faces(4, 3, sizes=[30, 10])) == [False, True]


def test_whoever_comes_next_is_asked_anew(watch):
    for _ in range(5):
        watch(faces(3))
    newcomer = faces(5)
    watch(newcomer, watch.time_s + 1)
    assert live(watch, newcomer) == [False]
    assert watch(newcomer) == "Look straight into the camera"
    for _ in range(3):
        watch(newcomer)
    assert live(watch, newcomer) == [True]


def test_another_face_on_the_same_track_has_not_passed(watch):
    for _ in range(5):
        watch(faces(3))
    swapped = faces(3, encodings=[BO])
    assert "not the face that turned as asked" in watch(swapped)
    assert live(watch, swapped) == [False]


def test_another_face_that_looks_straight_begins_anew(watch):
    for _ in range(3):
        watch(faces(3))
    assert watch(faces(3, encodings=[BO])) == "again: another face than at the beginning"
    assert live(watch, faces(3)) == [False]


def test_a_face_out_of_sight_for_a_moment_is_waited_for_and_nobody_else_asked(watch):
    watch(faces(3))
    watch(faces())
    watch(faces(8))
    for _ in range(4):
        watch(faces(3))
    assert live(watch, faces(3, 8)) == [True, False]


def test_a_failure_is_told_and_an_empty_picture_asks_nobody(watch):
    assert watch(faces()) == "Look straight into the camera"
    watch(faces(3), 99.9)
    assert watch(faces(3), 100.1) == "again: timeout"
