"""Exported forms compared with their network, by hand."""

import numpy as np
import pytest

from cnn_suite.parity import ParityError, check_differences, largest_differences
from cnn_suite.tasks.classification_serving import ClassificationServing
from cnn_suite.tasks.embedding_serving import EmbeddingServing
from cnn_suite.tasks.landmarks_serving import LandmarksServing
from cnn_suite.tasks.style_serving import StyleServing

PICTURES = [np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)]


def says(*values):
    """A runtime that gives one value after the other."""
    answers = iter(values)
    return lambda signature, images: {"value": np.array([next(answers)])}


def measure(picture, expected, found):
    apart = float(np.abs(found["value"] - expected["value"])[0])
    return {"apart": apart / len(picture), "other": apart > 0}


def test_numbers_at_their_largest_and_pictures_that_differ_counted():
    others = {"same": says(1, 2), "first": says(3, 2), "both": says(0, 8)}
    found = largest_differences(says(1, 2), others, PICTURES, measure)
    assert found == {
        "same": {"apart": 0, "other": 0},
        "first": {"apart": 1, "other": 1},
        "both": {"apart": 2, "other": 2},
    }


def test_what_is_no_number_differs_infinitely():
    found = largest_differences(says(1, 1), {"litert": says(np.nan, 1)}, PICTURES, measure)
    assert found["litert"]["apart"] == np.inf
    with pytest.raises(ParityError, match=r"The litert file differs from the network: apart by inf \(at most 1\)"):
        check_differences(found, {"apart": 1})


def test_the_limit_passes_and_more_does_not():
    differences = {"litert": {"apart": 0.001, "score": 5.0}, "onnx": {"apart": 0.002, "score": 5.0}}
    check_differences({"litert": differences["litert"]}, {"apart": 0.001})
    with pytest.raises(ParityError, match=r"The onnx file .*: apart by 0.002 \(at most 0.001\). Do not deploy it"):
        check_differences(differences, {"apart": 0.001})
    with pytest.raises(ParityError, match=r"litert .*: apart by 0.001 \(at most 0\), score by 5 \(at most 4\)"):
        check_differences(differences, {"apart": 0, "score": 4})


def probabilities(*values):
    return {"probabilities": np.array([values], np.float32)}


def test_another_best_class_counts_unless_it_is_rounding():
    compare = ClassificationServing.measure
    found = compare(PICTURES[0], probabilities(0.7, 0.3), probabilities(0.6, 0.4))
    assert found == {"probability": pytest.approx(0.1), "other_class": False}
    assert compare(PICTURES[0], probabilities(0.6, 0.4), probabilities(0.4, 0.6))["other_class"]
    assert not compare(PICTURES[0], probabilities(0.5, 0.4999), probabilities(0.4999, 0.5))["other_class"]


def test_encodings_by_their_squared_distance():
    first, second = ({"embeddings": np.array([[np.cos(angle), np.sin(angle)]])} for angle in (0.0, 0.1))
    assert EmbeddingServing.measure(PICTURES[0], first, first) == {"distance": 0}
    assert EmbeddingServing.measure(PICTURES[0], first, second)["distance"] == pytest.approx(2 - 2 * np.cos(0.1))


def test_points_by_their_shift_in_longer_sides():
    first, second = ({"points": np.full((1, 5, 2), shift), "score": np.ones(1)} for shift in (0.0, 2.0))
    found = LandmarksServing.measure(np.zeros((50, 100, 3), np.uint8), first, second)
    assert found == {"shift": pytest.approx(0.02), "score": 0}


def painted(levels, size_hw=(20, 30)):
    return {"images": np.full((1, *size_hw, 3), levels, np.uint8)}


def test_pictures_by_their_levels():
    def compare(found):
        return StyleServing.measure(PICTURES[0], painted(100), found)

    spotted = painted(100)
    spotted["images"][0, 0, :3] += 2
    assert compare(painted(100)) == {"pixel": 0, "mean": 0}
    assert compare(spotted) == {"pixel": 2, "mean": pytest.approx(2 * 9 / 1800)}
    assert compare(painted(99)) == {"pixel": 1, "mean": 1}
    assert compare(painted(100, (20, 29))) == {"pixel": np.inf, "mean": np.inf}
    check_differences({"spotted": compare(spotted)}, StyleServing.LIMITS)
    with pytest.raises(ParityError, match=r"mean by 1 \(at most 0.05\)"):
        check_differences({"darker": compare(painted(99))}, StyleServing.LIMITS)
