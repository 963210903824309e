"""The normalised mean error: by hand, against loops, and what counts as a failure."""

import numpy as np
import pytest

from cnn_suite.metrics.landmarks import landmark_figures


def test_one_face_by_hand():
    truth = np.array([[[0, 0], [10, 0], [5, 5]]], float)
    found = truth + [[[0, 0], [0, 1], [3, 4]]]  # 0, 1 and 5 pixels off; the eyes are 10 apart
    figures = landmark_figures(found, truth)
    assert figures.nme == pytest.approx(0.2)
    assert figures.per_point.tolist() == pytest.approx([0, 0.1, 0.5])
    assert figures.failures == 1


def test_it_equals_a_loop_and_does_not_depend_on_the_size():
    generator = np.random.default_rng(0)
    truth = generator.uniform(0, 100, (7, 5, 2))
    found = truth + generator.normal(0, 3, truth.shape)
    by_loop = np.mean([
        np.mean([np.hypot(*(p - g)) for p, g in zip(f, t)]) / np.hypot(*(t[0] - t[1])) for f, t in zip(found, truth)
    ])  # fmt: skip
    assert landmark_figures(found, truth).nme == pytest.approx(by_loop)
    assert landmark_figures(found * 3, truth * 3).nme == pytest.approx(by_loop)


def test_a_face_fails_above_a_tenth():
    truth = np.tile(np.array([[0, 0], [10, 0]], float), (4, 1, 1))
    found = truth + np.array([0, 0.9, 1.1, 5])[:, None, None] * [1, 0]
    assert landmark_figures(found, truth).failures == 0.5


def test_shapes_must_be_the_same():
    with pytest.raises(ValueError, match=r"Received \(1, 5, 2\) and \(2, 5, 2\)"):
        landmark_figures(np.zeros((1, 5, 2)), np.zeros((2, 5, 2)))
    with pytest.raises(ValueError, match="at least one face"):
        landmark_figures(np.zeros((0, 5, 2)), np.zeros((0, 5, 2)))
