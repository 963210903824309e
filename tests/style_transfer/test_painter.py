"""Tests of cnn_suite.style_transfer.painter with a tiny random network."""

import gc
import time

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.runtime.media.picture_arrays import resized
from cnn_suite.style_transfer import painter, scales
from cnn_suite.style_transfer.margins import without_margin
from cnn_suite.style_transfer.painter import paint, result_size_hw
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.state import Progress, beginning
from cnn_suite.style_transfer.targets import Region
from tests.small_perception import smooth_picture, tiny_perception

PHOTO = smooth_picture(1, (32, 48))
PAINTING = smooth_picture(2, (40, 30))
REGIONS = [Region([PAINTING], [1.0])]


@pytest.fixture(scope="module")
def perception():
    return tiny_perception()


@pytest.fixture(autouse=True)
def _painted_as_small_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "COARSEST", 48)


def last_of(steps) -> Progress:
    *_, last = steps
    return last


def test_the_style_error_falls_and_the_picture_has_the_photographs_size(perception) -> None:
    steps = list(paint(perception, PHOTO, REGIONS, TransferSettings(iterations=40)))
    assert [progress.iteration for progress in steps] == list(range(1, 41))
    last = steps[-1]
    assert last.best_costs.style < 0.5 * last.first_costs.style
    assert last.best_costs.total == min(progress.costs.total for progress in steps)
    picture = last.picture()
    assert picture.shape == PHOTO.shape and picture.dtype == np.uint8
    assert last.share == 1
    assert last.first_costs.content == pytest.approx(0, abs=1e-6)  # it started from the content


def test_the_same_seed_gives_the_same_picture_and_another_one_does_not(perception) -> None:
    def painted(seed: int) -> np.ndarray:
        settings = TransferSettings(iterations=3, start="noise", seed=seed)
        return last_of(paint(perception, PHOTO, REGIONS, settings)).picture()

    assert np.array_equal(painted(1), painted(1))
    assert not np.array_equal(painted(1), painted(2))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_several_sizes_each_begin_where_the_one_before_ended(perception, optimizer: str) -> None:
    settings = TransferSettings(iterations=12, scales=3, size=48, optimizer=optimizer)
    steps = list(paint(perception, PHOTO, REGIONS, settings))
    sizes = list(dict.fromkeys(progress.size_hw for progress in steps))
    assert sizes == [(16, 24), (23, 34), (32, 48)]
    assert [sum(progress.scale == scale for progress in steps) for scale in range(3)] == [2, 2, 8]
    assert steps[-1].scales == 3
    first_of_last = next(progress for progress in steps if progress.scale == 2)
    assert first_of_last.costs.style < steps[0].costs.style  # it does not start from the photograph again


def test_a_state_goes_on_to_the_same_end_at_every_size(perception) -> None:
    settings = TransferSettings(iterations=12, scales=2, size=48)
    states = [progress.state() for progress in paint(perception, PHOTO, REGIONS, settings)]
    whole = states[-1]
    for number in (2, 4, 8):  # within the first size (5 iterations), at its end, and within the second
        rest = last_of(paint(perception, PHOTO, REGIONS, settings, state=states[number]))
        assert rest.iteration == 12
        assert rest.best_costs.total == pytest.approx(whole.best_costs.total, rel=1e-4)
        assert rest.first_costs == whole.first_costs


def test_a_finished_state_gives_its_picture_once_more(perception) -> None:
    settings = TransferSettings(iterations=4)
    done = last_of(paint(perception, PHOTO, REGIONS, settings))
    state, picture = done.state(), done.picture()
    again = list(paint(perception, PHOTO, REGIONS, settings, state=state))
    assert len(again) == 1
    assert again[0].iteration == 4
    assert np.array_equal(again[0].picture(), picture)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_deadline_is_kept_and_one_that_has_passed_still_gives_a_picture(perception, optimizer: str) -> None:
    settings = TransferSettings(seconds=100, optimizer=optimizer)
    deadline = time.monotonic() + 4.0  # the first step is compiled in one or two of them
    last = last_of(paint(perception, PHOTO, REGIONS, settings, deadline=deadline))
    assert last.iteration > 1
    assert time.monotonic() < deadline + 2.0
    left = max(0.0, deadline - time.monotonic())  # some, where L-BFGS has nothing left to improve
    assert last.state().seconds_left == pytest.approx(left, abs=0.5)
    late = list(paint(perception, PHOTO, REGIONS, settings, deadline=time.monotonic() - 5))
    assert [progress.iteration for progress in late] == [1]


def test_starts_are_what_they_say(perception) -> None:
    def first(start: str, other: np.ndarray | None = None) -> np.ndarray:
        state = beginning(PHOTO, REGIONS, TransferSettings(start=start), (32, 48), other)
        return without_margin(state.picture)

    assert np.array_equal(first("content"), PHOTO)
    assert np.abs(first("style_mean") - PAINTING.mean((0, 1))).max() <= 0.51
    assert first("noise").std() == pytest.approx(255 / 12**0.5, rel=0.05)
    other = smooth_picture(5, (64, 96))
    assert np.array_equal(first("content", other), resized(other.astype(np.float32), (32, 48)))
    steps = paint(perception, PHOTO, REGIONS, TransferSettings(iterations=1), first_picture=other)
    assert next(steps).picture().shape == PHOTO.shape


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("iterations", [1, 2])
def test_iterations_are_that_many_steps_and_the_costs_those_of_what_they_gave(
    perception, optimizer: str, iterations: int
) -> None:
    settings = TransferSettings(iterations=iterations, optimizer=optimizer)
    last = last_of(paint(perception, PHOTO, REGIONS, settings))
    state = last.state()
    objective = painter.objective_of(perception, PHOTO, REGIONS, settings, (32, 48))
    costs, _ = objective.value_and_gradient(tf.constant(state.best[None]))
    assert last.best_costs.total == last.costs.total == pytest.approx(float(costs.total), rel=1e-3)
    assert last.costs.total < last.first_costs.total
    assert not np.array_equal(last.picture(), PHOTO)
    if optimizer == "adam":
        assert state.moments.steps == iterations


def test_masked_regions_start_from_their_own_paintings_colours(perception) -> None:
    left = np.zeros((32, 48), np.float32)
    left[:, :24] = 1
    red, blue = np.full((20, 20, 3), (200, 0, 0), np.uint8), np.full((20, 20, 3), (0, 0, 200), np.uint8)
    regions = [Region([red], [1.0], left), Region([blue], [1.0], 1 - left)]
    picture = without_margin(beginning(PHOTO, regions, TransferSettings(start="style_mean"), (32, 48), None).picture)
    assert picture[5, 5].tolist() == [200, 0, 0]
    assert picture[5, 40].tolist() == [0, 0, 200]


def test_a_mask_keeps_the_style_where_it_is_white(perception) -> None:
    left = np.zeros((32, 48), np.float32)
    left[:, :24] = 1
    settings = TransferSettings(iterations=25, tv=0.0)
    picture = last_of(paint(perception, PHOTO, [Region([PAINTING], [1.0], left)], settings)).picture()
    moved = np.abs(picture.astype(float) - PHOTO).mean((0, 2))
    assert moved[:18].mean() > 2 * moved[32:].mean()


def test_strength_multiplies_beta(perception) -> None:
    def costs(**settings) -> float:
        return last_of(paint(perception, PHOTO, REGIONS, TransferSettings(iterations=1, **settings))).costs.total

    assert costs(strength=3.0) == pytest.approx(costs(beta=30.0))
    assert costs(strength=0.0, tv=0.0) < 1e-5  # nothing is to pay at the content itself, and no step leads away


def test_a_painting_is_seen_at_its_share_of_the_pictures_size(perception) -> None:
    region = painter._seen(REGIONS[0], (32, 48), 0.5, 8)
    assert region.paintings[0].shape == (24, 18, 3)
    assert painter._seen(REGIONS[0], (32, 48), 0.05, 8).paintings[0].shape[1] == 8  # no smaller than can be seen


def test_a_large_picture_is_cut_into_tiles_by_itself(perception, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TransferSettings(iterations=3)
    with monkeypatch.context() as small:
        small.setattr(painter, "_MOST_AT_ONCE", 1000)
        small.setattr(painter, "_TILE", 16)
        tiled = painter.objective_of(perception, PHOTO, REGIONS, TransferSettings(), (32, 48))
        assert tiled.tiled
        assert not painter.objective_of(perception, PHOTO, REGIONS, TransferSettings(tile=0), (32, 48)).tiled
        cut = last_of(paint(perception, PHOTO, REGIONS, settings)).best_costs.total
    assert cut == pytest.approx(last_of(paint(perception, PHOTO, REGIONS, settings)).best_costs.total, rel=1e-3)


def test_a_picture_that_the_network_cannot_see_is_refused_with_the_size_it_takes(perception) -> None:
    with pytest.raises(ValueError, match="painted at 48 x 6 pixels. tiny needs at least 8 per side.*of at least 64"):
        next(paint(perception, smooth_picture(1, (6, 48)), REGIONS, TransferSettings()))


def test_a_result_smaller_than_the_coarsest_size_is_painted_there(perception) -> None:
    last = last_of(paint(perception, PHOTO, REGIONS, TransferSettings(iterations=2, size=30)))
    assert last.size_hw == (32, 48) and last.picture().shape == PHOTO.shape


def test_the_size_of_the_result_keeps_the_photographs_shape() -> None:
    assert result_size_hw((300, 600), None) == (300, 600)
    assert result_size_hw((300, 600), 1200) == (600, 1200)


def test_nothing_of_a_size_is_left_when_the_next_one_is_painted(perception) -> None:
    from cnn_suite.style_transfer.adam import AdamSteps

    def alive() -> int:
        return sum(isinstance(thing, AdamSteps) for thing in gc.get_objects())

    gc.collect()  # what other tests have left
    counts = []
    for progress in paint(perception, PHOTO, REGIONS, TransferSettings(iterations=4, scales=2, size=48)):
        counts.append((progress.scale, alive()))
        del progress
    assert max(count for _, count in counts) == 1
