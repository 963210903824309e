"""Recognition over frames: nearest people, votes, unknown, a claimed name."""

import numpy as np
import pytest

from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_encoder import EncodedFaces
from cnn_suite.runtime.faces.face_search import FaceIndex
from cnn_suite.runtime.faces.recognition import UNKNOWN, Recogniser, decided

ADA, BO, STRANGER = np.eye(4, dtype=np.float32)[:3]
PICTURE = np.zeros((50, 100, 3), np.uint8)


def script(*frames):
    """Stands for detector and network: the encodings of each frame's faces, side by side."""
    waiting = iter(frames)

    def encoder(image):
        encodings = np.reshape(next(waiting), (-1, 4)).astype(np.float32)
        boxes = np.array([[20 * i, 0, 20 * i + 15, 20] for i in range(len(encodings))], np.float32).reshape(-1, 4)
        points = np.zeros((len(encodings), 5, 2), np.float32)
        faces = Faces(boxes, np.full(len(encodings), 0.9, np.float32), points)
        return EncodedFaces(faces, (PICTURE,) * len(encodings), encodings)

    return encoder


def recogniser(*frames, **more):
    return Recogniser(script(*frames), FaceIndex(np.stack([ADA, BO]), ["Ada", "Bo"]), 1.0, **more)


def test_distances_are_squared_and_the_nearest_person_is_named():
    # between unit vectors at right angles the squared distance is 2; (0.8, 0.6) to (1, 0): 0.04 + 0.36 = 0.4
    see = recogniser([0.8, 0.6, 0, 0], least=1)
    (match,) = see(PICTURE).matches
    assert (match.name, match.nearest, match.votes) == ("Ada", "Ada", (1, 1))
    assert match.distance == pytest.approx(0.4, abs=1e-6)
    assert see.nearest(STRANGER) == ("Ada", pytest.approx(2.0))
    assert match.caption == "Ada 0.40 < 1.00"


def test_nobody_is_named_before_enough_frames():
    see = recogniser(*[ADA] * 4, least=3)
    assert [see(PICTURE).matches[0].name for _ in range(4)] == [None, None, "Ada", "Ada"]


def test_one_bad_frame_is_unknown_and_costs_no_other_and_a_stranger_stays_unknown():
    see = recogniser(ADA, ADA, ADA, STRANGER, ADA, frames=5)
    names = [see(PICTURE).matches[0].name for _ in range(5)]
    assert names == [None, None, "Ada", None, "Ada"]
    see = recogniser(*[STRANGER] * 5)
    last = [see(PICTURE).matches[0] for _ in range(5)][-1]
    assert last.name is None and last.nearest == "Ada" and last.votes == (5, 5)
    assert last.caption == "unknown 2.00 >= 1.00"


def test_a_stranger_in_anothers_place_is_never_called_by_that_name():
    faces = [see(PICTURE) for see in [recogniser(*[ADA] * 5, *[STRANGER] * 5)] for _ in range(10)]
    assert {int(face.detections.track_id[0]) for face in faces} == {1}  # one track: the boxes are the same
    told = [face.records()[0] for face in faces]
    assert [one["same"] for one in told] == [False] * 2 + [True] * 3 + [False] * 5
    assert all(one["distance"] < one["threshold"] for one in told if one["same"])


def test_votes_are_of_the_last_frames_and_gone_with_them():
    nobody = np.zeros((0, 4))
    see = recogniser(ADA, ADA, ADA, *[nobody] * 3, ADA, ADA, ADA, frames=4, least=3)
    matches = [face.matches[0] for face in (see(PICTURE) for _ in range(9)) if len(face)]
    # Seen in frames 1 to 3 and 7 to 9. Of frame 7 the last four are 4 to 7: one vote, its own.
    assert [match.votes[1] for match in matches] == [1, 2, 3, 1, 2, 3]
    assert [match.name for match in matches] == [None, None, "Ada"] * 2


def test_no_votes_are_kept_of_faces_that_have_gone():
    def crowd(image):  # every frame a face in another place
        crowd.frame += 1
        box = np.array([[100 * crowd.frame, 0, 100 * crowd.frame + 15, 20]], np.float32)
        return EncodedFaces(Faces(box, np.ones(1), np.zeros((1, 5, 2))), (PICTURE,), ADA[None])

    crowd.frame = 0
    see = Recogniser(crowd, FaceIndex(ADA[None], ["Ada"]), 1.0, frames=9)
    for _ in range(50):
        see(PICTURE)
    assert len(see._votes) == 9


def test_two_people_at_once_are_followed_each():
    see = recogniser(*[np.stack([BO, ADA])] * 3)
    faces = [see(PICTURE) for _ in range(3)][-1]
    assert [match.name for match in faces.matches] == ["Bo", "Ada"]
    assert faces.named.names == ["Bo", "Ada"]
    assert len(set(faces.detections.track_id.tolist())) == 2


def test_a_claim_looks_for_one_person_only():
    see = recogniser(BO, ADA, claimed="Ada", frames=1, least=1)
    assert [see(PICTURE).matches[0].name for _ in range(2)] == [None, "Ada"]
    with pytest.raises(LookupError) as caught:
        recogniser(claimed="Cy")
    assert str(caught.value) == "Nobody in the gallery is called 'Cy'. Enrolled: Ada, Bo."


def test_an_empty_gallery_knows_nobody():
    see = Recogniser(script(ADA), FaceIndex(np.zeros((0, 4), np.float32), []), 1.0, frames=1, least=1)
    faces = see(PICTURE)
    assert faces.matches[0].name is None and np.isinf(faces.matches[0].distance)
    assert faces.records() == [{"identity": None, "distance": None, "threshold": 1.0, "same": False}]


def test_a_frame_without_faces_gives_none():
    faces = recogniser(np.zeros((0, 4)))(PICTURE)
    assert len(faces) == 0 and faces.records() == [] and faces.named.labels == (UNKNOWN,)


@pytest.mark.parametrize("votes, least, expected", [
    (["A"], 1, ("A", 1)), (["A"], 2, (None, 0)), (["A", "B"], 1, (None, 0)), (["A", None, "A"], 1, ("A", 2)),
    ([None, None, "A"], 1, (None, 2)), (["A", "A", None, None], 1, (None, 2)), (["A", "A", None], 1, (None, 1)),
    (["A", "A", "B"], 1, (None, 0)),
])  # fmt: skip
def test_more_than_half_of_the_votes_decide_if_the_last_is_among_them(votes, least, expected):
    assert decided(votes, least) == expected


def test_numbers_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="`least` must be between 1 and `frames`. Received 4 and 3"):
        recogniser(frames=3, least=4)
