"""Labelled pictures and their parts: shares, stability, no picture on both sides."""

import numpy as np
import pytest

from cnn_suite.data.classes.labelled import (
    ClassificationData,
    few_of_each,
    held_out,
    held_out_limits,
    joined,
    of_arrays,
    without_those_of,
)


def pictures(*counts, seed=0, source="set"):
    """Pictures of noise, so many of each class."""
    pixels = np.random.default_rng(seed).integers(0, 256, (sum(counts), 2, 3, 1), np.uint8)
    return of_arrays(pixels, np.repeat(np.arange(len(counts)), counts), source)


def keys(part):
    return part.fingerprints().tolist()


def test_arrays_become_pictures_by_number():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    part = of_arrays(pixels, np.array([[1], [0]]), "digits")
    assert len(part) == 2 and part.names == ["digits[0]", "digits[1]"]
    assert part.class_ids.dtype == np.int32 and part.class_ids.tolist() == [1, 0]
    np.testing.assert_array_equal(part.load(1)[..., 0], [[6, 7, 8], [9, 10, 11]])
    assert part.content(0) == bytes(range(6))


def test_chosen_pictures_keep_their_order_and_can_be_chosen_from_again():
    part = pictures(3, 3).take([5, 0, 4]).take([2, 0])
    assert part.names == ["set[4]", "set[5]"]
    np.testing.assert_array_equal(part.load(0), pictures(3, 3).load(4))
    assert part.content(1) == pictures(3, 3).content(5)
    assert len(part.take([])) == 0 and part.take([]).fingerprints().shape == (0,)


def test_joined_sets_follow_one_another():
    first, second = pictures(2, 1, source="a"), pictures(1, 2, seed=1, source="b")
    both = joined([first, second])
    assert both.names == first.names + second.names
    assert both.class_ids.tolist() == [0, 0, 1, 0, 1, 1] and both.class_ids.dtype == np.int32
    np.testing.assert_array_equal(both.load(4), second.load(1))
    assert both.content(0) == first.content(0)
    assert joined([first]) is first and len(joined([])) == 0


def test_splits_are_joined_by_name_and_an_unknown_one_lists_the_others():
    data = ClassificationData(("x", "y"), {"train": pictures(2, 2), "test": pictures(1, 0, seed=3)}, "place")
    assert len(data.pictures(["test", "train"])) == 5
    with pytest.raises(KeyError, match=r"place has no split 'val'. Known splits: train, test"):
        data.pictures(["train", "val"])


def split(everything, share):
    return held_out(everything, held_out_limits(everything, share, ["x", "y", "z"]))


def test_the_held_out_share_is_exact_for_every_class():
    rest, chosen = split(pictures(50, 20, 10), 0.2)
    assert np.bincount(chosen.class_ids).tolist() == [10, 4, 2]
    assert np.bincount(rest.class_ids).tolist() == [40, 16, 8]
    assert sorted(keys(rest) + keys(chosen)) == sorted(keys(pictures(50, 20, 10)))


def test_the_held_out_pictures_are_the_same_whatever_their_order():
    everything = pictures(30, 30)
    shuffled = everything.take(np.random.default_rng(1).permutation(60))
    assert sorted(keys(split(everything, 0.1)[1])) == sorted(keys(split(shuffled, 0.1)[1]))


def test_the_held_out_pictures_are_those_of_the_smallest_fingerprints():
    # The same for everybody: the rule needs nothing but the pictures.
    everything = pictures(20)
    assert sorted(keys(split(everything, 0.25)[1])) == sorted(keys(everything))[:5]


def test_pictures_of_another_class_change_nothing():
    before = split(pictures(30, 30), 0.2)[1]
    after = split(joined([pictures(30, 30), of_arrays(*more(20, 2), "more")]), 0.2)[1]
    assert set(keys(before)) == {key for key, c in zip(keys(after), after.class_ids) if c < 2}


def test_limits_keep_every_picture_on_its_side_when_others_come_and_go():
    first = pictures(30, 30)
    limits = held_out_limits(first, 0.2, ["x", "y"])
    rest, chosen = held_out(first, limits)
    fewer = joined([rest, chosen.take(range(3)), of_arrays(*more(20, 1), "more")])
    rest_now, chosen_now = held_out(fewer, limits)
    assert set(keys(rest)) <= set(keys(rest_now))
    assert set(keys(chosen.take(range(3)))) <= set(keys(chosen_now))
    # A share of what is there now would hold out pictures that were trained on.
    assert set(keys(split(fewer, 0.2)[1])) & set(keys(rest))


def test_a_class_without_a_limit_has_nothing_held_out():
    limits = held_out_limits(pictures(10), 0.2, ["x", "y"])
    assert limits[1] == "" and len(limits[0]) == 16
    assert len(held_out(pictures(10, 10, seed=4), ("", ""))[1]) == 0


def more(count, class_id):
    pixels = np.random.default_rng(99).integers(0, 256, (count, 2, 3, 1), np.uint8)
    return pixels, np.full(count, class_id)


def test_equal_pictures_are_never_on_both_sides_even_under_two_names():
    base = pictures(40, 40)
    pixels = np.stack([base.load(i) for i in range(80)])
    # Every picture three times: twice in its own class, once in the other.
    everything = joined([base, base, of_arrays(pixels, 1 - base.class_ids, "wrong")])
    rest, chosen = split(everything, 0.1)
    assert not set(keys(rest)) & set(keys(chosen))
    assert len(rest) + len(chosen) == 240


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_share_that_leaves_a_class_without_pictures_is_refused(share):
    with pytest.raises(
        ValueError, match=rf"a fraction of {share} of the 5 examples of 'y' is [05]\. Both parts need examples"
    ):
        split(pictures(200, 5), share)


def test_few_of_each_class_are_drawn_by_fingerprint_and_kept_in_order():
    everything = pictures(10, 3, 6)
    few = few_of_each(everything, 4)
    assert np.bincount(few.class_ids).tolist() == [4, 3, 4]
    numbers = [everything.names.index(name) for name in few.names]
    assert numbers == sorted(numbers)
    zeros = sorted(key for key, c in zip(keys(everything), everything.class_ids) if c == 0)
    assert sorted(key for key, c in zip(keys(few), few.class_ids) if c == 0) == zeros[:4]


def test_fewer_are_a_part_of_more():
    everything = pictures(20, 20)
    assert set(keys(few_of_each(everything, 3))) < set(keys(few_of_each(everything, 8)))


def test_pictures_of_others_are_left_out_and_counted():
    everything = pictures(6, 6)
    rest, shared = without_those_of(everything, joined([everything.take([2, 7]), pictures(2, seed=5)]))
    assert shared == 2 and len(rest) == 10
    assert "set[2]" not in rest.names and "set[7]" not in rest.names
    assert without_those_of(everything, everything.take([]))[1] == 0


@pytest.mark.parametrize(
    ("images", "class_ids", "text"),
    [
        (np.zeros((2, 3, 3), np.float32), np.zeros(2, int), "set: pictures must be uint8.*Received float32"),
        (np.zeros((2, 3, 3, 4), np.uint8), np.zeros(2, int), r"1 or 3 channels.*shape \(2, 3, 3, 4\)"),
        (np.zeros((2, 9), np.uint8), np.zeros(2, int), r"shape \(2, 9\)"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(3, int), r"whole numbers of shape \(2,\).*shape \(3,\)"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2), "whole numbers.*Received float64"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros((2, 5), int), r"shape \(2, 5\)"),
    ],
)
def test_arrays_of_another_kind_are_refused(images, class_ids, text):
    with pytest.raises(ValueError, match=text):
        of_arrays(images, class_ids, "set")
