"""Whose face a picture may show to be enrolled under a name: that person's, and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnn_suite.runtime.faces.enrolment import Problem
from cnn_suite.runtime.faces.face_search import FaceIndex, squared_distance


class EnrolmentIdentity:
    """Compares a face with the person it is to be enrolled as, and with everybody else.

    Args:
        name: Who is to be enrolled, as `gallery_records.checked_name` gives it.
        enrolled: Who is enrolled already, this person perhaps among them.
        threshold: Squared distance below which two faces are taken for the same person.
    """

    def __init__(self, name: str, enrolled: FaceIndex, threshold: float) -> None:
        self.name = name
        self.threshold = threshold
        self._enrolled = enrolled
        self._own = enrolled.only(name) if name in enrolled else None

    def problems(self, encoding: np.ndarray, gathered: Sequence[np.ndarray] = ()) -> list[Problem]:
        """What the identity of a face says against its enrolment; an empty list where it says nothing.

        Args:
            encoding: Of the face, float `(dimensions,)` of unit length.
            gathered: Encodings of the same person that are not in the gallery yet.
        """
        return [*self._looks_like_another(encoding), *self._is_another(encoding, gathered)]

    def is_another(self, encoding: np.ndarray, gathered: Sequence[np.ndarray]) -> bool:
        """Whether a face is like none of those that were gathered; False where there are none."""
        return bool(gathered) and min(squared_distance(encoding, known) for known in gathered) >= self.threshold

    def _looks_like_another(self, encoding: np.ndarray) -> list[Problem]:
        nearest = self._enrolled.nearest(np.asarray(encoding)[None], 2)[0]
        others = [person for person in nearest if person.name != self.name]  # one at most is of this name
        if not others or others[0].distance >= self.threshold:
            return []
        other = others[0]
        text = (
            f"The face looks like {other.name}, who is enrolled already: distance {other.distance:.3f}, below the "
            f"threshold {self.threshold:.3f}. If it is the same person, enrol it under that name; if not, they will be "
            "mixed up."
        )
        return [Problem("looks like another", text)]

    def _is_another(self, encoding: np.ndarray, gathered: Sequence[np.ndarray]) -> list[Problem]:
        distances = [squared_distance(encoding, known) for known in gathered]
        if self._own is not None:
            distances.append(self._own.nearest(np.asarray(encoding)[None])[0][0].distance)
        if not distances or min(distances) < self.threshold:
            return []
        text = (
            f"The face does not look like the other pictures of {self.name}: distance {min(distances):.3f}, not below "
            f"the threshold {self.threshold:.3f}. If it is another person, choose another name; if it is the same, "
            "take a picture that is more like the others."
        )
        return [Problem("another person", text)]
