from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import Detector
from cnn_suite.runtime.detection.explain import explain, picture_faults

CARD = ModelCard("m", "detection", ("cat", "dog"), thresholds={"confidence": 0.3, "iou": 0.5, "max_detections": 2})
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


class Model:
    """Candidates of our choosing: boxes, objectness, probabilities."""

    def __init__(self, boxes, objectness, probabilities):
        self.outputs = {
            "boxes": np.float32(boxes).reshape(1, -1, 4),
            "objectness": np.float32([objectness]),
            "class_probabilities": np.float32(probabilities).reshape(1, -1, 2),
        }

    def run(self, signature, images):
        return self.outputs


def explained(boxes, objectness, probabilities, image=NOISE, **thresholds):
    return explain(Detector(Model(boxes, objectness, probabilities), CARD), image, **thresholds)


def test_the_confidence_threshold_is_blamed_and_a_lower_one_named():
    # best score 0.5 * 0.4 = 0.2 under the threshold of 0.3
    reason = explained([[0, 0, 9, 9], [20, 20, 30, 30]], [0.5, 0.1], [[0.4, 0.2], [0.9, 0]])
    assert (reason.candidates, reason.confident, reason.returned) == (2, 0, 0)
    assert reason.best_objectness == pytest.approx(0.5) and reason.best_class == pytest.approx(0.9)
    assert [(guess.label, round(guess.score, 3)) for guess in reason.guesses] == [("cat", 0.2), ("cat", 0.09)]
    text = "\n".join(reason.lines())
    assert "nothing was detected; boxes proposed: 2 -> with confidence of at least 0.3: 0" in text
    assert "The confidence threshold removed everything; --confidence 0.198 shows the best guess." in text
    assert "cat 0.200 = objectness 0.500 x class 0.400 at (0, 0) to (9, 9)" in text


def test_every_filter_is_counted():
    # 5 boxes: one weak, one double of the first, so 3 distinct, of which 2 are allowed
    boxes = [[0, 0, 9, 9], [0, 0, 9, 10], [20, 0, 29, 9], [40, 0, 49, 9], [0, 40, 9, 49]]
    reason = explained(boxes, [0.9, 0.8, 0.7, 0.6, 0.1], [[1, 0]] * 5)
    assert (reason.candidates, reason.confident, reason.distinct, reason.returned) == (5, 4, 3, 2)
    assert "removed 1 boxes, duplicate suppression 1, the maximum number of detections 1." in reason.lines()[-1]


def test_a_network_that_sees_nothing_is_said_to():
    assert "no threshold would help" in explained([[0, 0, 9, 9]], [0.001], [[1, 0]]).lines()[-1]


def test_a_network_without_any_candidate_can_be_explained():
    reason = explained([], [], [])
    assert (reason.candidates, reason.guesses) == (0, ()) and "no threshold would help" in reason.lines()[-1]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((64, 64, 3), np.uint8), "every pixel is 0: the lens is covered"),
        (NOISE // 255, "all values are 0 or 1: pictures must be raw 0..255"),
        (NOISE // 20, "it is almost black"),
        (NOISE // 200 + 100, "it is almost a single colour"),
        (NOISE[:8], "it is only 64 x 8 pixels"),
    ],
)
def test_an_odd_picture_is_noticed(image, message):
    assert any(message in fault for fault in picture_faults(image))


def test_a_good_picture_has_no_faults():
    assert picture_faults(NOISE) == []


def test_the_real_graph_can_be_explained(colour_model, picture_of):
    from cnn_suite.runtime.detection.detector import load_detector

    reason = explain(load_detector(colour_model), picture_of((0, 10, 20, 50, 60)), confidence=0.95)
    assert reason.guesses[0].label == "red" and reason.returned == 0
