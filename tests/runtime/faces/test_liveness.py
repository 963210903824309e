"""The turn of the head as a challenge: its states, and how often it errs on heads and on photographs in space."""

import numpy as np
import pytest

from cnn_suite.runtime.faces.face_pose import face_pose
from cnn_suite.runtime.faces.liveness import PROMPTS, TurnChallenge

RATE = 15.0  # frames a second
# Millimetres, x to the right of the picture, y down, z towards the camera: eyes 63 apart, nose some 27 in front.
HEAD = np.array([[-31.5, -34, 0], [31.5, -34, 0], [0, 0, 27], [-25, 36, 2], [25, 36, 2]], float)
FLAT = HEAD * [1, 1, 0]


def turned(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    """Rotation of a head: yaw above 0 to its own left, which is right in the picture."""
    y, p, r = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    yaw = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    pitch = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    roll = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return roll @ pitch @ yaw


def seen(model, rotation, *, place=(0, 0), away_mm=600.0, focal_px=700.0):
    """Five points of a model through a pinhole camera of 640 x 480."""
    x, y, z = (model @ rotation.T + [*place, 0]).T
    return np.stack([320 + focal_px * x / (away_mm - z), 240 + focal_px * y / (away_mm - z)], axis=1)


def noisy(points, rng, share=0.02):
    """Points as a detector finds them: off by a share of the distance between the eyes."""
    return points + rng.normal(size=points.shape) * share * np.hypot(*(points[1] - points[0]))


class Asking:
    """An `rng` that asks for given turns."""

    def __init__(self, *turns):
        self.turns = turns

    def choice(self, names, count):
        assert sorted(names) == ["left", "right"] and count == len(self.turns)
        return np.array(self.turns)


def show(challenge, yaw_deg, seconds, start_s, model=HEAD):
    """Holds a pose for some seconds; the time after."""
    for frame in range(round(seconds * RATE)):
        challenge.update(seen(model, turned(yaw_deg)), start_s + frame / RATE)
    return start_s + seconds


# z = 27 of 63 between the eyes, from afar: across = 27 tan(30 deg) / 63 = 0.247.
def test_the_nose_of_a_turned_head_moves_as_the_formula_says():
    pose = face_pose(seen(HEAD * [1, 1, 1], turned(30), away_mm=1e6, focal_px=1e6))
    assert pose.across == pytest.approx(27 * np.tan(np.deg2rad(30)) / 63, abs=0.02)
    assert face_pose(seen(HEAD, turned(-30))).across < -0.2
    assert abs(face_pose(seen(HEAD, turned(0))).across) < 1e-9


def test_turns_as_asked_are_done():
    challenge = TurnChallenge(Asking("left", "right"), turns=2)
    assert (challenge.state, challenge.asked) == ("waiting", "straight")
    time_s = show(challenge, 0, 0.2, 0)
    assert challenge.state == "hold"
    time_s = show(challenge, 0, 0.4, time_s)
    assert (challenge.state, challenge.asked) == ("waiting", "left")
    time_s = show(challenge, 32, 0.2, time_s)
    assert (challenge.state, challenge.asked) == ("hold", "left")
    time_s = show(challenge, 32, 0.4, time_s)
    assert (challenge.state, challenge.asked) == ("waiting", "straight")
    time_s = show(challenge, 0, 0.6, time_s)
    assert challenge.asked == "right"
    time_s = show(challenge, -32, 0.6, time_s)
    show(challenge, 0, 0.6, time_s)
    assert (challenge.state, challenge.asked, challenge.reason) == ("done", None, "")
    assert challenge.update(None, 1000) == "done"


def test_the_order_of_turns_is_drawn():
    def asked(seed):
        challenge = TurnChallenge(np.random.default_rng(seed), turns=8)
        return tuple(challenge._steps)

    assert asked(1) == asked(1) and len({asked(seed) for seed in range(20)}) > 10
    assert all(steps[::2] == ("straight",) * 9 and set(steps) <= set(PROMPTS) for steps in map(asked, range(20)))
    assert len({tuple(TurnChallenge(turns=30)._steps) for _ in range(4)}) == 4


def test_a_turn_to_the_wrong_side_fails_and_stays_failed():
    challenge = TurnChallenge(Asking("left"), turns=1)
    time_s = show(challenge, -32, 0.5, show(challenge, 0, 0.6, 0))
    assert challenge.state == "failed" and challenge.asked is None
    assert challenge.reason == "wrong direction: the request was 'Turn your head to your left'"
    show(challenge, 32, 1, time_s)
    assert challenge.state == "failed"


def test_one_wrong_frame_is_forgiven_and_breaks_a_hold():
    challenge = TurnChallenge(Asking("left"), turns=1)
    time_s = show(challenge, 32, 0.2, show(challenge, 0, 0.6, 0))
    assert challenge.state == "hold"
    challenge.update(seen(HEAD, turned(-32)), time_s)
    assert (challenge.state, challenge.asked) == ("waiting", "left")
    show(challenge, 32, 0.6, time_s + 0.1)
    assert challenge.asked == "straight"


def test_a_hold_needs_its_time_and_three_frames():
    challenge = TurnChallenge(Asking("left"), turns=1)
    straight = seen(HEAD, turned(0))
    assert challenge.update(straight, 0) == "hold" and challenge.update(straight, 0.4) == "hold"
    assert challenge.asked == "straight"
    challenge.update(straight, 0.5)
    assert challenge.asked == "left"


def test_time_that_runs_out_fails():
    challenge = TurnChallenge(Asking("left"), turns=1)
    show(challenge, 0, 7, 0)
    assert challenge.state == "failed"
    assert challenge.reason == "timeout: 'Turn your head to your left' was not done in 6 s"


def test_nobody_there_fails():
    challenge = TurnChallenge(Asking("left"), turns=1)
    assert challenge.update(None, 5) == "waiting" and challenge.update(None, 5.6) == "waiting"
    assert challenge.update(None, 5.8) == "failed"
    assert challenge.reason == "face lost: it was not visible for too long"


def test_a_face_that_is_lost_for_a_moment_begins_its_hold_again():
    challenge = TurnChallenge(Asking("left"), turns=1)
    time_s = show(challenge, 0, 0.2, 0)
    assert challenge.update(None, time_s) == "waiting"
    line = np.stack([np.arange(5), np.arange(5)], axis=1)
    assert challenge.update(line, time_s + 0.1) == "waiting"  # seen from the side: no pose
    show(challenge, 0, 0.2, time_s + 0.2)
    assert (challenge.state, challenge.asked) == ("hold", "straight")


@pytest.mark.parametrize(
    "points", [seen(HEAD, turned(0), place=(90, 0)), seen(HEAD, turned(0), away_mm=350), seen(HEAD, turned(0)) + 1000]
)
def test_a_jump_to_another_face_fails(points):
    challenge = TurnChallenge(Asking("left"), turns=1)
    time_s = show(challenge, 0, 0.6, 0)
    challenge.update(None, time_s)
    assert challenge.update(points, time_s + 0.1) == "failed"
    assert challenge.reason == "different face: its position or size jumped"


def test_a_face_that_is_not_symmetric_is_measured_from_its_own_middle():
    crooked = HEAD + np.array([[0, 0, 0], [0, 0, 0], [5, 0, 0], [0, 0, 0], [0, 0, 0]])
    challenge = TurnChallenge(Asking("right", "left"), turns=2)
    time_s = 0.0
    for yaw in (0, -30, 0, 30, 0):
        time_s = show(challenge, yaw, 0.6, time_s, crooked)
    assert challenge.state == "done"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"turns": 0}, "`turns` must be at least 1.* Received turns 0"),
        ({"straight": 0.2}, "0 < `straight` < `turn`. Received turns 3, straight 0.2, turn 0.18"),
        ({"hold_s": 9}, "`hold_s` must be between 0 and `timeout_s`.* Received 9, 6.0"),
        ({"growth": 1}, "`growth` above 1"),
        ({"jump": 0}, "`jump` above 0"),
        ({"lost_s": 0}, "`lost_s`"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        TurnChallenge(**arguments)


def test_frames_that_are_none_are_refused():
    challenge = TurnChallenge()
    challenge.update(None, 2)
    with pytest.raises(ValueError, match="`time_s` must not decrease. Received 1 after 2"):
        challenge.update(None, 1)
    with pytest.raises(ValueError, match="must not decrease. Received nan"):
        challenge.update(None, np.nan)
    with pytest.raises(ValueError, match=r"`points_px` must have shape \(5, 2\), or be None. Received shape \(2, 5\)"):
        challenge.update(np.zeros((2, 5)), 3)


def person(rng):
    """A head with proportions of its own and a way of its own to follow what is asked."""
    head = HEAD * [1, 1, rng.uniform(22, 32) / 27] + rng.normal(size=(5, 3)) * 1.5
    return head, rng.uniform(28, 45), rng.uniform(60, 150), rng.uniform(0.3, 1.0)  # degrees, degrees a second, seconds


def cooperates(rng):
    """Whether somebody who does as asked, after a moment to read it, passes."""
    challenge = TurnChallenge(rng)
    head, reach_deg, speed, delay_s = person(rng)
    yaw, told, since_s, time_s = 0.0, None, 0.0, 0.0
    aim = {"straight": 0.0, "left": reach_deg, "right": -reach_deg}
    while challenge.state not in ("done", "failed"):
        if challenge.asked != told:
            told, since_s = challenge.asked, time_s
        if time_s - since_s > delay_s:
            yaw += np.clip(aim[told] - yaw, -speed / RATE, speed / RATE)
        rotation = turned(yaw + rng.normal() * 1.5, 5 * np.sin(time_s) + rng.normal(), 4 * np.cos(0.7 * time_s))
        points = seen(head, rotation, place=(15 * np.sin(0.9 * time_s), 8), away_mm=600 + 30 * np.sin(time_s))
        challenge.update(None if rng.random() < 0.02 else noisy(points, rng), time_s)
        time_s += 1 / RATE
    return challenge.state == "done"


def photograph(rng, model=FLAT):
    """Whether a print that follows the asked turns by being moved, tilted, turned and brought nearer passes."""
    challenge = TurnChallenge(rng)
    print_scale = rng.uniform(0.8, 1.6)
    flat = model * print_scale + rng.normal(size=(5, 3)) * [1.5, 1.5, 0]
    away_mm, reach_deg = rng.uniform(300, 700) * print_scale, rng.uniform(20, 65)
    yaw, time_s = 0.0, 0.0
    aim = {"straight": 0.0, "left": reach_deg, "right": -reach_deg}
    sign = rng.choice([-1, 1])  # the perspective of a tilted sheet works the other way round: try both
    while challenge.state not in ("done", "failed"):
        yaw += np.clip(sign * aim[challenge.asked] - yaw, -8, 8)
        rotation = turned(yaw, 25 * np.sin(1.1 * time_s), 20 * np.cos(0.8 * time_s))
        place = (40 * np.sin(0.9 * time_s), 30 * np.cos(time_s))
        points = seen(flat, rotation, place=place, away_mm=away_mm * (1 + 0.1 * np.sin(1.3 * time_s)))
        challenge.update(noisy(points, rng), time_s)
        time_s += 1 / RATE
    return challenge.state == "done"


def relief(rng):
    """The same with a nose that stands out, to see that the moves alone do not fail."""
    return photograph(rng, HEAD)


def film(rng):
    """Whether a recording of somebody who followed another challenge passes."""
    challenge = TurnChallenge(rng)
    steps = ["straight"]
    for side in rng.choice(["left", "right"], 3):
        steps += [side, "straight"]
    aim, yaw = {"straight": 0.0, "left": 35.0, "right": -35.0}, 0.0
    for frame in range(round(len(steps) * 1.2 * RATE) + 200):
        step = steps[min(int(frame / RATE / 1.2), len(steps) - 1)]
        yaw += np.clip(aim[step] - yaw, -8, 8)
        challenge.update(noisy(seen(HEAD, turned(yaw)), rng), frame / RATE)
    return challenge.state == "done"


def test_error_rates():
    trials = 100
    passed = {
        who.__name__: np.mean([who(np.random.default_rng(seed)) for seed in range(trials)])
        for who in (cooperates, photograph, relief, film)
    }
    print(passed)
    assert passed["cooperates"] >= 0.95
    assert passed["photograph"] == 0
    assert passed["relief"] > 0.3  # half of them are tilted against what is asked
    assert 0.03 < passed["film"] < 0.22  # one of 2 ** 3 fits: what is not stopped, said in numbers
