"""Identities that persist over frames: each frame's boxes are matched to the tracks by IoU, class by class.

No motion model: at video rate the same object overlaps itself from frame to frame. After SORT (Bewley et al. 2016,
Simple Online and Realtime Tracking) without its Kalman filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.results import Detections


@dataclass
class _Track:
    xyxy_px: np.ndarray
    class_id: int
    hits: int = 1
    missed: int = 0
    track_id: int = -1


class IouTracker:
    """Gives every detection a `track_id`, frame by frame.

    Args:
        min_iou: Least overlap of a detection with a track's last box.
        max_age: How many frames a track may be unseen before it is forgotten.
        min_hits: After how many sightings in a row a track gets its number; -1 until then.
    """

    def __init__(self, *, min_iou: float = 0.3, max_age: int = 30, min_hits: int = 3) -> None:
        if not 0 < min_iou <= 1 or max_age < 0 or min_hits < 1:
            raise ValueError(
                "`min_iou` must be in (0, 1], `max_age` at least 0 and `min_hits` at least 1. "
                f"Received {min_iou}, {max_age}, {min_hits}."
            )
        self._min_iou, self._max_age, self._min_hits = min_iou, max_age, min_hits
        self._tracks: list[_Track] = []
        self._given = 0

    def __call__(self, detections: Detections) -> Detections:
        """The same detections with `track_id` set; ids count from 1 in the order of confirmation."""
        rows, columns = self._matches(detections)
        ids = np.full(len(detections), -1, np.int32)
        seen = set(rows.tolist())
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            ids[column] = self._continue(self._tracks[row], detections.xyxy_px[column])
        self._forget(seen)
        for column in np.setdiff1d(np.arange(len(detections)), columns).tolist():
            ids[column] = self._begin(detections.xyxy_px[column], int(detections.class_id[column]))
        return replace(detections, track_id=ids)

    def _matches(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        if not self._tracks or not len(detections):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        overlap = iou(np.stack([track.xyxy_px for track in self._tracks]), detections.xyxy_px)
        same_class = np.array([track.class_id for track in self._tracks])[:, None] == detections.class_id
        return best_pairs(np.where(same_class & (overlap >= self._min_iou), overlap, 0))

    def _continue(self, track: _Track, xyxy_px: np.ndarray) -> int:
        track.xyxy_px, track.hits, track.missed = xyxy_px, track.hits + 1, 0
        return self._confirm(track)

    def _begin(self, xyxy_px: np.ndarray, class_id: int) -> int:
        self._tracks.append(_Track(xyxy_px, class_id))
        return self._confirm(self._tracks[-1])

    def _confirm(self, track: _Track) -> int:
        if track.track_id < 0 and track.hits >= self._min_hits:
            self._given += 1
            track.track_id = self._given
        return track.track_id

    def _forget(self, seen: set[int]) -> None:
        for row, track in enumerate(self._tracks):
            track.missed += row not in seen
        unconfirmed_and_gone = [track.missed and track.track_id < 0 for track in self._tracks]
        self._tracks = [
            track
            for track, gone in zip(self._tracks, unconfirmed_and_gone, strict=True)
            if not gone and track.missed <= self._max_age
        ]


def best_pairs(overlap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns paired for the greatest total overlap; 0 means that a pair is forbidden.

    Where no two compete, which is most frames, the pairs are plain to see; scipy (0.2 s to import) is asked only
    for the rest.
    """
    possible = overlap > 0
    if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():
        rows, columns = np.nonzero(possible)
        return rows, columns
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(overlap, maximize=True)
    allowed = possible[rows, columns]
    return rows[allowed], columns[allowed]
