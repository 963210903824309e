"""Enrolment from a camera: good frames, some time apart, saved once."""

import numpy as np

from cnn_suite.runtime.camera_enrolment import CameraEnrolment
from cnn_suite.runtime.face_detector import Faces
from cnn_suite.runtime.frames import Frame


class OneFace:
    """Faces of a frame, one with the encoding of its number."""

    def __init__(self, number):
        self.encodings = np.full((1, 3), number, np.float32)
        self.faces = Faces(np.array([[0, 0, 9, 9]]), np.ones(1), np.zeros((1, 5, 2)))


def frame(time_s):
    return Frame(0, np.zeros((4, 4, 3), np.uint8), "camera", time_s)


def test_five_good_frames_are_saved_together():
    saved = []
    enrol = CameraEnrolment("Ada", lambda *_: [], saved.append, wanted=3, apart_s=0.5)
    said = [enrol(frame(time_s), OneFace(time_s)) for time_s in (0.0, 0.2, 0.5, 0.9, 1.0, 1.1)]
    assert len(saved) == 1 and saved[0][:, 0].tolist() == [0.0, 0.5, 1.0]
    assert said[0] == ["enrolling Ada: 1 of 3"] and said[4] == said[5] == ["Ada is enrolled"]
    assert enrol.done


def test_frames_with_problems_are_passed_over_and_told():
    saved, problems = [], iter([["too dark"], [], ["two faces"], []])
    enrol = CameraEnrolment("Ada", lambda *_: next(problems), saved.append, wanted=2, apart_s=0.0)
    said = [enrol(frame(time_s), OneFace(time_s)) for time_s in range(4)]
    assert said[0] == ["enrolling Ada: 0 of 2", "too dark"]
    assert saved[0][:, 0].tolist() == [1.0, 3.0]
