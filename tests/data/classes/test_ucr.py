"""Signals of the UCR archive, and archives of signals and volumes."""

import numpy as np
import pytest

from cnn_suite.data.classes.array_sources import read_array_data
from cnn_suite.data.classes.ucr import is_ucr


def write(folder, name, *lines):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "Beats", "Beats_TRAIN.tsv", "2\t0.5\t1.5\t2.5", "-1\t1\t2\t3")
    return write(tmp_path / "Beats", "Beats_TEST.tsv", "7\t-1\t-2\t-3e-1")


def test_classes_stand_in_front_and_are_numbered_in_order_over_all_splits(folder):
    assert is_ucr(folder) and not is_ucr(folder.parent)
    data = read_array_data(folder)
    assert data.labels == ("-1", "2", "7")
    train, test = data.pictures(["train"]), data.pictures(["test"])
    assert train.class_ids.tolist() == [1, 0] and test.class_ids.tolist() == [2]
    assert train.load(0).tolist() == [0.5, 1.5, 2.5] and test.load(0).tolist() == pytest.approx([-1, -2, -0.3])
    assert read_array_data(folder, "ucr", ("ill", "well", "noise")).labels == ("ill", "well", "noise")


@pytest.mark.parametrize(("line", "says"), [
    ("1\t2\t3", "all signals must have the same length. Received 3 in Beats_TRAIN.tsv, 2 in Beats_TEST.tsv"),
    ("1\t2\t3\tx", "Beats_TEST.tsv must contain one signal a line, its class and its samples"),
    ("1\t2\t3\t4\n1\t2", "Beats_TEST.tsv must contain one signal a line"),
    ("1\t2\t3\tNaN", "all numbers must be finite. Example 0 has others. Series of several lengths"),
    ("1", "a class and at least one sample a line"),
    ("1\t2\t3\t4\nnan\t2\t3\t4", "every signal must have a class, a finite number. Signal 1 has nan. Give it"),
])  # fmt: skip
def test_a_faulty_file_is_named(folder, line, says):
    write(folder, "Beats_TEST.tsv", line)
    with pytest.raises(ValueError, match=says):
        read_array_data(folder)


def test_large_numbers_of_classes_keep_all_their_digits(folder):
    write(folder, "Beats_TEST.tsv", "10000001\t1\t2\t3", "10000002\t1\t2\t3", "0.5\t1\t2\t3")
    assert read_array_data(folder).labels == ("-1", "0.5", "2", "10000001", "10000002")


def test_two_data_sets_in_one_folder_are_refused(folder):
    write(folder, "Other_TEST.tsv", "1\t2\t3\t4")
    with pytest.raises(ValueError, match="must contain one data set. Received Beats_TEST.tsv, Other_TEST.tsv"):
        read_array_data(folder)


def archive(tmp_path, **arrays):
    np.savez(tmp_path / "volumes.npz", **arrays)
    return tmp_path / "volumes.npz"


def test_an_archive_of_volumes_has_its_splits(tmp_path):
    volumes = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 6), np.uint8)
    path = archive(tmp_path, train_images=volumes, train_labels=np.array([[1], [0], [1]], np.uint8),
                   val_images=volumes[:1], val_labels=np.array([[0]], np.uint8))  # fmt: skip
    data = read_array_data(path)
    assert data.labels == ("0", "1") and set(data.splits) == {"train", "val"}
    np.testing.assert_array_equal(data.splits["train"].load(2), volumes[2])


@pytest.mark.parametrize(("arrays", "says"), [
    ({"x": np.array(["a", "b"]), "y": np.zeros(2, int)}, "examples must be numbers of shape"),
    ({"x": np.zeros(2), "y": np.zeros(2, int)}, r"examples must be numbers .* Received float64 of shape \(2,\)"),
    ({"x": np.zeros((2, 0)), "y": np.zeros(2, int)}, "examples must be numbers"),
    ({"x": np.full((2, 3), np.inf), "y": np.zeros(2, int)}, "all numbers must be finite"),
    ({"x": np.zeros((2, 3)), "y": np.zeros(3, int)}, r"classes must be whole numbers of shape \(2,\)"),
    ({"x_train": np.zeros((2, 3)), "y_train": np.zeros(2, int), "x_test": np.zeros((2, 4)),
      "y_test": np.zeros(2, int)}, r"all examples must have the same shape. Received \(3,\) in train, \(4,\) in test"),
])  # fmt: skip
def test_an_archive_of_something_else_is_refused(tmp_path, arrays, says):
    with pytest.raises(ValueError, match=says):
        read_array_data(archive(tmp_path, **arrays))


def test_what_is_not_there_or_of_no_format_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no data set at"):
        read_array_data(tmp_path / "absent")
    with pytest.raises(ValueError, match="has no supported format: a folder with NAME_TRAIN.tsv"):
        read_array_data(tmp_path)
    with pytest.raises(ValueError, match="must contain NAME_TRAIN.tsv or NAME_TEST.tsv. It has neither"):
        read_array_data(tmp_path, "ucr")
    with pytest.raises(ValueError, match="`format` must be auto or one of ucr, npz. Received 'wfdb'"):
        read_array_data(tmp_path, "wfdb")
