"""A face run: what goes into result lines and pictures, mirrored or not."""

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.faces.face_run import FaceRun
from cnn_suite.runtime.faces.face_watchers import Watcher
from cnn_suite.runtime.faces.recognition import FaceMatch, RecognisedFaces
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result

FACES = RecognisedFaces(
    Detections(np.array([[10, 50, 40, 90]]), np.ones(1), np.zeros(1, int), ("face",), np.ones(1, int)),
    (FaceMatch("Ada", "Ada", 0.2, 1.0, (3, 3)),), np.zeros((1, 5, 2)), (), np.eye(1, 3),
)  # fmt: skip


class Looking(Watcher):
    """Remembers the left upper pixel of what it was shown."""

    def __call__(self, frame, faces):
        self.saw = int(frame.image_rgb[0, 0, 0])
        return ["looked"]

    def records(self, faces):
        return [{"looked": True}]

    def summary(self):
        return ["one was looked at"]


class Lines(list):
    """Takes result lines."""

    path = "lines"

    def write(self, frame, detections, more, each):
        self.append((int(frame.image_rgb[0, 0, 0]), detections.xyxy_px[0].tolist(), each[0]))


@pytest.mark.parametrize("mirror, corner, box", [(False, 0, [10, 50, 40, 90]), (True, 9, [560, 50, 590, 90])])
def test_only_what_is_shown_and_written_is_mirrored(mirror, corner, box):
    image = np.zeros((400, 600, 3), np.uint8)
    image[:, -1] = 9
    watcher, lines = Looking(), Lines()
    run = FaceRun([watcher], mirror, RunOutput(records=[lines]))
    frame = Frame(0, image, "camera", 0.0)
    picture = run.handle(Result(frame, FACES, 0.01))
    assert watcher.saw == 0
    (written,) = lines
    assert written[:2] == (corner, box)
    assert written[2] == {"identity": "Ada", "distance": 0.2, "threshold": 1.0, "same": True, "looked": True}
    assert picture[-1, 0, 0] == run.redraw(frame)[-1, 0, 0] == corner
    assert "one was looked at" in run.summary()
