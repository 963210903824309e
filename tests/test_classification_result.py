from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.results import Classification


def three() -> Classification:
    return Classification(np.array([0.25, 0.5, 0.25]), ("cat", "dog", "owl"))


def test_the_most_probable_class_is_named_with_its_probability():
    found = three()
    assert (found.class_id, found.name, found.confidence) == (1, "dog", 0.5)
    assert (found.probabilities.dtype, found.labels) == (np.float32, ("cat", "dog", "owl"))


def test_top_is_best_first_and_equals_stand_by_their_number():
    assert three().top(2) == [("dog", 0.5), ("cat", 0.25)]
    assert three().top() == [("dog", 0.5), ("cat", 0.25), ("owl", 0.25)]
    assert Classification([0.5, 0.5], ("a", "b")).name == "a"


def test_without_labels_the_names_are_the_class_numbers():
    assert Classification([0.0, 1.0]).top(1) == [("1", 1.0)]
    assert Classification([0.0, 1.0]).name == "1"


def test_one_class_alone_is_a_classification():
    assert Classification([1.0], ["a"]).top(5) == [("a", 1.0)]


def test_half_precision_rounded_above_one_is_one():
    found = Classification(np.array([1.0009766, 0.0], np.float16))
    assert found.confidence == 1.0


def test_a_classification_cannot_be_changed_and_does_not_freeze_its_source():
    source = np.array([0.25, 0.75], np.float32)
    found = Classification(source)
    source[0] = 0.5
    assert found.probabilities[0] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        found.probabilities[0] = 1
    with pytest.raises(AttributeError):
        found.labels = ()


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((1, 2)), (), r"`probabilities` must have shape \(classes,\).*Received shape \(1, 2\)"),
        ([], (), r"at least one class. Received shape \(0,\)"),
        ([0.1, np.nan], (), "`probabilities` must be finite"),
        (["a"], (), "`probabilities` must contain numbers"),
        ([-2.0, 3.0], (), r"must be in \[0, 1\]. Received values from -2 to 3. If these are logits, take their soft"),
        ([0.5, 1.1], (), r"must be in \[0, 1\]"),
        ([0.5, 0.5], ("a",), "one label per class, 2. Received 1 labels"),
    ],
)
def test_wrong_classifications_are_refused_with_what_was_expected(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        Classification(probabilities, labels)


@pytest.mark.parametrize("k", [0, -1])
def test_top_of_less_than_one_class_is_refused(k):
    with pytest.raises(ValueError, match=f"`k` must be at least 1. Received {k}"):
        three().top(k)
