"""Whose face may be enrolled under a name, on encodings of two numbers whose distances are worked out by hand."""

import numpy as np

from cnn_suite.runtime.faces.enrolment_identity import EnrolmentIdentity
from cnn_suite.runtime.faces.face_search import FaceIndex

# (1, 0) and (0, 1) are at a squared distance of 2, (1, 0) and (0.8, 0.6) at 0.04 + 0.36 = 0.4.
ADA, NEAR_ADA, CY = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
NOBODY = FaceIndex(np.zeros((0, 2)), [])


def kinds(name, enrolled, threshold, encoding=ADA, gathered=()):
    return [problem.kind for problem in EnrolmentIdentity(name, enrolled, threshold).problems(encoding, gathered)]


def test_a_face_like_another_persons_is_told_with_the_name():
    enrolled = FaceIndex(np.array([CY, NEAR_ADA, ADA]), ["Cy", "Bo", "Ada"])
    (problem,) = EnrolmentIdentity("Ada", enrolled, 0.5).problems(ADA)
    assert str(problem) == (
        "The face looks like Bo, who is enrolled already: distance 0.400, below the threshold 0.500. If it is the same "
        "person, enrol it under that name; if not, they will be mixed up."
    )
    assert kinds("Ada", enrolled, 0.399) == []
    # (0, 1) is at a distance of exactly 2 in binary too: the same only below the threshold.
    assert kinds("Ada", FaceIndex(CY[None], ["Cy"]), 2.0) == []
    assert kinds("Ada", FaceIndex(CY[None], ["Cy"]), 2.0001) == ["looks like another"]
    assert kinds("Ada", NOBODY, 4) == []


def test_a_face_unlike_the_persons_own_is_another_persons():
    enrolled = FaceIndex(np.array([ADA]), ["Ada"])
    (problem,) = EnrolmentIdentity("Ada", enrolled, 2.0).problems(CY)
    assert problem.kind == "another person" and str(problem) == (
        "The face does not look like the other pictures of Ada: distance 2.000, not below the threshold 2.000. If it "
        "is another person, choose another name; if it is the same, take a picture that is more like the others."
    )
    assert kinds("Ada", enrolled, 2.0001, CY) == []
    # Nearest of all counts: 0.4 to the second encoding of Ada, though 2 to the first.
    assert kinds("Ada", FaceIndex(np.array([CY, NEAR_ADA]), ["Ada", "Ada"]), 0.5) == []


def test_what_was_just_gathered_counts_as_the_persons_own():
    assert kinds("Ada", NOBODY, 0.5, ADA, [CY]) == ["another person"]
    assert kinds("Ada", NOBODY, 0.5, ADA, [CY, NEAR_ADA]) == []
    identity = EnrolmentIdentity("Ada", NOBODY, 0.5)
    assert identity.is_another(ADA, [CY]) and not identity.is_another(ADA, [CY, NEAR_ADA])
    assert not identity.is_another(ADA, [])
