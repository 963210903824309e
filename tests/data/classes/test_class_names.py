"""Names of numbered classes."""

import numpy as np
import pytest

from cnn_suite.data.classes.class_names import class_names
from cnn_suite.data.classes.labelled import of_arrays


def splits(*classes):
    images = np.zeros((max(map(len, classes)), 2, 2), np.uint8)
    return {str(k): of_arrays(images[: len(ids)], np.array(ids, int), "set") for k, ids in enumerate(classes)}


def test_numbers_up_to_the_largest_of_all_splits_unless_there_are_names():
    assert class_names(splits([0, 1], [3]), None, "set") == ("0", "1", "2", "3")
    assert class_names(splits([0, 1]), ["a", "b", "c"], "set") == ("a", "b", "c")
    assert class_names(splits([]), None, "set") == ("0",)


@pytest.mark.parametrize("wrong", [-1, 65536])
def test_numbers_that_are_no_classes_are_refused(wrong):
    with pytest.raises(ValueError, match=f"set: classes must be whole numbers from 0 to 65535. Received {wrong}"):
        class_names(splits([0], [wrong]), None, "set")


def test_a_class_without_a_name_is_refused():
    with pytest.raises(ValueError, match="set has classes up to 2, but data.labels has 2 names. Name all classes"):
        class_names(splits([0, 2]), ["a", "b"], "set")


def test_two_classes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="set: every class must have a name of its own. Received a, a"):
        class_names(splits([0, 1]), ["a", "a"], "set")
