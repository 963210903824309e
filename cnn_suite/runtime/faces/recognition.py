"""Who is in view: faces followed from frame to frame, each frame's nearest person a vote, the majority the answer.

One frame may be mistaken, so the last frames of a track vote; and a track may pass from one person to the next, so
that nobody is named whom the frame itself does not show. "Unknown" is an answer like any other: it is given until there
are enough votes, where no person has most of them, and where this frame's own vote is for somebody else or nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.tracker import IouTracker
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.face_search import FaceIndex

UNKNOWN = "unknown"


@dataclass(frozen=True)
class FaceMatch:
    """Who a face is taken for.

    Args:
        name: The person, whom this frame and most of the track's last frames show; None for unknown.
        nearest: The nearest person, whether near enough or not; None in an empty gallery.
        distance: To that person in this frame, squared Euclidean; infinite in an empty gallery.
        threshold: Below which a distance means the same person.
        votes: How many of the track's last frames say the same as `name`, and how many it was seen in.
    """

    name: str | None
    nearest: str | None
    distance: float
    threshold: float
    votes: tuple[int, int]

    @property
    def caption(self) -> str:
        """What is written beside the face: name, distance, threshold."""
        sign = "<" if self.distance < self.threshold else ">="
        return f"{self.name or UNKNOWN} {self.distance:.2f} {sign} {self.threshold:.2f}"


@dataclass(frozen=True, eq=False)
class RecognisedFaces:
    """The faces of one frame: where, as which track, who, and what a closer look needs."""

    detections: Detections
    matches: tuple[FaceMatch, ...]
    points_px: np.ndarray
    aligned: tuple[np.ndarray, ...]
    encodings: np.ndarray

    def __len__(self) -> int:
        return len(self.matches)

    @property
    def faces(self) -> Faces:
        """What the detector found."""
        return Faces(self.detections.xyxy_px, self.detections.confidence, self.points_px)

    @property
    def tracks(self) -> list[int]:
        """The number of every face's track."""
        return [] if self.detections.track_id is None else self.detections.track_id.tolist()

    @property
    def named(self) -> Detections:
        """The faces as detections whose labels are the people found, and "unknown"."""
        names = [match.name or UNKNOWN for match in self.matches]
        labels = tuple(dict.fromkeys((UNKNOWN, *sorted(names))))
        class_id = np.array([labels.index(name) for name in names], np.int32)
        return replace(self.detections, class_id=class_id, labels=labels)

    def records(self) -> list[dict]:
        """For every face what a result line says about who it is."""
        return [
            {
                "identity": match.name,
                "distance": round(match.distance, 4) if np.isfinite(match.distance) else None,
                "threshold": match.threshold,
                "same": match.name is not None,
            }
            for match in self.matches
        ]


class Recogniser:
    """Recognises everybody in view, frame by frame.

    Args:
        encoder: From a picture to encodings of its faces.
        enrolled: Whom it may be.
        threshold: Below which a squared distance means the same person.
        frames: How many of the last frames vote, those included in which a face was not seen.
        least: In how many of them it must have been seen before it is named.
        claimed: Only look whether a face is this person's; everybody else is unknown.

    Raises:
        LookupError: If nobody of the claimed name is enrolled.
        ValueError: If `least` and `frames` do not fit together.
    """

    def __init__(
        self,
        encoder: FaceEncoder,
        enrolled: FaceIndex,
        threshold: float,
        *,
        frames: int = 9,
        least: int = 3,
        claimed: str | None = None,
    ) -> None:
        if not 1 <= least <= frames:
            raise ValueError(f"`least` must be between 1 and `frames`. Received {least} and {frames}.")
        self.encoder = encoder
        self.enrolled = enrolled if claimed is None else enrolled.only(claimed)
        self.threshold = threshold
        self._tracker = IouTracker(min_hits=1)
        self._frames, self._least = frames, least
        self._frame = 0
        self._votes: dict[int, list[tuple[int, str | None]]] = {}  # of each track: the frame, and whom it showed

    def __call__(self, image_rgb: np.ndarray) -> RecognisedFaces:
        """The faces of the next frame, uint8 `(height, width, 3)`."""
        self._next_frame()
        found = self.encoder(image_rgb)
        detections = self._tracker(found.faces.detections)
        tracks = np.asarray(detections.track_id).tolist()
        matches = tuple(self._match(track, encoding) for track, encoding in zip(tracks, found.encodings))
        return RecognisedFaces(detections, matches, found.faces.points_px, found.aligned, found.encodings)

    def nearest(self, encoding: np.ndarray) -> tuple[str | None, float]:
        """The nearest person and the squared distance; nobody and infinity in an empty gallery."""
        (found,) = self.enrolled.nearest(encoding[None])
        return (found[0].name, found[0].distance) if found else (None, float("inf"))

    def _next_frame(self) -> None:
        """Drops the votes that have grown too old, and tracks that have no others."""
        self._frame += 1
        for track, votes in list(self._votes.items()):
            self._votes[track] = [vote for vote in votes if vote[0] > self._frame - self._frames]
            if not self._votes[track]:
                del self._votes[track]

    def _match(self, track: int, encoding: np.ndarray) -> FaceMatch:
        nearest, distance = self.nearest(encoding)
        votes = self._votes.setdefault(track, [])
        votes.append((self._frame, nearest if distance < self.threshold else None))
        name, count = decided([vote for _, vote in votes], self._least)
        return FaceMatch(name, nearest, distance, self.threshold, (count, len(votes)))


def decided(votes: Sequence[str | None], least: int) -> tuple[str | None, int]:
    """The name of the last vote if more than half of all are for it, and how many; otherwise None, for unknown.

    Args:
        votes: A name a frame, None for unknown; the last one is the present frame's.
        least: Fewer votes name nobody.
    """
    count = votes.count(votes[-1])
    if len(votes) < least or 2 * count <= len(votes):
        return None, votes.count(None)
    return votes[-1], count
