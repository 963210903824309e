"""NumPy archives of pictures: names of their arrays, and damage."""

import numpy as np
import pytest

from cnn_suite.data.classes import npz
from cnn_suite.data.classes.npz import is_npz, read_npz


def images(count=4):
    return np.random.default_rng(count).integers(0, 256, (count, 3, 4, 3), np.uint8)


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("x", "y", "split"),
    [
        ("x_train", "y_train", "train"),
        ("x_val", "y_val", "val"),
        ("test_images", "test_labels", "test"),
        ("images_validation", "labels_validation", "validation"),
        ("x", "y", "train"),
        ("images", "labels", "train"),
    ],
)
def test_pairs_are_found_under_all_usual_names(tmp_path, x, y, split):
    path = write(tmp_path / "a.npz", **{x: images(), y: np.array([2, 0, 1, 1])})
    data = read_npz(path)
    assert list(data.splits) == [split] and data.labels == ("0", "1", "2")
    assert data.splits[split].class_ids.tolist() == [2, 0, 1, 1]
    np.testing.assert_array_equal(data.splits[split].load(1), images()[1])


def test_kerass_own_form_is_read(tmp_path):
    # As keras.datasets stores them: grey without channels, and CIFAR's classes as a column.
    arrays = {"x_train": images()[..., 0], "y_train": np.array([[0], [1], [0], [1]], np.uint8)}
    arrays |= {"x_test": images(2)[..., 0], "y_test": np.array([[1], [3]], np.uint8)}
    data = read_npz(write(tmp_path / "mnist.npz", **arrays))
    assert set(data.splits) == {"train", "test"} and data.labels == ("0", "1", "2", "3")
    assert data.splits["train"].load(0).shape == (3, 4, 1)


def test_compressed_archives_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=images(), y=np.zeros(4, int))
    assert len(read_npz(tmp_path / "a.npz").splits["train"]) == 4


def test_names_come_from_the_arguments_else_from_the_file(tmp_path):
    path = write(tmp_path / "a.npz", x=images(), y=np.array([0, 1, 0, 1]), label_names=np.array(["cat", "dog"]))
    assert read_npz(path).labels == ("cat", "dog")
    assert read_npz(path, ("a", "b", "c")).labels == ("a", "b", "c")
    with pytest.raises(ValueError, match="a.npz has classes up to 1, but data.labels has 1 names"):
        read_npz(path, ("a",))


def test_what_is_no_archive_is_told_apart(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    assert not is_npz(tmp_path / "folder.npz") and not is_npz(tmp_path / "nothing.npz")
    assert is_npz(write(tmp_path / "a.npz", x=images()))


def test_missing_arrays_are_named_with_those_there_are(tmp_path):
    with pytest.raises(
        ValueError, match="must contain pairs such as x_train and y_train. It lacks y_train, only x_train, z"
    ):
        read_npz(write(tmp_path / "a.npz", x_train=images(), z=np.zeros(2)))
    with pytest.raises(ValueError, match="It has none, only data"):
        read_npz(write(tmp_path / "b.npz", data=images()))
    with pytest.raises(ValueError, match="It has none, only nothing"):
        read_npz(write(tmp_path / "c.npz"))


def test_arrays_that_are_not_asked_for_are_not_read(tmp_path):
    # Objects would need pickle; they lie beside the pictures and do not matter.
    path = write(tmp_path / "a.npz", x=images(), y=np.zeros(4, int), notes=np.array([{"a": 1}], object))
    assert len(read_npz(path).splits["train"]) == 4


def test_objects_are_never_unpickled(tmp_path):
    path = write(tmp_path / "a.npz", x=np.array([{"a": 1}], object), y=np.zeros(1, int))
    with pytest.raises(ValueError, match=r"a.npz is damaged or not a NumPy archive of plain arrays .*allow_pickle"):
        read_npz(path)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b"text", lambda b: b[:100], lambda b: b[:-30]])
def test_damage_is_named(tmp_path, damage):
    path = write(tmp_path / "a.npz", x=images(), y=np.zeros(4, int))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a.npz is damaged or not a NumPy archive .*Write it again"):
        read_npz(path)


def test_flipped_bytes_are_noticed(tmp_path):
    path = write(tmp_path / "a.npz", x=images(50), y=np.zeros(50, int))
    data = bytearray(path.read_bytes())
    data[data.find(images(50)[0].tobytes())] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match="a.npz is damaged .*CRC"):
        read_npz(path)


def test_a_plain_array_under_the_name_of_an_archive_is_refused(tmp_path):
    with open(tmp_path / "a.npz", "wb") as file:
        np.save(file, images())
    with pytest.raises(ValueError, match="a.npz is damaged or not a NumPy archive"):
        read_npz(tmp_path / "a.npz")


def test_more_than_the_limit_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((4, 100, 100), np.uint8), y=np.zeros(4, np.uint8))
    monkeypatch.setattr(npz, "_LARGEST_BYTES", 40_000)
    with pytest.raises(ValueError, match=r"a.npz unpacks to 40\d+ bytes, more than the limit of 40000"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("wrong", [-1, 65536])
def test_classes_that_cannot_be_classes_are_refused(tmp_path, wrong):
    path = write(tmp_path / "a.npz", x=images(), y=np.array([0, 1, wrong, 0]))
    with pytest.raises(ValueError, match="classes must be whole numbers from 0 to 65535"):
        read_npz(path)
