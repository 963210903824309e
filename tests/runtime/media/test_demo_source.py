from __future__ import annotations

import importlib.util
import itertools

import numpy as np
import pytest

from cnn_suite.runtime.media import demo_source
from cnn_suite.runtime.media.demo_source import DemoSource, view_at
from cnn_suite.runtime.media.frames import SourceError, open_source

needs_photographs = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="scikit-image is not installed: pip install 'cnn_suite[demo]'"
)


@needs_photographs
def test_the_demo_is_ten_seconds_of_moving_pictures():
    source = open_source("demo")
    frames = list(source)
    assert len(frames) == source.frame_count == 300
    assert {frame.image_rgb.shape for frame in frames} == {(480, 640, 3)}
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(300) / 30)
    moved = [np.any(a.image_rgb != b.image_rgb) for a, b in itertools.pairwise(frames)]
    assert np.mean(moved) > 0.95


@needs_photographs
def test_the_endless_demo_begins_again():
    source = DemoSource(endless=True)
    frames = list(itertools.islice(source, 302))
    assert source.frame_count is None and frames[301].index == 301
    np.testing.assert_array_equal(frames[300].image_rgb, frames[0].image_rgb)


@needs_photographs
def test_the_demo_is_the_same_every_time():
    first, second = (next(iter(DemoSource())).image_rgb for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_view_never_jumps_and_stays_on_the_board():
    views = np.array([view_at(t / 30) for t in range(301)])
    assert np.abs(np.diff(views[:, :2], axis=0)).max() < 30
    np.testing.assert_allclose(views[0], views[300])
    assert views[:, 2].max() <= demo_source.BOARD_HW[1]


def test_without_scikit_image_the_demo_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SourceError, match=r"scikit-image, which is not installed. Run: pip install 'cnn_suite\[demo\]'"
    ):
        DemoSource()
