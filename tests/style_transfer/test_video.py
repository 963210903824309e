"""Tests of cnn_suite.style_transfer.video with a tiny random network and small moving pictures."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.runtime.style.flicker import Flicker
from cnn_suite.runtime.style.optical_flow import motion_between, warped
from cnn_suite.runtime.style.steady import trust
from cnn_suite.style_transfer import video
from cnn_suite.style_transfer.margins import MARGIN, with_margin, without_margin
from cnn_suite.style_transfer.objective import Costs
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.targets import Region
from cnn_suite.style_transfer.video import SteadyObjective, paint_frames
from tests.small_perception import smooth_picture, tiny_perception

REGIONS = [Region([smooth_picture(2, (40, 30))], [1.0])]
SIZE_HW = (40, 56)
FEW = TransferSettings(iterations=10)


class Nothing:
    """An objective that asks for nothing."""

    tiled = False

    def __init__(self, size_hw=(4, 5)) -> None:
        self.size_hw = size_hw[0] + 2 * MARGIN, size_hw[1] + 2 * MARGIN

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        return Costs(*[tf.constant(0.0)] * 4), tf.zeros_like(picture)


@pytest.fixture(scope="module")
def perception():
    return tiny_perception()


def panned(frames: int, step: int = 2) -> list[np.ndarray]:
    """A view that glides over a picture."""
    wide = smooth_picture(1, (SIZE_HW[0], SIZE_HW[1] + step * frames))
    return [wide[:, step * i : step * i + SIZE_HW[1]].copy() for i in range(frames)]


def spied(monkeypatch: pytest.MonkeyPatch, name: str) -> list[np.ndarray]:
    """What a method of the optimiser is called with."""
    real, seen = getattr(video.AdamSteps, name), []

    def spy(self, value):
        seen.append(np.copy(value))
        return real(self, value)

    monkeypatch.setattr(video.AdamSteps, name, spy)
    return seen


# The likeness


def test_the_likeness_is_the_mean_square_in_units_of_the_whole_range() -> None:
    # Apart by 25.5, a tenth: 0.1^2 = 0.01; half trusted, of weight 300: 1.5. Slope: 2 x 300 x 0.5 x 0.1 / 255 / pixels.
    objective = SteadyObjective(Nothing(), 300.0)
    before = np.full((4, 5, 3), 100, np.float32)
    objective.remember(before, np.full((4, 5), 0.5, np.float32))
    costs, gradient = objective.value_and_gradient(tf.constant(with_margin(before + 25.5)[None]))
    assert float(costs.total) == pytest.approx(1.5, rel=1e-5)
    assert (float(costs.content), float(costs.style), float(costs.variation)) == (0, 0, 0)
    assert gradient.numpy() == pytest.approx(30 / 255 / tf.size(gradient).numpy(), rel=1e-5)
    objective.forget()
    assert float(objective.value_and_gradient(tf.constant(with_margin(before + 25.5)[None]))[0].total) == 0


def test_its_gradient_is_the_slope_of_finite_differences_on_top_of_the_other_costs(perception) -> None:
    rng = np.random.default_rng(0)
    frame = smooth_picture(1, (12, 14))
    inner = video.objective_of(perception, frame, REGIONS, TransferSettings(tv=0.0), (12, 14))
    before, trusted = rng.uniform(0, 255, (12, 14, 3)).astype(np.float32), rng.uniform(0, 1, (12, 14))
    steady, nothing = SteadyObjective(inner, 50.0), SteadyObjective(Nothing((12, 14)), 50.0)
    for objective in (steady, nothing):
        objective.remember(before, trusted.astype(np.float32))
    picture = rng.uniform(0, 255, (1, *inner.size_hw, 3)).astype(np.float32)
    total, gradient = steady.value_and_gradient(tf.constant(picture))
    costs, plain = inner.value_and_gradient(tf.constant(picture))
    likeness, pull = nothing.value_and_gradient(tf.constant(picture))
    assert float(total.total) == pytest.approx(float(costs.total) + float(likeness.total), rel=1e-5)
    np.testing.assert_allclose(gradient, plain + pull, rtol=1e-4, atol=1e-9)
    for place in zip([0] * 6, *(rng.integers(0, side, 6) for side in picture.shape[1:])):
        ahead, behind = picture.astype(np.float64), picture.astype(np.float64)
        ahead[place] += 20
        behind[place] -= 20
        expected = 50 * with_margin(trusted)[place[1:3]] / 255**2 / picture.size
        slope = expected * ((ahead - with_margin(before)) ** 2 - (behind - with_margin(before)) ** 2)[place] / 40
        assert pull.numpy()[place] == pytest.approx(slope, rel=1e-3, abs=1e-12)


# Frames


def test_frames_have_the_size_that_was_asked_for_and_the_style_of_the_painting(perception) -> None:
    frames = [*panned(2), smooth_picture(3, (20, 28))]  # the last one of another size
    settings = TransferSettings(iterations=30, size=42)
    painted = list(paint_frames(perception, frames, REGIONS, settings))
    assert [each.picture.shape for each in painted] == [(30, 42, 3)] * 3
    assert all(each.picture.dtype == np.uint8 and each.frame.shape == (30, 42, 3) for each in painted)
    unpainted = next(paint_frames(perception, frames, REGIONS, TransferSettings(iterations=1, size=42)))
    assert painted[0].costs.style < 0.6 * unpainted.costs.style
    assert painted[1].costs.style < 0.6 * unpainted.costs.style  # it started from the one before


def test_a_frame_starts_as_the_one_before_was_painted_where_that_can_be_trusted(perception, monkeypatch) -> None:
    starts = spied(monkeypatch, "restart")
    frames = panned(2)
    frames[1][10:22, 20:34] = (250, 10, 10)  # what was not there before
    first, second = paint_frames(perception, frames, REGIONS, TransferSettings(iterations=30))
    motion = motion_between(*frames, longest_side=None)
    np.testing.assert_array_equal(second.motion.backward, motion.backward)
    trusted = trust(motion)
    before = np.clip(warped(first.picture.astype(np.float32), motion.backward, sharp=True), 0, 255)
    expected = frames[1] + trusted[..., None] * (before - frames[1])
    begun, carried = (without_margin(start) for start in starts)
    assert np.array_equal(begun, frames[0]) and first.motion is None
    np.testing.assert_allclose(carried, expected, atol=1.5)  # the yielded picture is of whole numbers
    assert 0.3 < trusted.mean() < 0.95
    assert np.abs(carried - frames[1])[14:18, 24:30].max() < 0.5
    assert np.abs(carried - frames[1])[trusted > 0.9].mean() > 5


def test_what_is_new_moves_by_the_whole_rate_and_what_was_painted_by_a_quarter(perception, monkeypatch) -> None:
    rates = spied(monkeypatch, "step")
    _, second = paint_frames(perception, panned(2), REGIONS, FEW)
    assert len(rates) == 10 + 2  # a fifth of the iterations for the second frame
    assert (rates[0] == 8).all() and rates[9].max() == pytest.approx(8 * (1 - 0.8 * 0.98))
    np.testing.assert_allclose(without_margin(rates[10])[..., 0], 8 * (1 - 0.75 * trust(second.motion)), rtol=1e-5)


def test_the_shared_start_and_the_likeness_each_lower_the_flicker(perception) -> None:
    rng = np.random.default_rng(0)
    frames = [np.uint8(np.clip(frame + rng.normal(0, 8, frame.shape), 0, 255)) for frame in panned(3, step=3)]
    settings = TransferSettings(iterations=20)

    def figure(pictures: list[np.ndarray]) -> float:
        flicker = Flicker()
        for number, picture in enumerate(pictures):
            motion = motion_between(frames[number - 1], frames[number], longest_side=None) if number else None
            flicker.add(picture, motion)
        return flicker.mean

    def painted(frames: list[np.ndarray], steadiness: float) -> list[np.ndarray]:
        return [each.picture for each in paint_frames(perception, frames, REGIONS, settings, steadiness=steadiness)]

    alone = figure([painted([frame], 0.0)[0] for frame in frames])
    started, steady = (figure(painted(frames, steadiness)) for steadiness in (0.0, 300.0))
    assert started < 0.95 * alone and steady < 0.6 * started, (alone, started, steady)


def test_a_cut_begins_anew(perception, monkeypatch) -> None:
    starts, rates = spied(monkeypatch, "restart"), spied(monkeypatch, "step")
    rng = np.random.default_rng(0)
    other = rng.integers(0, 255, (*SIZE_HW, 3)).astype(np.uint8)
    painted = list(paint_frames(perception, [*panned(2), other], REGIONS, FEW))
    assert [each.motion is None for each in painted] == [True, False, True]
    assert np.array_equal(without_margin(starts[2]), other)
    assert len(rates) == 10 + 2 + 10
    assert (rates[12] == 8).all()
    (alone,) = paint_frames(perception, [other], REGIONS, FEW)
    assert painted[2].costs.total == pytest.approx(alone.costs.total, rel=1e-4)  # nothing is left of what was before


def test_all_frames_share_what_is_compiled(perception, monkeypatch) -> None:
    traced, real = [], SteadyObjective.value_and_gradient

    def counted(self, picture):
        traced.append(picture)
        return real(self, picture)

    monkeypatch.setattr(SteadyObjective, "value_and_gradient", counted)
    assert len(list(paint_frames(perception, [*panned(3), smooth_picture(9, SIZE_HW)], REGIONS, FEW))) == 4
    assert len(traced) == 1


def test_cut_into_tiles_frames_are_painted_alike(perception) -> None:
    frames = panned(2)
    whole = list(paint_frames(perception, frames, REGIONS, TransferSettings(iterations=5)))
    tiled = list(paint_frames(perception, frames, REGIONS, TransferSettings(iterations=5, tile=16)))
    for one, other in zip(whole, tiled):
        assert other.costs.total == pytest.approx(one.costs.total, rel=1e-3)


def test_the_border_has_no_fringe(perception) -> None:
    (painted,) = paint_frames(perception, panned(1), REGIONS, TransferSettings(iterations=40, tv=0.0))
    moved = np.abs(painted.picture.astype(float) - painted.frame).mean(-1)
    border = np.concatenate([moved[:2].ravel(), moved[-2:].ravel(), moved[:, :2].ravel(), moved[:, -2:].ravel()])
    assert border.mean() < 1.5 * moved[4:-4, 4:-4].mean()


def test_no_frames_give_none_and_no_painting_is_refused(perception) -> None:
    assert list(paint_frames(perception, [], REGIONS, FEW)) == []
    with pytest.raises(ValueError, match="`regions` must contain at least one painting"):
        next(paint_frames(perception, panned(1), [], FEW))
