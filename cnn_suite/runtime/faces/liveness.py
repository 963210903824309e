"""A liveness challenge against photographs: head turns on request, checked by the motion of five landmarks.

What is measured is `FacePose.across`, the nose against the frame of eyes and mouth. A photograph that is moved, turned,
scaled or tilted leaves it as it is, up to the perspective of a sheet held near the camera; a head changes it by 0.2
and more. The turns are asked for at random and a turn to the wrong side fails, so that of recorded films of `n` turns
one of `2 ** n` fits.

What this does not stop: a film or a screen that is made to follow the asked turns, live face swapping, a mask, a
photograph bent around a bottle or a head, photographs from several sides changed quickly in one place, a living person
who looks like another. It says nothing about who the person
is: compare the face before, during and after with the same encoding, and the jump of a face to another place is only
noticed here by place and size. Use it to make a printed picture not enough; never as the only lock.

How often it errs, on simulated heads and prints with points off by 2 % of the distance between the eyes
(tests/runtime/faces/test_liveness.py with seeds 0 to 499, defaults): of people who do as asked 2 of 500 fail; of
photographs that are moved, tilted and turned as asked none passes (so at most 0.6 % with 95 % confidence, of such
photographs); of films of somebody else's challenge 71 pass, where one in eight is to be expected. Real cameras and
detectors err more.

Pictures must not be mirrored: turn a mirror image's points back first, or left and right change places.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from cnn_suite.runtime.faces.face_pose import FacePose, face_pose

State = Literal["waiting", "hold", "done", "failed"]
PROMPTS = {
    "straight": "Look straight into the camera",
    "left": "Turn your head to your left",
    "right": "Turn your head to your right",
}
_LEAST_FRAMES = 3  # in a hold, however few frames come
_SIGNS = {"left": 1.0, "right": -1.0}


class TurnChallenge:
    """Asks for turns of the head one after another, straight between them, and judges frame by frame.

    Args:
        rng: Which turns are asked for; from the system's entropy without it, as it should be where it counts.
        turns: How many turns.
        turn: By how much `FacePose.across` must differ from straight, about 25 degrees with the default.
        straight: Within how much of straight it must come back.
        hold_s: How long each must be held.
        timeout_s: How long each step may take.
        lost_s: How long the face may be out of sight.
        jump: How many distances between the eyes the face may move from one frame to the next.
        growth: By what factor its size may change from one frame to the next.

    Raises:
        ValueError: If an argument is not in its range.
    """

    def __init__(
        self,
        rng: np.random.Generator | None = None,
        *,
        turns: int = 3,
        turn: float = 0.18,
        straight: float = 0.09,
        hold_s: float = 0.25,
        timeout_s: float = 6.0,
        lost_s: float = 0.7,
        jump: float = 1.0,
        growth: float = 1.5,
    ) -> None:
        if turns < 1 or not 0 < straight < turn:
            raise ValueError(
                "`turns` must be at least 1, and 0 < `straight` < `turn`. "
                f"Received turns {turns}, straight {straight}, turn {turn}."
            )
        if not 0 < hold_s < timeout_s or lost_s <= 0 or jump <= 0 or growth <= 1:
            raise ValueError(
                "`hold_s` must be between 0 and `timeout_s`, `lost_s` and `jump` above 0, `growth` above 1. "
                f"Received {hold_s}, {timeout_s}, {lost_s}, {jump}, {growth}."
            )
        rng = np.random.default_rng() if rng is None else rng
        steps = ["straight"]
        for asked in rng.choice(list(_SIGNS), turns).tolist():
            steps += [asked, "straight"]
        self._steps, self._step = steps, 0
        self._turn, self._straight = turn, straight
        self._hold_s, self._timeout_s, self._lost_s, self._jump, self._growth = hold_s, timeout_s, lost_s, jump, growth
        self._state: State = "waiting"
        self._reason = ""
        self._neutral: float | None = None  # noses and detectors have a side; what counts is the change
        self._held: list[tuple[float, float]] = []  # times and values of the frames that the step asks for
        self._wrong = 0
        self._started_s = self._time_s = self._seen_s = float("nan")
        self._last: tuple[np.ndarray, FacePose] | None = None

    @property
    def state(self) -> State:
        """One of "waiting" (for the asked pose), "hold" (it is there), "done" and "failed"."""
        return self._state

    @property
    def asked(self) -> str | None:
        """The pose currently requested, a key of `PROMPTS`; None at the end."""
        return None if self._state in ("done", "failed") else self._steps[self._step]

    @property
    def reason(self) -> str:
        """Why it failed; empty otherwise."""
        return self._reason

    def update(self, points_px: np.ndarray | None, time_s: float) -> State:
        """Takes one frame; after the end nothing changes any more.

        Args:
            points_px: Float `(5, 2)` in the order of `Faces.points_px`, of a picture that is not mirrored; None where
                no face was found.
            time_s: When the frame was taken, in seconds of any clock that does not go back.

        Raises:
            ValueError: If the time goes back or the points are not five.
        """
        if not np.isfinite(time_s) or time_s < self._time_s:
            raise ValueError(f"`time_s` must not decrease. Received {time_s} after {self._time_s}.")
        pose = _pose(points_px)
        if self._state in ("done", "failed"):
            return self._state
        if np.isnan(self._started_s):
            self._started_s = self._seen_s = time_s
        self._time_s = time_s
        if pose is None or points_px is None:
            self._held, self._state, self._wrong = [], "waiting", 0
        elif self._is_another(np.asarray(points_px, np.float64), pose):
            return self._fail("different face: its position or size jumped")
        else:
            self._seen_s = time_s
            self._judge(pose.across, time_s)
        if self._state not in ("done", "failed") and time_s - self._seen_s > self._lost_s:
            return self._fail("face lost: it was not visible for too long")
        if self._state not in ("done", "failed") and time_s - self._started_s > self._timeout_s:
            return self._fail(f"timeout: {PROMPTS[self._steps[self._step]]!r} was not done in {self._timeout_s:g} s")
        return self._state

    def _judge(self, across: float, time_s: float) -> None:
        asked = self._steps[self._step]
        off = across - (self._neutral if self._neutral is not None else 0.0)
        if asked != "straight":
            self._wrong = self._wrong + 1 if off * _SIGNS[asked] <= -self._turn else 0
            if self._wrong >= _LEAST_FRAMES:
                self._fail(f"wrong direction: the request was {PROMPTS[asked]!r}")
                return
        if not self._fits(asked, off):
            self._held, self._state = [], "waiting"
            return
        self._state = "hold"
        self._held.append((time_s, across))
        if len(self._held) >= _LEAST_FRAMES and time_s - self._held[0][0] >= self._hold_s:
            self._next(time_s)

    def _fits(self, asked: str, off: float) -> bool:
        if asked in _SIGNS:
            return off * _SIGNS[asked] >= self._turn
        # Before the neutral is known: a face may be a little turned, but not so that a turn could not be told.
        return abs(off) <= (self._straight if self._neutral is not None else self._turn)

    def _next(self, time_s: float) -> None:
        if self._neutral is None:
            self._neutral = float(np.median([across for _, across in self._held]))
        self._step += 1
        self._held, self._started_s, self._wrong = [], time_s, 0
        self._state = "done" if self._step == len(self._steps) else "waiting"

    def _is_another(self, points: np.ndarray, pose: FacePose) -> bool:
        """Whether the face is too far from where it was in the last frame with a face, or too large or small."""
        last, self._last = self._last, (points, pose)
        if last is None:
            return False
        before, of_before = last
        # By the whole face: the eyes come nearer to each other when the head turns.
        sizes = [float(np.sqrt(((p - p.mean(axis=0)) ** 2).sum())) for p in (before, points)]
        moved = float(np.hypot(*(points.mean(axis=0) - before.mean(axis=0))))
        eyes = max(of_before.eye_distance_px, pose.eye_distance_px)
        return moved > self._jump * eyes or not 1 / self._growth <= sizes[1] / sizes[0] <= self._growth

    def _fail(self, reason: str) -> State:
        self._state, self._reason = "failed", reason
        return self._state


def _pose(points_px: np.ndarray | None) -> FacePose | None:
    """The pose, None if there is no face or the points of one seen from the side lie on a line."""
    if points_px is None:
        return None
    if np.shape(points_px) != (5, 2):
        raise ValueError(f"`points_px` must have shape (5, 2), or be None. Received shape {np.shape(points_px)}.")
    try:
        return face_pose(points_px)
    except ValueError:
        return None
