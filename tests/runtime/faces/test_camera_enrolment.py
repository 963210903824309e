"""Enrolment from a camera: good frames of one person, some time apart, saved once."""

import numpy as np
import pytest

from cnn_suite.runtime.faces.camera_enrolment import CameraEnrolment, EnrolmentError, enrolment_gate
from cnn_suite.runtime.faces.enrolment_identity import EnrolmentIdentity
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_search import FaceIndex
from cnn_suite.runtime.media.frames import Frame

ADA, BO = np.eye(3)[:2]
IDENTITY = EnrolmentIdentity("Ada", FaceIndex(np.zeros((0, 3)), []), 1.0)


class OneFace:
    """Faces of a frame, one of a track and with an encoding."""

    def __init__(self, encoding=ADA, track=1):
        self.encodings, self.tracks = np.array([encoding]), [track]
        self.faces = Faces(np.array([[0, 0, 9, 9]]), np.ones(1), np.zeros((1, 5, 2)))


def near_ada(degrees):
    return np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees)), 0])


def frame(time_s):
    return Frame(0, np.zeros((4, 4, 3), np.uint8), "camera", time_s)


def gathering(saved, gate=lambda *_: [], **more):
    return CameraEnrolment(IDENTITY, gate, saved.append, **more)


def test_good_frames_are_saved_together():
    saved, times_s = [], (0.0, 0.2, 0.5, 0.9, 1.0, 1.1)
    enrol = gathering(saved, wanted=3, apart_s=0.5)
    said = [enrol(frame(time_s), OneFace(near_ada(10 * time_s))) for time_s in times_s]
    assert len(saved) == 1
    np.testing.assert_allclose(saved[0], [near_ada(0), near_ada(5), near_ada(10)])
    assert said[0] == ["enrolling Ada: 1 of 3"] and said[4] == said[5] == ["Ada is enrolled"]
    assert enrol.summary() == ["Ada is enrolled (3 encodings)"]
    enrol.check_done()


def test_frames_with_problems_are_passed_over_and_told():
    saved, problems = [], iter([["too dark"], [], ["two faces"], []])
    enrol = gathering(saved, lambda *_: next(problems), wanted=2, apart_s=0.0)
    said = [enrol(frame(time_s), OneFace()) for time_s in range(4)]
    assert said[0] == ["enrolling Ada: 0 of 2", "too dark"] and len(saved[0]) == 2


@pytest.mark.parametrize("other", [OneFace(BO, track=1), OneFace(ADA, track=2)])
def test_another_person_or_track_begins_anew(other):
    saved, other_twice = [], [OneFace(), OneFace(), other, other]
    enrol = gathering(saved, wanted=3, apart_s=0.0)
    said = [enrol(frame(time_s), faces) for time_s, faces in enumerate(other_twice)]
    assert [line for (line,) in said] == [f"enrolling Ada: {count} of 3" for count in (1, 2, 1, 2)]
    enrol(frame(4), other)
    assert len(saved) == 1 and (saved[0] == other.encodings).all()


def test_too_few_good_frames_are_an_error_with_the_last_problem():
    problems = iter([[], ["too dark"]])
    enrol = gathering([], lambda *_: next(problems), wanted=3)
    for time_s in range(2):
        enrol(frame(time_s), OneFace())
    assert enrol.summary() == []
    with pytest.raises(EnrolmentError, match="Ada is not enrolled: only 1 of 3 good frames. The last .*: too dark"):
        enrol.check_done()


class Passed:
    """Liveness that one track has passed."""

    def passed(self, faces, face):
        return faces.tracks[face] == 2


def test_with_liveness_only_the_face_that_passed_gets_through_the_gate():
    gate, asked = enrolment_gate(IDENTITY, Passed()), "The head must be turned as asked first."
    assert asked in gate(frame(0), OneFace(track=1)) and asked not in gate(frame(0), OneFace(track=2))


def test_the_gate_compares_with_who_is_enrolled():
    gate = enrolment_gate(EnrolmentIdentity("Ada", FaceIndex(BO[None], ["Bo"]), 1.0))
    assert any("looks like Bo" in problem for problem in gate(frame(0), OneFace(BO)))
    assert not any("looks like" in problem for problem in gate(frame(0), OneFace(ADA)))
