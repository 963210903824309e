"""One run of a style network over a source: paint, stabilise, show, write, and sum up; keys change the style."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.run_output import RunOutput
from cnn_suite.runtime.pipeline import Result
from cnn_suite.runtime.statistics import RunStatistics
from cnn_suite.runtime.style.flicker import Flicker
from cnn_suite.runtime.style.kept_colours import with_colours_of
from cnn_suite.runtime.style.steady import BLEND, SteadyStylizer
from cnn_suite.runtime.style.stylizer import Stylizer
from cnn_suite.runtime.window import Key

_STEPS = 4  # from one style to the next with key m


@dataclass(frozen=True)
class Look:
    """What is painted how, as the user chose it.

    Args:
        weights: One weight a style, their sum 1.
        keeps_colours: Whether the photograph's colours are kept.
        strength: Share of the painted picture, 0 to 1; the rest is the photograph.
        step: Quarters that key m has gone from the style `leaving` to the one after it.
        leaving: That style; None where the keys have mixed nothing.
    """

    weights: tuple[float, ...]
    keeps_colours: bool = False
    strength: float = 1.0
    step: int = 0
    leaving: int | None = None

    @classmethod
    def of_style(cls, style: int, styles: int) -> Look:
        """One style alone; the number goes round, so that -1 is the last one."""
        return cls(tuple(float(i == style % styles) for i in range(styles)))

    @property
    def style(self) -> int:
        """The style that keys go on from: the one that key m is leaving, or the heaviest."""
        return int(np.argmax(self.weights)) if self.leaving is None else self.leaving

    def alone(self, style: int) -> Look:
        """The same look with one style alone."""
        return replace(self, weights=Look.of_style(style, len(self.weights)).weights, step=0, leaving=None)

    def mixed_on(self) -> Look:
        """A quarter more of the next style; after four quarters it is the next style."""
        styles, style, step = len(self.weights), self.style, self.step + 1
        if styles == 1 or step == _STEPS:
            return self.alone(style + 1)
        mixed = [0.0] * styles
        mixed[style], mixed[(style + 1) % styles] = 1 - step / _STEPS, step / _STEPS
        return replace(self, weights=tuple(mixed), step=step, leaving=style)

    def named(self, labels: Sequence[str]) -> dict[str, float]:
        """Name to weight of the styles that take part."""
        names = labels or ("style",)
        return {name: round(weight, 4) for name, weight in zip(names, self.weights, strict=True) if weight}


@dataclass(frozen=True, eq=False)
class StyledFrame:
    """A painted frame, `uint8` of the size of its frame, and the look it was painted with."""

    picture_rgb: np.ndarray
    look: Look


@dataclass
class StyleRun:
    """The state of a run. `stylise` is called on the work thread, everything else on the main thread.

    Args:
        stylizer: The model.
        look: What to begin with; keys change it. None for the first style.
        blend: Share of the frame before that steadies a video, 0 for every frame by itself.
        follows_motion: Whether the frames are those of one video: with it the flicker is measured.
        longest_side: The largest picture that the network is given.
        side_by_side: Whether the original stands beside the painted picture, in files and, until key b, in the window.
        still: Whether the source is of still pictures, which a key paints anew at once.
        output: Takes painted pictures and results.
    """

    stylizer: Stylizer
    look: Look | None = None
    blend: float = BLEND
    follows_motion: bool = True
    longest_side: int | None = None
    side_by_side: bool = False
    still: bool = False
    output: RunOutput = RunOutput()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        self.chosen = self.look or Look.of_style(0, max(1, len(self.stylizer.labels)))
        self.flicker, self.flicker_alone = Flicker(), Flicker()
        self._beside = self.side_by_side
        self._lock = threading.Lock()  # a key may paint a still picture on the main thread
        self._steady = SteadyStylizer(lambda image: self._painted(image, self._at_work), blend=self.blend)
        self._at_work = self.chosen
        self._latest: tuple[Frame, np.ndarray] | None = None

    def stylise(self, frame: Frame) -> StyledFrame:
        """Paints one frame."""
        with self._lock:
            look = self.chosen  # the main thread may replace it meanwhile
            if not self.follows_motion:
                return self._by_itself(frame, look)
            if look != self._at_work:
                self._steady.reset()
                self._at_work = look
            picture = self._finished(self._steady(frame.image_rgb), frame.image_rgb, look)
            self._measure(picture, frame, look)
            return StyledFrame(picture, look)

    def handle(self, result: Result[StyledFrame]) -> np.ndarray:
        """Takes one painted frame through everything; returns what the window shows."""
        frame, painted = result.frame, result.value
        if self.still and painted.look != self.chosen:  # painted ahead, before a key was pressed
            painted = self._anew(frame)
        self._latest = frame, painted.picture_rgb
        nothing = Detections.empty()
        self.statistics.add(nothing, result.latency_s)
        written = _beside(frame.image_rgb, painted.picture_rgb) if self.side_by_side else painted.picture_rgb
        more = {"style": painted.look.named(self.stylizer.labels)}
        self.output.take(frame, nothing, written, self.statistics, more)
        return self.redraw(frame)

    def redraw(self, frame: Frame) -> np.ndarray:
        """The picture painted last; beside it, if wanted, the newest frame."""
        if self._latest is None:
            return frame.image_rgb
        picture = self._latest[1]
        if not self._beside:
            return picture
        same_size = frame.image_rgb.shape == picture.shape
        return _beside(frame.image_rgb if same_size else self._latest[0].image_rgb, picture)

    def overlay(self) -> tuple[str, ...]:
        """What stands in the corner of the window."""
        weights = self.chosen.named(self.stylizer.labels)
        mixture = ", ".join(name if weight == 1 else f"{name} {weight:.0%}" for name, weight in weights.items())
        kept = ", colours kept" if self.chosen.keeps_colours else ""
        return f"{mixture}{kept}", self.statistics.overlay()

    def keys(self) -> tuple[Key, ...]:
        """The keys of this app."""
        return (
            Key("np", "n and p: next and previous style", self._turned),
            Key("123456789", "1 to 9: that style", self._turned),
            Key("m", "m: a quarter more of the next style", self._turned),
            Key("c", "c: keep the colours or not", self._turned),
            Key("b", "b: the original beside it", self._placed_beside),
        )

    def summary(self, *, dropped: int = 0) -> list[str]:
        """The run in a few lines."""
        lines = [line for line in self.statistics.summary(dropped=dropped) if line != "found nothing"]
        if self.flicker.mean is not None:
            alone = self.flicker_alone.mean
            against = "" if alone is None else f"; each frame by itself: {alone:.2f}"
            lines.append(f"flicker: {self.flicker.mean:.2f} of 255 along the motion{against}")
        return lines

    def _painted(self, image_rgb: np.ndarray, look: Look) -> np.ndarray:
        return self.stylizer(image_rgb, look.weights, longest_side=self.longest_side)

    def _finished(self, picture_rgb: np.ndarray, photo_rgb: np.ndarray, look: Look) -> np.ndarray:
        if look.keeps_colours:
            picture_rgb = with_colours_of(picture_rgb, photo_rgb)
        if look.strength < 1:
            picture_rgb = cv2.addWeighted(picture_rgb, look.strength, photo_rgb, 1 - look.strength, 0)
        return picture_rgb

    def _measure(self, picture_rgb: np.ndarray, frame: Frame, look: Look) -> None:
        self.flicker.add(picture_rgb, self._steady.motion)
        if self.blend and self._steady.stylized is not None:
            alone = self._finished(self._steady.stylized, frame.image_rgb, look)
            self.flicker_alone.add(alone, self._steady.motion)

    def _turned(self, letter: str, paused: bool) -> np.ndarray | None:
        """Changes the look; a picture that does not move is painted anew."""
        before = look = self.chosen
        if letter in "np":
            look = before.alone(before.style + (1 if letter == "n" else -1))
        elif letter == "m":
            look = before.mixed_on()
        elif letter == "c":
            look = replace(before, keeps_colours=not before.keeps_colours)
        elif int(letter) <= len(before.weights):
            look = before.alone(int(letter) - 1)
        self.chosen = look
        if look == before or self._latest is None or not (self.still or paused):
            return None
        frame = self._latest[0]
        self._latest = frame, self._anew(frame).picture_rgb
        return self.redraw(frame)

    def _anew(self, frame: Frame) -> StyledFrame:
        """A frame by itself, in the look chosen now."""
        with self._lock:
            return self._by_itself(frame, self.chosen)

    def _by_itself(self, frame: Frame, look: Look) -> StyledFrame:
        return StyledFrame(self._finished(self._painted(frame.image_rgb, look), frame.image_rgb, look), look)

    def _placed_beside(self, letter: str, paused: bool) -> np.ndarray | None:
        self._beside = not self._beside
        return None if self._latest is None else self.redraw(self._latest[0])


def _beside(photo_rgb: np.ndarray, picture_rgb: np.ndarray) -> np.ndarray:
    return np.hstack([photo_rgb, picture_rgb])
