"""Splits and classes told from names of folders alone."""

from pathlib import PurePosixPath

import pytest

from cnn_suite.data.classes.class_folders import places


def told(*names, labels=()):
    return places([PurePosixPath(name) for name in names], "root", labels)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("cat/1.png", "dog/deep/2.png"), [("train", "cat"), ("train", "dog")]),
        (("train/cat/1.png", "Val/dog/2.png"), [("train", "cat"), ("Val", "dog")]),
        (("outer/inner/cat/1.png", "outer/inner/dog/2.png"), [("train", "cat"), ("train", "dog")]),
        (("outer/test/cat/1.png", "outer/test/dog/2.png"), [("test", "cat"), ("test", "dog")]),  # a lone split
        (("test/1.png", "other/2.png"), [("train", "test"), ("train", "other")]),  # a class called like a split
        (("outer/1.png", "outer/cat/2.png"), [("train", "outer"), ("train", "outer")]),
    ],
)
def test_folders_are_splits_classes_or_round_everything(names, expected):
    assert told(*names) == expected


def test_a_folder_that_is_a_label_is_a_class_though_it_holds_everything():
    names = ("cat/summer/1.png", "cat/winter/2.png")
    assert [place.label for place in told(*names, labels=("cat", "dog"))] == ["cat", "cat"]
    assert [place.label for place in told(*names)] == ["summer", "winter"]


@pytest.mark.parametrize("outer", ["", "outer/"])
def test_a_loose_picture_in_a_split_is_named(outer):
    names = (f"{outer}train/logo.png", f"{outer}train/cat/1.png", f"{outer}test/cat/2.png")
    says = rf"^root/{outer}train/logo.png lies in the split 'train' but in no .*, such as root/{outer}train/cat. Move"
    with pytest.raises(ValueError, match=says):
        told(*names)


def test_splits_of_pictures_without_classes_are_refused():
    with pytest.raises(ValueError, match="root/test/2.png lies in the split 'test' but in no folder of a class"):
        told("test/2.png", "train/1.png")


def test_a_folder_beside_splits_is_named():
    with pytest.raises(ValueError, match="the splits test, train, and beside them the folder 'extra' with pictures"):
        told("train/cat/1.png", "test/cat/1.png", "extra/2.png")
