"""Figures of a classifier: worked by hand, then naive loops as the oracle, then properties and edges."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from cnn_suite.metrics.classification import classification_metrics, top_k_hits

# Predictions 0, 0, 1, 2, 1 for the truths 0, 0, 0, 1, 1.
FIVE = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
TRUTH = np.array([0, 0, 0, 1, 1])


def random_probabilities(seed, count=200, classes=7, skill=1.0):
    """Softmax of noise in which the truth stands out a little, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    logits = rng.normal(0, 1.5, (count, classes))
    logits[np.arange(count), truth] += skill
    powers = np.exp(logits)
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32), truth


def test_five_pictures_by_hand():
    metrics = classification_metrics(FIVE, TRUTH)
    assert metrics.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.top5 is None
    assert metrics.support.tolist() == [3, 2, 0]
    np.testing.assert_allclose(metrics.recall, [2 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(metrics.precision, [1, 1 / 2, 0])
    # F1 = 2 right / (truths + predictions): 4 / (3 + 2), 2 / (2 + 2), 0 / (0 + 1)
    np.testing.assert_allclose(metrics.f1, [4 / 5, 1 / 2, 0])
    assert metrics.macro_f1 == pytest.approx((0.8 + 0.5) / 3)
    assert metrics.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)  # class 2 has no pictures
    assert metrics.log_loss == pytest.approx(-np.log(0.8 * 0.6 * 0.2 * 0.3 * 1.0) / 5)
    # (.04+.01+.01) + (.16+.09+.01) + (.64+.49+.01) + (.04+.49+.25) + 0
    assert metrics.brier == pytest.approx((0.06 + 0.26 + 1.14 + 0.78) / 5)
    assert metrics.most_confused() == [(0, 1, 1), (1, 2, 1)]


def test_calibration_error_by_hand():
    # Two bins, up to 0.5 and above: confidences 0.8, 0.6, 0.7, 1.0 (mean 0.775) of which 3 of 4 are right, and 0.5,
    # which the lower bin holds (closed above), and which is wrong. ECE = 4/5 * 0.025 + 1/5 * 0.5.
    metrics = classification_metrics(FIVE, TRUTH, bins=2)
    assert metrics.reliability.count.tolist() == [1, 4]
    np.testing.assert_allclose(metrics.reliability.confidence, [0.5, 0.775])
    np.testing.assert_allclose(metrics.reliability.accuracy, [0, 0.75])
    assert metrics.ece == pytest.approx(0.8 * 0.025 + 0.2 * 0.5)


def test_wilson_interval_of_a_published_example():
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives
    # 0.0000 to 0.1611.
    for right, count, interval in [(81, 263, (0.2553, 0.3662)), (0, 20, (0.0, 0.1611))]:
        probabilities = np.tile([1.0, 0.0], (count, 1))
        truth = np.r_[np.zeros(right, int), np.ones(count - right, int)]
        assert classification_metrics(probabilities, truth).accuracy_interval == pytest.approx(interval, abs=5e-5)


def test_wilson_interval_equals_that_of_scipy():
    probabilities, truth = random_probabilities(0)
    metrics = classification_metrics(probabilities, truth)
    right = int(metrics.confusion.trace())
    expected = stats.binomtest(right, len(truth)).proportion_ci(0.95, method="wilson")
    assert metrics.accuracy_interval == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_equals_naive_loops(seed):
    probabilities, truth = random_probabilities(seed)
    count, classes = probabilities.shape
    metrics = classification_metrics(probabilities, truth, bins=10)
    confusion = np.zeros((classes, classes), int)
    hits, log_loss, brier = 0, 0.0, 0.0
    bins = [[] for _ in range(10)]
    for row, k in zip(probabilities.astype(float), truth):
        order = sorted(range(classes), key=lambda j: (-row[j], j))
        confusion[k, order[0]] += 1
        hits += k in order[:5]
        log_loss -= math.log(row[k])
        brier += sum((p - (j == k)) ** 2 for j, p in enumerate(row))
        bins[max(math.ceil(row.max() * 10) - 1, 0)].append((row.max(), order[0] == k))
    np.testing.assert_array_equal(metrics.confusion, confusion)
    assert metrics.top5 == pytest.approx(hits / count)
    assert metrics.log_loss == pytest.approx(log_loss / count)
    assert metrics.brier == pytest.approx(brier / count)
    gaps = [abs(np.mean([c for c, _ in b]) - np.mean([r for _, r in b])) * len(b) for b in bins if b]
    assert metrics.ece == pytest.approx(sum(gaps) / count)
    for k in range(classes):
        right, found, truths = confusion[k, k], confusion[:, k].sum(), confusion[k].sum()
        assert metrics.precision[k] == pytest.approx(right / found)
        assert metrics.recall[k] == pytest.approx(right / truths)
        assert metrics.f1[k] == pytest.approx(2 / (found / right + truths / right))  # harmonic mean


@pytest.mark.parametrize("skill", [0.0, 1.0, 5.0])
def test_the_confusion_matrix_holds_every_picture_once(skill):
    probabilities, truth = random_probabilities(4, skill=skill)
    metrics = classification_metrics(probabilities, truth)
    assert metrics.confusion.sum() == metrics.support.sum() == len(truth)
    np.testing.assert_array_equal(metrics.confusion.sum(1), np.bincount(truth, minlength=7))
    assert metrics.accuracy == metrics.confusion.trace() / len(truth)
    assert metrics.reliability.count.sum() == len(truth)
    low, high = metrics.accuracy_interval
    assert 0 <= low < metrics.accuracy < high <= 1


def test_the_order_of_the_pictures_does_not_matter():
    probabilities, truth = random_probabilities(5)
    order = np.random.default_rng(0).permutation(len(truth))
    one = classification_metrics(probabilities, truth)
    other = classification_metrics(probabilities[order], truth[order])
    assert one.log_loss == pytest.approx(other.log_loss)
    np.testing.assert_array_equal(one.confusion, other.confusion)


def test_half_precision_gives_the_figures_of_its_values():
    probabilities, truth = random_probabilities(6)
    half = probabilities.astype(np.float16)
    one, other = classification_metrics(half, truth), classification_metrics(half.astype(np.float64), truth)
    assert (one.brier, one.ece, one.log_loss) == pytest.approx((other.brier, other.ece, other.log_loss))


def test_equally_probable_classes_stand_in_the_order_of_their_numbers():
    # Class 5 of ten equals is the sixth, so not among the first five; class 4 is.
    even = np.full((2, 10), 0.1)
    assert top_k_hits(even, np.array([4, 5]), 5).tolist() == [True, False]
    metrics = classification_metrics(even, np.array([0, 9]))
    assert (metrics.accuracy, metrics.top5) == (0.5, 0.5)
    assert metrics.confusion[:, 0].tolist() == [1] + [0] * 8 + [1]


def test_top_one_is_accuracy_and_top_all_is_everything():
    probabilities, truth = random_probabilities(7)
    assert top_k_hits(probabilities, truth, 1).mean() == classification_metrics(probabilities, truth).accuracy
    assert top_k_hits(probabilities, truth, 7).all()


def test_a_certain_mistake_costs_a_finite_log_loss():
    assert classification_metrics([[1.0, 0.0]], [1]).log_loss == pytest.approx(-math.log(1e-7))


def test_one_class_alone_is_always_right():
    metrics = classification_metrics(np.ones((3, 1)), np.zeros(3, int))
    assert (metrics.accuracy, metrics.top5, metrics.log_loss, metrics.brier, metrics.ece) == (1, None, 0, 0, 0)
    assert metrics.most_confused() == []


def test_one_picture_has_figures_and_a_wide_interval():
    metrics = classification_metrics([[0.25, 0.75]], [1])
    assert (metrics.accuracy, metrics.ece) == (1, 0.25)
    low, high = metrics.accuracy_interval
    assert (low, high) == (pytest.approx(1 / (1 + 1.96**2), abs=1e-4), 1)  # 1 / (1 + z^2)
    np.testing.assert_array_equal(metrics.precision, [np.nan, 1])  # class 0 is neither there nor predicted
    np.testing.assert_array_equal(metrics.f1, [np.nan, 1])
    assert (metrics.macro_f1, metrics.balanced_accuracy) == (1, 1)


def test_most_confused_pairs_are_the_largest_beside_the_diagonal():
    probabilities = np.eye(3)[[1, 1, 2, 0, 0, 0, 0]]
    metrics = classification_metrics(probabilities, np.array([0, 0, 0, 1, 0, 0, 0]))
    assert metrics.most_confused() == [(0, 1, 2), (0, 2, 1), (1, 0, 1)]
    assert metrics.most_confused(1) == [(0, 1, 2)]


def test_the_dictionary_is_plain_json_with_none_for_what_does_not_exist():
    numbers = classification_metrics(FIVE, TRUTH, bins=2).as_dict(["cat", "dog", "owl"])
    again = json.loads(json.dumps(numbers, allow_nan=False))
    assert again == numbers
    assert (again["pictures"], again["top5"], again["accuracy"]) == (5, None, pytest.approx(0.6))
    assert again["per_class"]["owl"] == {"precision": 0, "recall": None, "f1": 0, "support": 0}
    assert again["most_confused"][0] == {"truth": "cat", "prediction": "dog", "pictures": 1}
    assert again["reliability"][0] == {"confidence": 0.5, "accuracy": 0, "pictures": 1}
    assert again["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert len(again["accuracy_interval"]) == 2
    assert list(classification_metrics(FIVE, TRUTH).as_dict()["per_class"]) == ["0", "1", "2"]
    empty = classification_metrics(FIVE, TRUTH).as_dict()["reliability"][0]
    assert empty == {"confidence": None, "accuracy": None, "pictures": 0}


@pytest.mark.parametrize("labels", [["cat", "dog"], ["cat", "dog", "cat"]])
def test_labels_that_do_not_name_every_class_are_refused(labels):
    with pytest.raises(ValueError, match=r"`labels` must contain 3 different class names\. Received \d: \['cat'"):
        classification_metrics(FIVE, TRUTH).as_dict(labels)


@pytest.mark.parametrize(
    ("probabilities", "class_ids", "message"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), r"must be floats of shape \(pictures, classes\).*shape \(0, 3\)"),
        (np.zeros(3), TRUTH, r"Received float64 of shape \(3,\)"),
        (np.eye(5, dtype=int), TRUTH, "must be floats.*Received int64"),
        (FIVE, TRUTH[:4], r"`class_ids` must be whole numbers of shape \(5,\).*\(4,\)"),
        (FIVE, TRUTH.astype(float), "`class_ids` must be whole numbers.*Received float64"),
        (FIVE, np.eye(3, dtype=int)[TRUTH], "If the labels are one-hot, take their argmax"),
        (FIVE, TRUTH + 2, "`class_ids` must be between 0 and 2. Received 2 to 3"),
        (FIVE, TRUTH - 1, "`class_ids` must be between 0 and 2. Received -1 to 0"),
        (np.where(FIVE == 0.7, np.nan, FIVE), TRUTH, "`probabilities` must be finite.*in row 2"),
        (FIVE * 1.1, TRUTH, r"must be non-negative and sum to 1\. Row 0 has a minimum of 0.11 and sums to 1.1\."),
        (
            FIVE - [[0, 0, 0], [0.2, -0.4, 0.2], *[[0, 0, 0]] * 3],
            TRUTH,
            "Row 1 has a minimum of -0.1 .*take their softmax",
        ),
    ],
)
def test_wrong_input_is_refused_with_what_was_expected(probabilities, class_ids, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(probabilities, class_ids)


def test_less_than_one_bin_is_refused():
    with pytest.raises(ValueError, match="`bins` must be at least 1. Received 0"):
        classification_metrics(FIVE, TRUTH, bins=0)
