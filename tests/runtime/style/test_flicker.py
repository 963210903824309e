from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.runtime.style.flicker import Flicker, flicker_between
from cnn_suite.runtime.style.optical_flow import Motion

SIZE_HW = (6, 10)


def motion(x=0.0, trusted=None):
    backward = np.zeros((*SIZE_HW, 2), np.float32)
    backward[..., 0] = x
    return Motion(backward, np.ones(SIZE_HW, np.float32) if trusted is None else trusted, np.zeros(SIZE_HW, np.float32))


def picture(*colour):
    return np.full((*SIZE_HW, 3), colour, np.uint8)


def test_the_figure_is_the_mean_difference_in_grey_levels():
    # by 3, 0 and 6 in the three channels: 3 on average
    assert flicker_between(picture(100, 50, 20), picture(103, 50, 14), motion()) == pytest.approx(3)


def test_a_painting_that_moves_with_the_scene_does_not_flicker():
    ramp = np.broadcast_to(np.arange(10, dtype=np.uint8)[None, :, None] * 20, (*SIZE_HW, 3))
    moved = np.roll(ramp, 1, 1)
    inside = np.ones(SIZE_HW, np.float32)
    inside[:, 0] = 0  # came from outside
    assert flicker_between(ramp, moved, motion(-1, inside)) == 0
    assert flicker_between(ramp, moved, motion(0, inside)) == pytest.approx(20)


def test_only_trusted_pixels_count():
    before, after, left = picture(10, 10, 10), picture(10, 10, 10), np.zeros(SIZE_HW, np.float32)
    after[:, 5:] = 250
    left[:, :5] = 1
    assert flicker_between(before, after, motion(trusted=left)) == 0
    assert flicker_between(before, after, motion(trusted=1 - left)) == 240


def test_where_too_little_can_be_compared_there_is_no_figure():
    few = np.zeros(SIZE_HW, np.float32)
    few[0, :5] = 1  # 5 of 60 pixels
    assert flicker_between(picture(1, 1, 1), picture(99, 99, 99), motion(trusted=few)) is None


def test_frames_add_up_and_a_new_scene_begins_anew():
    flicker = Flicker()
    assert flicker.mean is None
    assert flicker.add(picture(10, 10, 10), None) is None
    assert flicker.add(picture(12, 12, 12), motion()) == 2
    assert flicker.add(picture(200, 200, 200), None) is None  # a cut
    assert flicker.add(picture(206, 206, 206), motion()) == 6
    assert flicker.frames == [2, 6] and flicker.mean == 4


def test_the_first_frame_has_nothing_to_differ_from():
    assert Flicker().add(picture(1, 2, 3), motion()) is None
