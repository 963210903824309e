"""Tests of cnn_suite.style_transfer.margins."""

import numpy as np

from cnn_suite.style_transfer.margins import MARGIN, with_margin, without_margin


def test_the_margin_mirrors_the_picture_and_comes_off_again() -> None:
    picture = np.random.default_rng(0).normal(size=(12, 17, 3)).astype(np.float32)
    larger = with_margin(picture)
    assert larger.shape == (12 + 2 * MARGIN, 17 + 2 * MARGIN, 3)
    assert np.array_equal(larger, np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect"))
    assert np.array_equal(without_margin(larger), picture)
    assert with_margin(picture[..., 0]).shape == larger.shape[:2]
