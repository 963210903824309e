import shutil
from pathlib import Path

import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.leaks import find_leaks, take_out_leaks


def annotated(path: Path) -> AnnotatedPicture:
    return AnnotatedPicture(path, (40, 60), np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, bool), "a")


def test_different_pictures_of_equal_size_are_no_leak(tmp_path, picture):
    a, b = picture(tmp_path / "a.bmp"), picture(tmp_path / "b.bmp")  # bitmaps of one size have equally many bytes
    assert a.stat().st_size == b.stat().st_size
    assert find_leaks({"train": [annotated(a)], "test": [annotated(b)]}) == ()


def test_pictures_equal_only_at_their_end_are_no_leak(tmp_path):
    for name, start in (("a.bmp", b"1"), ("b.bmp", b"2")):
        (tmp_path / name).write_bytes(start + bytes(10000))
    assert find_leaks({"train": [annotated(tmp_path / "a.bmp")], "test": [annotated(tmp_path / "b.bmp")]}) == ()


def test_the_same_path_in_two_splits_leaves_train(tmp_path, picture):
    a, other = annotated(picture(tmp_path / "a.jpg")), annotated(picture(tmp_path / "b.jpg"))
    listed = {("train", a.path): ("train.txt", 3)}
    splits, (fault,) = take_out_leaks({"train": [a, other], "test": [a]}, listed)
    assert splits == {"train": (other,), "test": (a,)}
    assert str(fault).startswith(
        f"train.txt:3: the picture {a.path} is in the splits 'train' and 'test'. Remove it from"
    )


def test_equal_bytes_under_two_names_leave_the_lower_split(tmp_path, picture):
    a = picture(tmp_path / "a.jpg")
    copy = Path(shutil.copy(a, tmp_path / "copy.jpg"))
    splits, (fault,) = take_out_leaks({"val": [annotated(copy)], "train": [annotated(a)]})
    assert splits["train"] == () and len(splits["val"]) == 1
    assert fault.file == str(a) and f"is identical to {copy} of the split 'val'" in fault.message


def test_test_wins_over_val_and_val_over_train(tmp_path, picture):
    a = annotated(picture(tmp_path / "a.jpg"))
    splits, faults = take_out_leaks({"train": [a], "val": [a], "test": [a]})
    assert {name: len(pictures) for name, pictures in splits.items()} == {"train": 0, "val": 0, "test": 1}
    assert [fault.kind for fault in faults] == ["leak", "leak"]


def test_equal_pictures_inside_one_split_are_no_leak(tmp_path, picture):
    a = picture(tmp_path / "a.jpg")
    copy = Path(shutil.copy(a, tmp_path / "copy.jpg"))
    assert find_leaks({"train": [annotated(a), annotated(copy)], "val": []}) == ()


def test_an_empty_data_set_has_no_leak():
    assert take_out_leaks({}) == ({}, [])
