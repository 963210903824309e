"""Classifiers compared with their exported forms."""

import numpy as np
import pytest

from cnn_suite.parity import ParityError
from cnn_suite.tasks.classification_parity import check, parity

PICTURES = [np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)]


def says(*rows):
    """A runtime that gives one row after the other."""
    answers = iter(rows)
    return lambda signature, images: {"probabilities": np.array([next(answers)], np.float32)}


def test_differences_by_hand():
    reference = says([0.7, 0.3], [0.2, 0.8])
    found = parity(reference, {"litert": says([0.6, 0.4], [0.25, 0.75])}, PICTURES)
    assert found["litert"]["probability"] == pytest.approx(0.1)
    assert found["litert"]["other_class"] == 0


def test_another_best_class_counts_unless_it_is_rounding():
    reference = says([0.6, 0.4], [0.5, 0.4999])
    found = parity(reference, {"litert": says([0.4, 0.6], [0.4999, 0.5])}, PICTURES)
    assert found["litert"]["other_class"] == 1


def test_what_is_no_number_differs_infinitely():
    found = parity(says([0.5, 0.5], [0.5, 0.5]), {"litert": says([np.nan, 0.5], [0.5, 0.5])}, PICTURES)
    assert found["litert"]["probability"] == np.inf
    with pytest.raises(ParityError, match="The litert file differs from the network: probabilities by inf"):
        check(found)


def test_a_thousandth_passes_and_more_does_not():
    check({"litert": {"probability": 0.001, "other_class": 0}})
    with pytest.raises(ParityError, match=r"probabilities by 0.00200 \(at most 0.001\). Do not deploy it"):
        check({"litert": {"probability": 0.002, "other_class": 0}})
