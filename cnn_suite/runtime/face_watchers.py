"""What looks at every frame of a face run beside recognition: the enrolment gate, and the challenge of turns."""

from __future__ import annotations

from collections.abc import Callable

from cnn_suite.runtime.enrolment import check_enrolment
from cnn_suite.runtime.face_search import FaceIndex
from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.liveness import PROMPTS, TurnChallenge
from cnn_suite.runtime.recognition import RecognisedFaces


def enrolment_gate(name: str, enrolled: FaceIndex, threshold: float) -> Callable[[Frame, RecognisedFaces], list[str]]:
    """A function that says what speaks against enrolling the largest face of a frame.

    Args:
        name: Who is to be enrolled.
        enrolled: Who is enrolled already.
        threshold: Below which two faces are taken for the same person.
    """

    def problems(frame: Frame, found: RecognisedFaces) -> list[str]:
        faces = found.faces
        chosen = faces.largest()
        if chosen is None:
            return [problem.text for problem in check_enrolment(frame.image_rgb, faces)]
        encoding = found.encodings[chosen]
        against = check_enrolment(
            frame.image_rgb, faces, name=name, encoding=encoding, enrolled=enrolled, threshold=threshold
        )
        return [problem.text for problem in against]

    return problems


class LivenessWatcher:
    """Asks the person with the largest face for turns of the head; begins again after a failure.

    Args:
        make: Makes a challenge.
    """

    def __init__(self, make: Callable[[], TurnChallenge] = TurnChallenge) -> None:
        self._make = make
        self._challenge = make()

    @property
    def passed(self) -> bool:
        """Whether the head was turned as asked."""
        return self._challenge.state == "done"

    def __call__(self, frame: Frame, found: RecognisedFaces) -> list[str]:
        """Looks at the next frame; what the person should read."""
        chosen = found.faces.largest()
        state = self._challenge.update(None if chosen is None else found.points_px[chosen], frame.time_s)
        if state == "done":
            return ["turns completed"]
        if state == "failed":
            reason, self._challenge = self._challenge.reason, self._make()
            return [f"again: {reason}"]
        return [PROMPTS[self._challenge.asked or "straight"]]
