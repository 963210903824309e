"""IDX files: bytes written by hand, both spellings of names, and damage of every kind."""

import gzip
import struct

import numpy as np
import pytest

from cnn_suite.data.classes import idx
from cnn_suite.data.classes.idx import idx_array, is_idx, read_idx


def idx_bytes(array, code=8):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_pair(folder, prefix="train", count=5, suffix="", dot="-"):
    random = np.random.default_rng(count)
    images = random.integers(0, 256, (count, 3, 4), np.uint8)
    labels = (np.arange(count) % 3).astype(np.uint8)
    pack = gzip.compress if suffix else bytes
    (folder / f"{prefix}-images{dot}idx3-ubyte{suffix}").write_bytes(pack(idx_bytes(images)))
    (folder / f"{prefix}-labels{dot}idx1-ubyte{suffix}").write_bytes(pack(idx_bytes(labels)))
    return images, labels


def test_an_array_by_hand(tmp_path):
    # Two zeros, type 8 (uint8), 2 dimensions; 2 rows of 3; the values.
    path = tmp_path / "a-idx2-ubyte"
    path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    np.testing.assert_array_equal(idx_array(path), [[1, 2, 3], [4, 5, 6]])
    assert idx_array(path).dtype == np.uint8


@pytest.mark.parametrize(("code", "dtype"), [(9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_other_types_are_big_endian(tmp_path, code, dtype):
    values = np.array([-3, 0, 100]).astype(dtype)
    (tmp_path / "a").write_bytes(idx_bytes(values, code))
    np.testing.assert_array_equal(idx_array(tmp_path / "a"), [-3, 0, 100])


def test_an_array_without_values_is_one(tmp_path):
    (tmp_path / "a").write_bytes(idx_bytes(np.zeros((0, 28, 28), np.uint8)))
    assert idx_array(tmp_path / "a").shape == (0, 28, 28)


@pytest.mark.parametrize(("suffix", "dot"), [("", "-"), (".gz", "-"), ("", "."), (".gz", ".")])
def test_a_folder_of_pairs_is_read_under_the_usual_names(tmp_path, suffix, dot):
    images, labels = write_pair(tmp_path, "train", 5, suffix, dot)
    write_pair(tmp_path, "t10k", 4, suffix, dot)
    write_pair(tmp_path, "extra", 2, suffix, dot)
    assert is_idx(tmp_path)
    data = read_idx(tmp_path)
    assert set(data.splits) == {"train", "test", "extra"} and data.labels == ("0", "1", "2")
    assert len(data.splits["test"]) == 4
    np.testing.assert_array_equal(data.splits["train"].load(3)[..., 0], images[3])
    assert data.splits["train"].class_ids.tolist() == labels.tolist()


def test_one_file_of_a_pair_may_be_unpacked(tmp_path):
    images, _ = write_pair(tmp_path, suffix=".gz")
    packed = tmp_path / "train-labels-idx1-ubyte.gz"
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    assert len(read_idx(tmp_path).splits["train"]) == len(images)


def test_labels_name_the_classes_and_must_be_enough(tmp_path):
    write_pair(tmp_path)
    assert read_idx(tmp_path, ("a", "b", "c", "d")).labels == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="classes up to 2, but data.labels has 2 names. Name all classes"):
        read_idx(tmp_path, ("a", "b"))


def test_what_is_no_idx_folder_is_told_apart(tmp_path):
    (tmp_path / "file").write_text("")
    assert not is_idx(tmp_path) and not is_idx(tmp_path / "file") and not is_idx(tmp_path / "nothing")


def test_a_missing_partner_is_named(tmp_path):
    write_pair(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="lacks its classes: .*train-labels-idx1-ubyte does not exist"):
        read_idx(tmp_path)


HEAD = bytes([0, 0, 8, 1, 0, 0, 0, 3])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is not an IDX file: it must begin with 0, 0"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"\1\0\x08\1\0\0\0\0", "is not an IDX file"),
        (b"\0\0\x07\1\0\0\0\0", "is not an IDX file"),
        (b"\0\0\x08\0", "is not an IDX file"),
        (b"\0\0\x08\3\0\0\0\1", "ends within its header"),
        (HEAD + b"ab", r"declares 3 bytes of values for shape \(3,\) but contains 2"),
        (HEAD + b"abcd", r"declares 3 bytes of values for shape \(3,\) but contains more"),
        (b"\0\0\x0e\3" + b"\xff" * 12, r"declares \d+ bytes of values for shape .* more than it can contain"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damage_is_named(tmp_path, content, text, suffix):
    path = tmp_path / f"a-idx{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(ValueError, match=rf"a-idx{suffix} {text}"):
        idx_array(path)


@pytest.mark.parametrize("damage", [lambda b: b[:-12], lambda b: b[:500] + bytes(8) + b[508:], lambda b: b"no gzip"])
def test_a_damaged_gzip_is_named(tmp_path, damage):
    packed = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 256, (40, 5, 5), np.uint8)))
    path = tmp_path / "a-idx3-ubyte.gz"
    path.write_bytes(damage(packed))
    with pytest.raises(ValueError, match="a-idx3-ubyte.gz is damaged: .*Copy it again"):
        idx_array(path)


def test_a_gzip_is_never_unpacked_further_than_its_header_says(tmp_path):
    # Three bytes by the header, 50 million in fact; what is read stays at four.
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(HEAD + bytes(50_000_000), 9))
    read = []
    original = gzip.GzipFile.read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gzip.GzipFile, "read", lambda self, size=-1: read.append(size) or original(self, size))
        with pytest.raises(ValueError, match="declares 3 bytes of values .* but contains more"):
            idx_array(path)
    assert max(read) == 4 and min(read) >= 0


def test_more_than_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "_LARGEST_BYTES", 2)
    (tmp_path / "a").write_bytes(HEAD + b"abc")
    with pytest.raises(ValueError, match="declares 3 bytes .* more than it can contain"):
        idx_array(tmp_path / "a")


def test_classes_that_cannot_be_classes_are_refused(tmp_path):
    write_pair(tmp_path, count=2)
    for code, values in ((9, np.array([-1, 0], np.int8)), (12, np.array([0, 2_000_000_000], ">i4"))):
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(values, code))
        with pytest.raises(
            ValueError, match=r"classes must be whole numbers from 0 to 65535. Received (-1|2000000000)"
        ):
            read_idx(tmp_path)
