"""One run of the explore app over a source: compute, show and write views; keys change the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.statistics import RunStatistics
from cnn_suite.runtime.window import Key


class View(NamedTuple):
    """A way to look at pictures.

    Attributes:
        group: What kind of view it is; its first letter is the key that leads there.
        name: Which one of the kind.
        draw: From uint8 RGB `(height, width, 3)` to the picture to show, uint8 RGB of any size.
    """

    group: str
    name: str
    draw: Callable[[np.ndarray], np.ndarray]


@dataclass
class ExploreRun:
    """The state of a run. `look` is called on the work thread, everything else on the main thread.

    Args:
        views: At least one, those of a group beside one another.
        chosen: Number of the view to begin with.
        still: Whether the source is of still pictures, which are worked on ahead: a key changes those, too.
        output: Takes pictures and results.
    """

    views: Sequence[View]
    chosen: int = 0
    still: bool = False
    output: RunOutput = RunOutput()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        self._latest: tuple[Frame, np.ndarray] | None = None

    def look(self, frame: Frame) -> tuple[View, np.ndarray]:
        """One frame through the view chosen now."""
        view = self.views[self.chosen]
        return view, view.draw(frame.image_rgb)

    def handle(self, result: Result[tuple[View, np.ndarray]]) -> np.ndarray:
        """Takes one frame through everything; returns what the window shows."""
        view, picture = result.value
        if self.still and view is not self.views[self.chosen]:  # made ahead, before a key was pressed
            view, picture = self.look(result.frame)
        self._latest = result.frame, picture
        self.statistics.add(Detections.empty(), result.latency_s)
        more = {"view": f"{view.group}: {view.name}"}
        self.output.take(result.frame, Detections.empty(), picture, self.statistics, more)
        return picture

    def redraw(self, frame: Frame) -> np.ndarray:
        """The picture that was made last."""
        return frame.image_rgb if self._latest is None else self._latest[1]

    def overlay(self) -> tuple[str, ...]:
        """What stands in the corner of the window."""
        view = self.views[self.chosen]
        return f"{view.group}: {view.name}", self.statistics.overlay()

    def keys(self) -> tuple[Key, ...]:
        """The keys of this app."""
        groups = dict.fromkeys(view.group for view in self.views)
        letters = "".join(group[0] for group in groups)
        return (
            Key("np", "n and p: next and previous view", self._turned),
            Key(letters, ", ".join(f"{group[0]}: {group}" for group in groups), self._turned),
        )

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        return [line for line in self.statistics.summary(dropped=dropped) if line != "found nothing"]

    def _turned(self, letter: str, paused: bool) -> np.ndarray | None:
        """Changes the view; a picture that stands still is looked at anew."""
        if letter in "np":
            self.chosen = (self.chosen + (1 if letter == "n" else -1)) % len(self.views)
        else:
            self.chosen = next(number for number, view in enumerate(self.views) if view.group[0] == letter)
        if self._latest is None:
            return None
        frame = self._latest[0]
        self._latest = frame, self.look(frame)[1]
        return self._latest[1]
