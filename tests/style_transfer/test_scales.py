"""Tests of cnn_suite.style_transfer.scales."""

import pytest

from cnn_suite.style_transfer.scales import iterations_by_scale, painting_side, scale_shares, scale_sizes_hw


def test_sizes_begin_at_256_and_at_most_double() -> None:
    # 1024 = 4 x 256: two doublings; 384 = 1.5 x 256: one step; 300 is not worth a step of its own.
    assert scale_sizes_hw((1024, 512)) == ((256, 128), (512, 256), (1024, 512))
    assert scale_sizes_hw((254, 384)) == ((169, 256), (254, 384))
    assert scale_sizes_hw((300, 300)) == ((300, 300),)


def test_what_is_smaller_is_painted_at_256() -> None:
    assert scale_sizes_hw((40, 64)) == scale_sizes_hw((40, 64), 1) == ((160, 256),)
    assert scale_sizes_hw((255, 60)) == ((256, 60),)
    assert scale_sizes_hw((64, 64), 3) == scale_sizes_hw((256, 256), 3)


@pytest.mark.parametrize("longest", [257, 315, 320, 500, 630, 700, 1000, 2048, 5000])
def test_no_step_is_larger_than_two_and_the_last_size_is_the_result(longest: int) -> None:
    sizes = scale_sizes_hw((longest, longest))
    assert sizes[-1] == (longest, longest)
    steps = [later[0] / earlier[0] for earlier, later in zip(sizes, sizes[1:])]
    assert all(1.1 < step <= 2.01 for step in steps)
    assert 250 <= sizes[0][0] <= 320


def test_a_wanted_number_of_sizes_leaves_out_those_too_small_for_the_network() -> None:
    assert scale_sizes_hw((256, 256), 1) == ((256, 256),)
    assert scale_sizes_hw((256, 256), 3) == ((128, 128), (181, 181), (256, 256))
    assert scale_sizes_hw((64, 256), 3, smallest=40) == ((45, 181), (64, 256))


def test_the_last_size_gets_most_of_the_work() -> None:
    assert scale_shares(1) == (1.0,)
    assert scale_shares(3) == pytest.approx((0.2, 0.2, 0.6))
    assert iterations_by_scale(300, 3) == (60, 60, 180)
    assert iterations_by_scale(1, 3) == (1, 1, 1)


def test_a_narrow_painting_stays_as_large_as_the_network_needs_it() -> None:
    assert painting_side((100, 200), (256, 128), 1.0, 32) == 256
    assert painting_side((100, 200), (256, 128), 0.5, 32) == 128
    assert painting_side((10, 200), (256, 128), 1.0, 32) == 640  # 32 x 640
