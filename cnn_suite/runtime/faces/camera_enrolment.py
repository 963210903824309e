"""Enrolment in front of a camera: collects good frames of one person, some time apart, until there are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnn_suite.runtime.faces.enrolment import check_enrolment
from cnn_suite.runtime.faces.enrolment_identity import EnrolmentIdentity
from cnn_suite.runtime.faces.face_watchers import LivenessWatcher, Watcher
from cnn_suite.runtime.faces.recognition import RecognisedFaces
from cnn_suite.runtime.media.frames import Frame

Gate = Callable[[Frame, RecognisedFaces], Sequence[str]]


class EnrolmentError(RuntimeError):
    """Nobody could be enrolled; the text says how far it came and what was wrong."""


class CameraEnrolment(Watcher):
    """Gathers encodings from frames that pass the gate, all of one track and of one person.

    When another track or another person comes into view, what was gathered is forgotten.

    Args:
        identity: Who is in front of the camera, and whom to compare a face with.
        gate: Says why a frame cannot be enrolled; nothing if it can.
        save: Takes the encodings `(n, dimensions)` once there are enough.
        wanted: How many.
        apart_s: Least seconds of the source between two of them, so that they differ.
    """

    def __init__(
        self,
        identity: EnrolmentIdentity,
        gate: Gate,
        save: Callable[[np.ndarray], object],
        *,
        wanted: int = 5,
        apart_s: float = 0.4,
    ) -> None:
        self.name = identity.name
        self.done = False
        self._identity, self._gate, self._save = identity, gate, save
        self._wanted, self._apart_s = wanted, apart_s
        self._gathered: list[np.ndarray] = []
        self._track: int | None = None
        self._next_s = 0.0
        self._last_problem = "no frame was looked at"

    def __call__(self, frame: Frame, faces: RecognisedFaces) -> Sequence[str]:
        """Looks at the next frame; what the person should read."""
        if self.done:
            return [f"{self.name} is enrolled"]
        problems = list(self._gate(frame, faces))
        chosen = faces.faces.largest()
        if problems:
            self._last_problem = problems[0]
        elif chosen is not None:
            self._take(faces.tracks[chosen], faces.encodings[chosen], frame.time_s)
        if len(self._gathered) >= self._wanted:
            self._save(np.stack(self._gathered))
            self.done = True
            return [f"{self.name} is enrolled"]
        return [f"enrolling {self.name}: {len(self._gathered)} of {self._wanted}", *problems]

    def summary(self) -> Sequence[str]:
        """Who was enrolled, with how many encodings."""
        return [f"{self.name} is enrolled ({len(self._gathered)} encodings)"] if self.done else []

    def check_done(self) -> None:
        """Says at the end of a run why nobody was enrolled.

        Raises:
            EnrolmentError: If there were not enough good frames.
        """
        if not self.done:
            raise EnrolmentError(
                f"{self.name} is not enrolled: only {len(self._gathered)} of {self._wanted} good frames. "
                f"The last problem: {self._last_problem}"
            )

    def _take(self, track: int, encoding: np.ndarray, time_s: float) -> None:
        if self._gathered and (track != self._track or self._identity.is_another(encoding, self._gathered)):
            self._gathered, self._next_s = [], time_s
            self._last_problem = "Another face came into view, and all began anew."
        if time_s >= self._next_s:
            self._gathered.append(encoding)
            self._track, self._next_s = track, time_s + self._apart_s
            self._last_problem = "The source ended before there were enough."


def enrolment_gate(identity: EnrolmentIdentity, liveness: LivenessWatcher | None = None) -> Gate:
    """A function that says what speaks against enrolling the largest face of a frame.

    Args:
        identity: Who is to be enrolled, and whom to compare with.
        liveness: What the face must have passed; it must look at each frame first.
    """

    def problems(frame: Frame, found: RecognisedFaces) -> Sequence[str]:
        against = [problem.text for problem in check_enrolment(frame.image_rgb, found.faces)]
        chosen = found.faces.largest()
        if chosen is None:
            return against
        if liveness is not None and not liveness.passed(found, chosen):
            against.append("The head must be turned as asked first.")
        return [*against, *(problem.text for problem in identity.problems(found.encodings[chosen]))]

    return problems
