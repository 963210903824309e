"""What looks at every frame of a face run beside recognition, and what it has to say: in the picture, in the result
lines, and at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from cnn_suite.runtime.faces.face_search import squared_distance
from cnn_suite.runtime.faces.liveness import PROMPTS, TurnChallenge
from cnn_suite.runtime.faces.recognition import RecognisedFaces
from cnn_suite.runtime.media.frames import Frame

_LOST_S = 0.7  # as long as a challenge waits for a face that is out of sight


class Watcher(Protocol):
    """Looks at every frame, which is not mirrored; says nothing but what it overrides."""

    def __call__(self, frame: Frame, faces: RecognisedFaces) -> Sequence[str]:
        """Looks at the next frame; what is to be read in the corner of the picture."""

    def records(self, faces: RecognisedFaces) -> Sequence[Mapping[str, Any]]:
        """Further keys of every face's result, of the frame that was looked at last."""
        return [{}] * len(faces)

    def summary(self) -> Sequence[str]:
        """Lines at the end of the run."""
        return []


class LivenessWatcher(Watcher):
    """Asks the person with the largest face for turns of the head, and speaks for nobody else.

    A challenge belongs to one track and to the face that first looked straight into the camera. It begins anew after a
    failure, when the face is out of sight for too long, and when another looks straight into the camera meanwhile.

    Args:
        threshold: Squared distance below which two faces are taken for the same person.
        make: Makes a challenge.
    """

    def __init__(self, threshold: float, make: Callable[[], TurnChallenge] = TurnChallenge) -> None:
        self._threshold, self._make = threshold, make
        self._straight: np.ndarray | None = None  # the encoding of whoever first looked straight into the camera
        self._begin(None)

    def passed(self, faces: RecognisedFaces, face: int) -> bool:
        """Whether one of the faces in view is of the person who turned the head as asked.

        Args:
            faces: The frame that was looked at last.
            face: Number of the face.
        """
        done = self._challenge.state == "done" and faces.tracks[face] == self._track
        return done and self._is_the_first(faces.encodings[face])

    def records(self, faces: RecognisedFaces) -> Sequence[Mapping[str, Any]]:
        """Whether each face passed, as `liveness`."""
        return [{"liveness": self.passed(faces, face)} for face in range(len(faces))]

    def __call__(self, frame: Frame, faces: RecognisedFaces) -> Sequence[str]:
        """Looks at the next frame; what the person should read."""
        face = self._followed(faces, frame.time_s)
        if self._track is None:
            return [PROMPTS["straight"]]
        challenge = self._challenge
        state = challenge.update(None if face is None else faces.points_px[face], frame.time_s)
        if state == "failed":
            return self._again(challenge.reason)
        if state == "done":
            return self._afterwards(faces, face)
        if face is not None and state == "hold" and challenge.asked == "straight":
            if self._straight is None:
                self._straight = faces.encodings[face]
            elif not self._is_the_first(faces.encodings[face]):
                return self._again("another face than at the beginning")
        return [PROMPTS[challenge.asked or "straight"]]

    def _followed(self, faces: RecognisedFaces, time_s: float) -> int | None:
        """The number of the face that is asked, None while it is out of sight; the largest one where it has gone."""
        if self._track in faces.tracks:
            self._seen_s = time_s
            return faces.tracks.index(self._track)
        if self._track is not None and time_s - self._seen_s <= _LOST_S:
            return None
        face = faces.faces.largest()
        self._begin(None if face is None else faces.tracks[face], time_s)
        return face

    def _afterwards(self, faces: RecognisedFaces, face: int | None) -> Sequence[str]:
        if face is None:
            return []
        if self.passed(faces, face):
            return ["turns completed"]
        return ["not the face that turned as asked. To begin anew, step out of view"]

    def _again(self, reason: str) -> Sequence[str]:
        self._begin(None)
        return [f"again: {reason}"]

    def _begin(self, track: int | None, time_s: float = 0.0) -> None:
        self._challenge = self._make()
        self._track, self._seen_s = track, time_s
        self._straight = None

    def _is_the_first(self, encoding: np.ndarray) -> bool:
        return self._straight is not None and squared_distance(encoding, self._straight) < self._threshold
