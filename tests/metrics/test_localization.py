"""Figures of localizers, each by hand."""

import numpy as np
import pytest

from cnn_suite.metrics.detection_pictures import Truths
from cnn_suite.metrics.localization import localization_figures
from cnn_suite.results import Detections

NOTHING = Truths(np.zeros((0, 4)), np.zeros(0, int))
SILENCE = Detections.empty(("cat", "dog"))


def truth(class_id, box=(0, 0, 10, 10)):
    return Truths(np.array([box], float), np.array([class_id]))


def answer(class_id, confidence, box=(0, 0, 10, 10)):
    return Detections(np.array([box], float), np.array([confidence]), np.array([class_id]), ("cat", "dog"))


def test_figures_by_hand():
    truths = [truth(0), truth(0), truth(1), truth(1), NOTHING, NOTHING, NOTHING]
    answers = [
        answer(0, 0.9, (0, 0, 10, 6)),  # right: IoU 0.6
        answer(0, 0.9, (0, 0, 10, 4)),  # misplaced
        answer(0, 0.9),  # misnamed
        answer(1, 0.4),  # missed
        answer(1, 0.9),  # false alarm
        answer(1, 0.4),  # right
        SILENCE,  # right
    ]
    figures = localization_figures(truths, answers, 2, 0.5)
    assert figures.localized == pytest.approx(3 / 7)
    assert figures.per_class == [0.5, 0.0]
    assert figures.class_accuracy == 0.75
    assert figures.mean_iou == pytest.approx((0.6 + 0.4 + 1 + 1) / 4)
    assert figures.missed == 0.25
    assert figures.false_alarms == pytest.approx(1 / 3)
    assert figures.as_dict(("cat", "dog"))["per_class"] == {"cat": 0.5, "dog": 0.0}


def test_no_answer_at_all_overlaps_nothing():
    figures = localization_figures([truth(0)], [SILENCE], 2, 0.0)
    assert (figures.localized, figures.mean_iou, figures.missed) == (0, 0, 1)


def test_figures_over_no_picture_are_none():
    of_background = localization_figures([NOTHING], [SILENCE], 2, 0.5)
    assert of_background.localized == 1 and of_background.per_class == [None, None]
    assert of_background.class_accuracy is of_background.mean_iou is of_background.missed is None
    assert localization_figures([truth(0)], [SILENCE], 2, 0.5).false_alarms is None


def test_other_than_one_answer_a_picture_is_refused():
    two = Truths(np.zeros((2, 4)), np.zeros(2, int))
    for truths, answers in [([], []), ([NOTHING], []), ([two], [SILENCE])]:
        with pytest.raises(ValueError, match="`truths` and `answers` must have one entry a picture"):
            localization_figures(truths, answers, 2, 0.5)
