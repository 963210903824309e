"""The LFW protocol: pairs files read and refused, folds by hand and by loops, people parted into folds."""

import numpy as np
import pytest

from cnn_suite.metrics.verification import best_accuracy, tar_at_far
from cnn_suite.metrics.verification_protocol import PicturePair, lfw_protocol, person_folds, picture_file, read_pairs

TWO_FOLDS = "2\t1\nAnn\t1\t4\nAnn\t2\tBob\t10\nEve_X\t3\t1\nEve_X\t3\tIda\t1\n"


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "pairs.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_pairs(path)

    return read


def test_a_pairs_file_is_read_in_order(read):
    pairs = read(TWO_FOLDS)
    assert pairs == [
        PicturePair(("Ann", 1), ("Ann", 4), 0),
        PicturePair(("Ann", 2), ("Bob", 10), 0),
        PicturePair(("Eve_X", 3), ("Eve_X", 1), 1),
        PicturePair(("Eve_X", 3), ("Ida", 1), 1),
    ]
    assert [pair.same for pair in pairs] == [True, False, True, False]
    assert picture_file(*pairs[1].second) == "Bob/Bob_0010.jpg"


def test_a_first_line_with_one_number_means_one_fold(read):
    pairs = read("2\nA\t1\t2\nA\t1\t3\nA\t1\tB\t2\nC\t1\tB\t2")
    assert [(pair.same, pair.fold) for pair in pairs] == [(True, 0), (True, 0), (False, 0), (False, 0)]


def test_names_may_have_spaces_where_columns_are_parted_by_tabs_and_else_spaces_part(read):
    assert read("1\nJan de Boer\t1\t2\nJan de Boer\t1\tÅsa\t2")[1].second == ("Åsa", 2)
    assert read("1 1\nA  1 2\nA 1 B 2\n\n") == read("1\t1\r\nA\t1\t2\r\nA\t1\tB\t2\r\n")


def test_a_file_as_large_as_that_of_view_2(read):
    folds = [f"P{k}\t1\t2\n" * 300 + f"P{k}\t1\tQ{k}\t1\n" * 300 for k in range(10)]
    pairs = read("10\t300\n" + "".join(folds))
    assert len(pairs) == 6_000 and [pair.fold for pair in pairs] == np.repeat(np.arange(10), 600).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"pairs.txt, line 1 must give the number of folds .* such as `10 300`, or only the latter. Received ''"),
        ("Ann\t1\t2\n", "line 1 must give .*Received"),
        ("0\t300\n", "line 1 must give"),
        ("1 2 3\n", "line 1 must give"),
        ("10 -300\n", "line 1 must give"),
        ("1\nA\t1\t2\n", "must have 2 pairs after its first line, '1': 1 folds of 1 .* Received 1; .* line 2"),
        (TWO_FOLDS + "A\t1\t2\n", "must have 4 pairs .*Received 5; the last is in line 6"),
        ("1\nA\t1\tB\t2\nA\t1\t2\n", r"line 2 must be pair 1 of 1 of one person in fold 1, `name i j`. Received .*B"),
        ("1\nA\t1\t2\nA\t1\t3\n", r"line 3 must be pair 1 of 1 of two people in fold 1, `name i other j`. Received"),
        ("1\nA\t1\t2\n\n\nA\t1\tB\t2\n", "must have 2 pairs"),
        ("1\n\t1\t2\nA\t1\tB\t2\n", "line 2 must be pair 1 of 1 of one person"),
        ("1\nA\t1\t0\nA\t1\tB\t2\n", "line 2 must number pictures from 1 up, `name i j`. Received '1' and '0'"),
        ("1\nA\t1\t2\nA\tx\tB\t2\n", "line 3 must number pictures from 1 up, `name i other j`. Received 'x' and '2'"),
        ("1\nA\t1\t2\nA\t1\tB\t²\n", "line 3 must number pictures"),
        ("1\nA\t1\t01\nA\t1\tB\t2\n", "line 2 must name two pictures, `name i j`. Received picture 1 of 'A' twice"),
        ("1\nA\t1\t2\nA\t1\tA\t2\n", "line 3 must name two people, `name i other j`. Received 'A' twice"),
        (b"1\nA\t1\t2\n\xff\t1\tB\t2\n", "pairs.txt, line 3 must be UTF-8 text. Received the byte 0xff"),
    ],
)
def test_a_fault_is_told_with_file_and_line(read, text, said):
    with pytest.raises(ValueError, match=said):
        read(text)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pairs(tmp_path / "none.txt")


# Fold 0: one person at 1, 3; two at 4, 6. Fold 1: one person at 2, 5; two at 3, 7.
DISTANCES = np.array([1, 3, 4, 6, 2, 5, 3, 7])
SAME = np.array([1, 1, 0, 0, 1, 1, 0, 0], bool)
FOLDS = np.repeat([0, 1], 4)


def test_two_folds_by_hand():
    found = lfw_protocol(DISTANCES, SAME, FOLDS, far=0.5)
    # Fold 1 says 3 (2 | 3, 5, 7: three of four; 7 as many): of fold 0 it tells 1, 4, 6 right, and 3 wrong.
    # Fold 0 says 4 (1, 3 | 4, 6: all): of fold 1 it tells 2 and 7 right, 5 and 3 wrong.
    assert found.thresholds == (3, 4) and found.accuracies == (0.75, 0.5)
    assert found.accuracy == 0.625
    assert found.accuracy_standard_error == pytest.approx(0.125)  # deviation 0.25 / sqrt(2), over sqrt(2)
    # At most one of two: fold 1 says 7 (accepts the 3), which accepts all of fold 0; fold 0 says 6, which accepts 2, 5
    # and the 3 of fold 1.
    assert found.val_thresholds == (7, 6) and found.vals == (1, 1) and found.fars == (1, 0.5)
    assert (found.val, found.val_standard_error, found.far, found.requested_far) == (1, 0, 0.75, 0.5)
    assert (found.genuine, found.impostors) == (4, 4)


def test_the_protocol_is_told_by_its_full_name():
    distances, same = np.tile([1.0, 2], 10), np.tile([True, False], 10)
    found = lfw_protocol(distances, same, np.repeat(np.arange(10), 2))
    assert found.protocol == "LFW view 2, 10 folds, unrestricted, labelled outside data"
    assert str(found).startswith(found.protocol + ": accuracy 1.0000 +- 0.0000, VAL 1.0000 +- 0.0000 at FAR 0.00000")
    ours = lfw_protocol(DISTANCES, SAME, FOLDS, data="our office")
    assert ours.protocol == "our office, 2 folds, unrestricted, labelled outside data"


def random_folds(seed, folds=5):
    rng = np.random.default_rng(seed)
    same = rng.random(400) < 0.5
    return np.round(rng.normal(np.where(same, 2, 4), 1), 1), same, rng.integers(0, folds, 400) * 3 - 2


@pytest.mark.parametrize("seed", range(3))
def test_every_fold_is_measured_at_a_threshold_from_the_others(seed):
    distances, same, folds = random_folds(seed)
    found = lfw_protocol(distances, same, folds, far=0.03)
    for place, fold in enumerate(sorted(set(folds.tolist()))):
        rest = [k for k in range(400) if folds[k] != fold]
        held = [k for k in range(400) if folds[k] == fold]
        candidates = sorted(set(distances[rest].tolist())) + [np.inf]
        right = [sum((distances[k] < t) == same[k] for k in rest) for t in candidates]
        threshold = candidates[int(np.argmax(right))]
        assert found.thresholds[place] == threshold == best_accuracy(distances[rest], same[rest]).threshold
        assert found.accuracies[place] == np.mean([(distances[k] < threshold) == same[k] for k in held])
        strict = tar_at_far(distances[rest], same[rest], 0.03).threshold
        accepted = [[distances[k] < strict for k in held if same[k] == kind] for kind in (True, False)]
        assert (found.vals[place], found.fars[place]) == pytest.approx([np.mean(a) for a in accepted])
    assert found.accuracy_standard_error == pytest.approx(np.std(found.accuracies, ddof=1) / np.sqrt(5))


def test_a_threshold_depends_neither_on_its_held_out_fold_nor_on_the_order_of_pairs():
    distances, same, folds = random_folds(7)
    found = lfw_protocol(distances, same, folds)
    order = np.random.default_rng(0).permutation(400)
    assert lfw_protocol(distances[order], same[order], folds[order]) == found
    other = np.where(folds == -2, distances[::-1], distances)
    assert lfw_protocol(other, same, folds).thresholds[0] == found.thresholds[0]


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (np.zeros(8, int), "must have at least 2 folds.* Received 1"),
        (np.zeros(7, int), r"whole numbers of shape \(8,\), one per pair\. Received int64 of shape \(7,\)"),
        (np.arange(8) / 2, "Received float64"),
        (np.array([0, 0, 0, 0, 1, 1, 2, 2]), "Fold 1 has 2 and 0. Use fewer folds"),
        (np.array([3, 3, 0, 0, 3, 3, 0, 3]), "Fold 0 has 0 and 3"),
    ],
)
def test_folds_that_cannot_measure_are_refused(folds, said):
    with pytest.raises(ValueError, match=said):
        lfw_protocol(DISTANCES, SAME, folds)


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_all_pictures_of_a_person_are_in_one_fold_and_folds_are_alike(folds):
    rng = np.random.default_rng(3)
    labels = np.array([f"p{k}" for k in range(40) for _ in range(k % 6 + 1)])[rng.permutation(136)]
    place = person_folds(labels, folds)
    assert all(len(set(place[labels == name].tolist())) == 1 for name in set(labels.tolist()))
    people = [len(set(labels[place == fold].tolist())) for fold in range(folds)]
    pictures = np.bincount(place, minlength=folds)
    assert max(people) - min(people) <= 1 and max(pictures) - min(pictures) <= 6
    np.testing.assert_array_equal(person_folds(labels, folds), place)
    assert (person_folds(labels, folds, seed=1) != place).any()


@pytest.mark.parametrize("folds", [1, 0, 4])
def test_more_folds_than_people_or_fewer_than_two_are_refused(folds):
    with pytest.raises(ValueError, match=f"at most the number of people, 3. Received {folds}"):
        person_folds(["a", "b", "b", "c"], folds)
