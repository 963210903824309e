from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.style.flicker import Flicker
from cnn_suite.runtime.style.optical_flow import Motion
from cnn_suite.runtime.style.steady import SteadyStylizer, trust


def texture(size_hw=(96, 128), seed=0):
    noise = np.random.default_rng(seed).normal(size=(*size_hw, 3)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (2, 6))
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def constants(*values):
    """A network that paints one colour after the other."""
    left = list(values)
    return lambda image: np.full_like(image, left.pop(0))


def panned(frames, size_hw=(96, 128), step=2):
    wide = texture((size_hw[0], size_hw[1] + step * frames))
    return [wide[:, step * i : step * i + size_hw[1]].copy() for i in range(frames)]


def test_a_standing_scene_is_blended_exponentially():
    # 200 + 0.8 (100 - 200) = 120; 200 + 0.8 (120 - 200) = 136; 200 + 0.8 (136 - 200) = 148.8
    steady, scene = SteadyStylizer(constants(100, 200, 200, 200), blend=0.8), texture()
    middle = [int(steady(scene)[48, 64, 0]) for _ in range(4)]
    assert middle == [100, 120, 136, 149]


def test_without_blending_every_frame_is_by_itself_but_the_motion_is_known():
    steady, scene = SteadyStylizer(constants(100, 200), blend=0.0), texture()
    assert (steady(scene) == 100).all() and steady.motion is None
    assert (steady(scene) == 200).all() and steady.motion.trusted.mean() > 0.9


def test_a_slow_change_is_not_stopped_by_rounding():
    steady, scene = SteadyStylizer(constants(100, *[101] * 20), blend=0.8), texture()
    assert [int(steady(scene)[48, 64, 0]) for _ in range(21)][-1] == 101


def test_noise_is_at_most_half_as_strong_as_without():
    rng = np.random.default_rng(2)
    steady = SteadyStylizer(lambda image: np.clip(image + rng.normal(0, 20, image.shape), 0, 255).astype(np.uint8))
    after, before = Flicker(), Flicker()
    for frame in panned(8):
        after.add(steady(frame), steady.motion)
        before.add(steady.stylized, steady.motion)
    assert len(after.frames) == 7 and after.mean < 0.5 * before.mean


def test_a_moving_thing_leaves_no_ghost():
    steady = SteadyStylizer(lambda image: image, blend=0.9)  # what differs from the scene is a ghost
    background = texture()
    for i in range(8):
        frame = background.copy()
        frame[30:60, 10 + 9 * i : 40 + 9 * i] = (250, 30, 30)
        painted = steady(frame)
        apart = np.abs(painted.astype(int) - frame).mean(-1)
        assert apart.mean() < 2 and np.percentile(apart, 99) < 25, i


def test_a_painting_stays_sharp_while_the_view_glides():
    wide, steady = texture((96, 160)), SteadyStylizer(lambda image: image)
    for i in range(12):  # by half a pixel, so that every frame is interpolated from the one before
        shift = np.array([[1, 0, -0.5 * i], [0, 1, 0]], np.float32)
        frame = cv2.warpAffine(wide, shift, (128, 96), flags=cv2.INTER_CUBIC)
        painted = steady(frame)
    detail = [cv2.Laplacian(p[8:-8, 20:-20].astype(np.float32), -1).std() for p in (painted, frame)]
    assert detail[0] > 0.9 * detail[1]


def test_a_cut_another_size_and_a_reset_begin_anew():
    steady = SteadyStylizer(constants(100, 200, 50, 90, 10), blend=0.8)
    bright, dark = np.full((64, 64, 3), 230, np.uint8), np.full((64, 64, 3), 20, np.uint8)
    steady(bright)
    assert (steady(dark) == 200).all() and steady.motion is None  # a cut
    assert (steady(dark[:40]) == 50).all() and steady.motion is None  # another size
    assert (steady(dark[:40])[20, 30] == 58).all() and steady.motion is not None  # 90 + 0.8 (50 - 90)
    steady.reset()
    assert steady.stylized is None
    assert (steady(dark[:40]) == 10).all() and steady.motion is None


def test_a_cut_to_another_texture_shows_nothing_of_the_scene_before():
    steady = SteadyStylizer(lambda image: image)
    steady(texture(seed=1))
    other = texture(seed=2)
    assert np.abs(steady(other).astype(int) - other).mean() < 6


def test_trust_falls_with_the_mismatch_and_softly_to_the_edges_of_what_fails():
    checked, zeros = np.ones((9, 12), np.float32), np.zeros((9, 12), np.float32)
    flow = np.zeros((9, 12, 2), np.float32)
    # exp(-50 * 0.02) = 0.368
    np.testing.assert_allclose(trust(Motion(flow, checked, zeros + 0.02)), 0.3679, atol=1e-4)
    checked[:, 4] = 0
    row = trust(Motion(flow, checked, zeros))[4]
    np.testing.assert_allclose(row[1:8], [1, 2 / 3, 1 / 3, 0, 1 / 3, 2 / 3, 1], atol=1e-6)


@pytest.mark.parametrize("blend", [-0.1, 1.0, float("nan")])
def test_a_blend_that_would_never_change_is_refused(blend):
    with pytest.raises(ValueError, match="`blend` must be at least 0 and less than 1"):
        SteadyStylizer(lambda image: image, blend=blend)
