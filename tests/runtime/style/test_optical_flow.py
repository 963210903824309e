from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cnn_suite.runtime.style.optical_flow import motion_between, occlusion, warped


def texture(size_hw=(120, 160), seed=0):
    """A smooth random picture with detail everywhere."""
    noise = np.random.default_rng(seed).normal(size=(*size_hw, 3)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (2, 6))
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def flow_of(x, y, size_hw=(4, 6)):
    return np.broadcast_to(np.array([x, y], np.float32), (*size_hw, 2)).copy()


def test_a_picture_is_read_along_the_flow():
    # x -> x + 1: every pixel shows its right neighbour, the last one the border
    row = np.array([[0, 10, 20, 30]], np.uint8)
    assert warped(row, flow_of(1, 0, (1, 4))).tolist() == [[10, 20, 30, 30]]
    assert warped(row.T, flow_of(0, -1, (4, 1))).T.tolist() == [[0, 0, 10, 20]]
    assert warped(row.astype(np.float32), flow_of(0.5, 0, (1, 4))).tolist() == [[5, 15, 25, 30]]


@pytest.mark.parametrize(("sharp", "order"), [(False, 1), (True, 3)])
def test_warping_equals_scipys_interpolation(sharp, order):
    picture = texture((40, 50)).astype(np.float32)[..., 0]
    flow = np.random.default_rng(1).uniform(-3, 3, (40, 50, 2)).astype(np.float32)
    y, x = np.mgrid[:40, :50]
    places = [np.clip(y + flow[..., 1], 0, 39), np.clip(x + flow[..., 0], 0, 49)]
    expected = map_coordinates(picture, places, order=order, mode="nearest")
    apart = np.abs(warped(picture, flow, sharp=sharp) - expected)[3:-3, 3:-3]
    assert apart.mean() < 0.5 and apart.max() < 8  # OpenCV works in 1/32 of a pixel, and its cubic is another one


def test_no_motion_is_no_flow_and_everything_is_trusted():
    picture = texture()
    motion = motion_between(picture, picture)
    assert np.abs(motion.backward).max() < 0.05
    assert motion.trusted.mean() > 0.98 and motion.mismatch.max() < 1e-4


@pytest.mark.parametrize(("x", "y"), [(3, -2), (-7, 0), (0, 5)])
def test_a_shifted_picture_has_that_flow(x, y):
    picture = texture((160, 200))
    earlier, later = picture[20:-20, 20:-20], picture[20 - y : 140 - y, 20 - x : 180 - x]
    flow = motion_between(later, earlier).backward[10:-10, 10:-10]
    np.testing.assert_allclose(np.median(flow, (0, 1)), [x, y], atol=0.2)
    back = motion_between(earlier, later).backward
    apart = np.abs(warped(earlier, back).astype(float) - later)[12:-12, 12:-12]
    assert apart.mean() < 3 < 10 * apart.mean() < np.abs(earlier.astype(float) - later).mean() * 10


def test_the_flow_of_a_reduced_picture_is_in_pixels_of_the_given_one():
    picture = cv2.resize(texture((100, 200)), (800, 300))  # not square, so that an exchanged axis would show
    flow = motion_between(picture[12:-28, 8:-32], picture[20:-20, 20:-20], longest_side=320).backward
    assert flow.shape == (260, 760, 2) and flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow, (0, 1)), [12, 8], atol=1)


def test_round_trips_that_do_not_lead_back_are_not_trusted():
    # there and back 2 px off: 4 > 0.01 * 4 + 0.5; 0.7 px off: 0.49 < 0.5 + 0.01 * 0.49
    assert not occlusion(flow_of(0, 0), flow_of(2, 0)).any()
    assert occlusion(flow_of(0, 0), flow_of(0.7, 0))[:, :-1].all()
    assert occlusion(flow_of(0, 0), flow_of(0, 0)).all()


def test_what_comes_from_outside_is_not_trusted():
    mask = occlusion(flow_of(1, 0), flow_of(-1, 0))  # everything moved right by one: the left column is new
    assert mask.dtype == np.float32 and not mask[:, 0].any() and mask[:, 1:].all()
    mask = occlusion(flow_of(0, -2), flow_of(0, 2))
    assert not mask[-2:].any() and mask[:-2].all()


def test_edges_of_moving_things_are_not_trusted():
    # the left half stands, the right half moves by 0.5; the step of 0.25 a pixel squared is over 0.002
    backward = flow_of(0, 0, (6, 10))
    backward[:, 5:, 1] = 0.5
    mask = occlusion(-backward, backward)[:5]
    assert not mask[:, 4:6].any() and mask[:, :4].all() and mask[:, 6:].all()


def test_the_mask_equals_the_equations_written_out():
    rng = np.random.default_rng(3)
    smooth = cv2.GaussianBlur(rng.normal(size=(24, 32, 2)).astype(np.float32), (0, 0), 3)
    backward = np.round((smooth * 8 + (3, -2)) * 4).astype(np.float32) / 4  # quarters, which OpenCV reads exactly
    forward = np.round((-backward + rng.normal(size=backward.shape) * 0.4) * 4).astype(np.float32) / 4
    height, width = backward.shape[:2]
    padded = np.pad(backward, ((1, 1), (1, 1), (0, 0)), "edge")
    expected = np.ones((height, width))
    for y in range(height):
        for x in range(width):
            u, v = backward[y, x]
            to = [np.array([min(max(y + v, 0), height - 1)]), np.array([min(max(x + u, 0), width - 1)])]
            there = np.array([map_coordinates(forward[..., i], to, order=1)[0] for i in (0, 1)])
            lost = ((there + (u, v)) ** 2).sum() > 0.01 * ((there**2).sum() + u * u + v * v) + 0.5
            across = (padded[y + 1, x + 2] - padded[y + 1, x]) / 2
            down = (padded[y + 2, x + 1] - padded[y, x + 1]) / 2
            edge = (across**2).sum() + (down**2).sum() > 0.01 * (u * u + v * v) + 0.002
            outside = not (0 <= x + u <= width - 1 and 0 <= y + v <= height - 1)
            expected[y, x] = not (lost or edge or outside)
    mask = occlusion(forward, backward)
    assert 0.05 < expected.mean() < 0.95
    np.testing.assert_array_equal(mask, expected)


def test_what_a_moving_thing_uncovers_is_not_trusted():
    background, thing = texture((160, 200)), texture((60, 60), seed=5) // 2
    earlier, later = background.copy(), background.copy()
    earlier[50:110, 60:120] = thing
    later[50:110, 74:134] = thing
    mask = motion_between(earlier, later).trusted
    assert mask[55:105, 62:72].mean() < 0.3  # what the thing has left
    assert mask[:, 150:].mean() > 0.9 and mask[60:100, 90:120].mean() > 0.8


@pytest.mark.parametrize("size_hw", [(1, 1), (8, 8), (1, 40), (33, 7)])
def test_small_pictures_have_a_flow_too(size_hw):
    picture = texture(size_hw) if min(size_hw) > 1 else np.full((*size_hw, 3), 9, np.uint8)
    motion = motion_between(picture, picture)
    assert motion.backward.shape == (*size_hw, 2) and motion.trusted.shape == motion.mismatch.shape == size_hw
    assert np.isfinite(motion.backward).all()


def test_pictures_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"must have the same size. Received \(4, 6\) and \(4, 5\). Resize one"):
        motion_between(np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="must be uint8"):
        motion_between(np.zeros((4, 6, 3)), np.zeros((4, 6, 3)))
    with pytest.raises(ValueError, match=r"`flow` must have shape \(4, 6, 2\).*Received shape \(4, 5, 2\)"):
        warped(np.zeros((4, 6, 3), np.uint8), flow_of(0, 0, (4, 5)))
