"""Counting: objects that cross a line, by direction, and objects inside a zone. Pure NumPy.

Lines and zones are in unit coordinates of the picture, (0, 0) top left and (1, 1) bottom right, so they fit any
resolution. An object is where the centre of its box is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnn_suite.results import Detections


class LineCounter:
    """Counts tracked objects that cross the line from `start` to `end`.

    Seen when walking from `start` to `end`: `to_right` counts crossings from left to right, `to_left` the others.

    Args:
        start: (x, y) in unit coordinates.
        end: (x, y) in unit coordinates.
    """

    def __init__(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.start, self.end = (_point(point) for point in (start, end))
        if self.start == self.end:
            raise ValueError(f"A line needs two different endpoints. Received {self.start} twice.")
        self.to_right = self.to_left = 0
        self._last: dict[int, tuple[float, float]] = {}

    def update(self, detections: Detections, size_hw: tuple[int, int]) -> None:
        """Looks at one frame's tracked detections."""
        if detections.track_id is None:
            raise ValueError("A line counts tracked objects: pass the detections to `IouTracker` first.")
        for track_id, centre in zip(detections.track_id.tolist(), centres(detections, size_hw).tolist(), strict=True):
            side = _side(self.start, self.end, centre)
            if track_id < 0 or side == 0:  # exactly on the line: wait for the next frame
                continue
            before = self._last.get(track_id)
            self._last[track_id] = (centre[0], centre[1])
            if before is not None and self._crossed(before, centre):
                self.to_right, self.to_left = self.to_right + (side > 0), self.to_left + (side < 0)

    def _crossed(self, before: Sequence[float], now: Sequence[float]) -> bool:
        if _side(self.start, self.end, before) * _side(self.start, self.end, now) >= 0:
            return False
        return _side(before, now, self.start) * _side(before, now, self.end) <= 0

    def as_dict(self) -> dict[str, object]:
        """The line and its counts, for a result line."""
        return {"line": [*self.start, *self.end], "to_right": self.to_right, "to_left": self.to_left}


class ZoneCounter:
    """Counts objects inside a polygon.

    Args:
        corners: Three or more (x, y) in unit coordinates, in order around the zone.
    """

    def __init__(self, corners: Sequence[tuple[float, float]]) -> None:
        if len(corners) < 3:
            raise ValueError(f"A zone needs at least three corners. Received {len(corners)}.")
        self.corners = tuple(_point(corner) for corner in corners)
        self.inside = self.most = 0
        self._visitors: set[int] | None = None  # unknown without a tracker

    def update(self, detections: Detections, size_hw: tuple[int, int]) -> None:
        """Looks at one frame's detections."""
        within = points_in_polygon(centres(detections, size_hw), self.corners)
        self.inside = int(within.sum())
        self.most = max(self.most, self.inside)
        if detections.track_id is not None:
            here = {track_id for track_id in detections.track_id[within].tolist() if track_id >= 0}
            self._visitors = here | (self._visitors or set())

    @property
    def visitors(self) -> int:
        """How many different tracked objects have been inside; 0 without a tracker."""
        return len(self._visitors or ())

    def as_dict(self) -> dict[str, object]:
        """The zone and its counts, for a result line; without a tracker there are no visitors to count."""
        zone = [value for corner in self.corners for value in corner]
        visitors = {} if self._visitors is None else {"visitors": self.visitors}
        return {"zone": zone, "inside": self.inside, **visitors}


def centres(detections: Detections, size_hw: tuple[int, int]) -> np.ndarray:
    """Box centres in unit coordinates, `(n, 2)`."""
    boxes = detections.xyxy_px.astype(np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2 / (size_hw[1], size_hw[0])


def points_in_polygon(points: np.ndarray, corners: Sequence[tuple[float, float]]) -> np.ndarray:
    """Which of the points `(n, 2)` lie inside: a ray to the right crosses the outline an odd number of times."""
    inside = np.zeros(len(points), bool)
    x, y = points[:, 0], points[:, 1]
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 == y1:
            continue
        spans = (y0 > y) != (y1 > y)
        inside ^= spans & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside


def parse_points(text: str, what: str) -> list[tuple[float, float]]:
    """The points of "x0,y0,x1,y1,..."; `what` ("--line") begins the message when they are none.

    Raises:
        ValueError: If the text is not pairs of numbers in [0, 1].
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or len(values) % 2:
        raise ValueError(f"{what} needs pairs of numbers x0,y0,x1,y1,... Received {text!r}.")
    try:
        return [_point(pair) for pair in zip(values[::2], values[1::2], strict=True)]
    except ValueError as fault:
        raise ValueError(f"{what}: {fault}") from fault


def _point(point: Sequence[float]) -> tuple[float, float]:
    x, y = float(point[0]), float(point[1])
    if not (0 <= x <= 1 and 0 <= y <= 1 and math.isfinite(x + y)):
        raise ValueError(
            f"Points must be in unit coordinates, fractions 0 to 1 of the picture's width and height. Received ({x:g}, "
            f"{y:g})."
        )
    return x, y


def _side(start: Sequence[float], end: Sequence[float], point: Sequence[float]) -> float:
    """Positive when `point` is right of the way from `start` to `end` (y points down), 0 when on it."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
