"""Enrolment in front of a camera: good frames of one person are gathered, some time apart, until there are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.recognition import RecognisedFaces

Problems = Callable[[Frame, RecognisedFaces], Sequence[str]]  # why this frame cannot be enrolled


class CameraEnrolment:
    """Gathers encodings from frames that pass the quality check.

    Args:
        name: Who is in front of the camera.
        problems: The quality check.
        save: Takes the encodings `(n, dimensions)` once there are enough.
        wanted: How many.
        apart_s: Least seconds of the source between two of them, so that they differ.
    """

    def __init__(
        self,
        name: str,
        problems: Problems,
        save: Callable[[np.ndarray], None],
        *,
        wanted: int = 5,
        apart_s: float = 0.4,
    ) -> None:
        self.name = name
        self.done = False
        self._problems, self._save = problems, save
        self._wanted, self._apart_s = wanted, apart_s
        self._gathered: list[np.ndarray] = []
        self._next_s = 0.0

    def __call__(self, frame: Frame, faces: RecognisedFaces) -> list[str]:
        """Looks at the next frame; what the person should read."""
        if self.done:
            return [f"{self.name} is enrolled"]
        problems = list(self._problems(frame, faces))
        chosen = faces.faces.largest()
        if chosen is not None and not problems and frame.time_s >= self._next_s:
            self._gathered.append(faces.encodings[chosen])
            self._next_s = frame.time_s + self._apart_s
        if len(self._gathered) >= self._wanted:
            self._save(np.stack(self._gathered))
            self.done = True
            return [f"{self.name} is enrolled"]
        return [f"enrolling {self.name}: {len(self._gathered)} of {self._wanted}", *problems]
