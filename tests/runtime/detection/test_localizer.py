"""A localizer's graph in the clothes of a detector's, with invented answers."""

import numpy as np
import pytest

from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import Detector
from cnn_suite.runtime.detection.localizer import OneObjectGraph, detector_card

PICTURE = np.zeros((20, 30, 3), np.uint8)


class Answering:
    """A graph whose answer is given."""

    def __init__(self, *probabilities, box=(2, 3, 12, 13)):
        self._answer = {"probabilities": np.array([probabilities], np.float32), "box": np.array([box], np.float32)}

    def run(self, signature, images, **more):
        assert signature == "serving_default" and images.shape == (1, *PICTURE.shape)
        return self._answer


def detector(*probabilities, confidence=0.5):
    card = ModelCard("one", "localization", ("cat", "dog"), thresholds={"confidence": confidence})
    return Detector(OneObjectGraph(Answering(*probabilities)), detector_card(card))


def test_the_best_class_with_its_probability_is_the_object():
    found = detector(0.2, 0.7)(PICTURE)
    assert found.xyxy_px.tolist() == [[2, 3, 12, 13]] and found.names == ["dog"]
    assert found.confidence.tolist() == pytest.approx([0.7])


def test_an_unsure_answer_is_no_object_unless_asked_for():
    unsure = detector(0.2, 0.4)
    assert len(unsure(PICTURE)) == 0
    assert len(unsure(PICTURE, confidence=0.3)) == 1


def test_it_is_the_same_by_way_of_the_candidates():
    model = detector(0.2, 0.7)
    candidates = model.candidates(PICTURE)
    assert candidates.objectness.tolist() == pytest.approx([0.9])
    np.testing.assert_allclose(candidates.class_probabilities, [[2 / 9, 7 / 9]], rtol=1e-6)
    again, first = model(PICTURE, iou=0.3), model(PICTURE)
    np.testing.assert_allclose(again.confidence, first.confidence, rtol=1e-6)
    assert again.xyxy_px.tolist() == first.xyxy_px.tolist()


def test_rounding_beyond_one_and_no_probability_at_all_are_borne():
    assert detector(1.0000001, 0.0)(PICTURE).confidence.tolist() == [1]
    nothing = detector(0.0, 0.0).candidates(PICTURE)
    assert nothing.scores.tolist() == [0] and np.isfinite(nothing.class_probabilities).all()
