"""MXNet's parameter lists: files written here byte by byte, and everything that a file can be that is none."""

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_suite.weights.mxnet_params import mxnet_arrays, read_mxnet_params

V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
KINDS = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6}


def head(shape, kind=0, magic=V2, storage=0):
    """An array up to its values: magic, storage type (not in version 1), axes, sides, device cpu(0), type."""
    stored = b"" if magic == V1 else struct.pack("<i", storage)
    sides = struct.pack(f"<i{len(shape)}q", len(shape), *shape)
    return struct.pack("<I", magic) + stored + sides + struct.pack("<3i", 1, 0, kind)


def array(values, **options):
    values = np.asarray(values)
    little = values.astype(values.dtype.newbyteorder("<"))
    return head(values.shape, KINDS[values.dtype.name], **options) + little.tobytes()


def named(names):
    texts = [name.encode() if isinstance(name, str) else name for name in names]
    return struct.pack("<Q", len(texts)) + b"".join(struct.pack("<Q", len(text)) + text for text in texts)


def content(arrays, names, count=None, magic=0x112):
    return struct.pack("<3Q", magic, 0, len(arrays) if count is None else count) + b"".join(arrays) + named(names)


ONE = np.array([[1, -2, 0.5]], np.float32)
WHOLE = content([array(ONE), array(np.arange(4, dtype=np.float64))], ["arg:a_weight", "aux:b"])


# One array of one axis with the values 1 and -2, named "arg:a".
BY_HAND = bytes.fromhex(
    "1201000000000000 0000000000000000 0100000000000000"  # magic, reserved, one array
    "c9fa93f9 00000000 01000000 0200000000000000"  # version 2, dense, one axis of 2
    "01000000 00000000 00000000 0000803f 000000c0"  # cpu, 0, float32, 1.0, -2.0
    "0100000000000000 0500000000000000 6172673a61"  # one name of five letters
)


def test_bytes_written_by_hand():
    arrays = mxnet_arrays(BY_HAND)
    assert list(arrays) == ["arg:a"]
    assert arrays["arg:a"].dtype == np.float32
    assert arrays["arg:a"].tolist() == [1.0, -2.0]


@pytest.mark.parametrize("magic", [V1, V2, V3])
@pytest.mark.parametrize("dtype", KINDS)
def test_every_type_comes_back_from_every_version_in_the_files_order(tmp_path, dtype, magic):
    values = {
        "arg:z_weight": np.arange(24).reshape(2, 3, 1, 4).astype(dtype),
        "aux:ä": np.array([7]).astype(dtype),
        "": np.ones((1,) * 32, dtype),
    }
    path = tmp_path / "x.params"
    path.write_bytes(content([array(value, magic=magic) for value in values.values()], values))
    found = read_mxnet_params(path)
    assert list(found) == list(values)
    for name, value in values.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(found[name], value)
        assert not found[name].flags.writeable


def test_a_list_of_nothing_is_nothing():
    assert mxnet_arrays(content([], [])) == {}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no MXNet parameter file .*nowhere.params. Expected the .params file"):
        read_mxnet_params(tmp_path / "nowhere.params")


def test_every_beginning_of_a_file_is_cut_short():
    for end in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"is truncated: .* needs \d+ bytes at byte \d+, \d+ are left"):
            mxnet_arrays(WHOLE[:end])


def test_the_file_is_named_in_what_is_said_of_it(tmp_path):
    (tmp_path / "short.params").write_bytes(WHOLE[:-1])
    with pytest.raises(
        ValueError, match=r"short.params is not a complete, readable MXNet parameter file.* name 1 needs 5 bytes"
    ):
        read_mxnet_params(tmp_path / "short.params")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (content([], [], magic=0x113), "begins with 0x113, not with 0x112"),
        (b'{\n  "nodes": [', "begins with 0x.*A symbol file .* use the .params file"),
        (WHOLE + b"\0\0", "2 bytes follow the last name, where the file should end"),
        (content([array(ONE)], ["a", "b"]), "contains 1 arrays and 2 names; expected one name per array"),
        (content([array(ONE)], []), "contains 1 arrays and 0 names"),
        (content([array(ONE)] * 2, ["a", "a"]), "two arrays have the name 'a'"),
        (content([array(ONE)], [b"\xff\xfe"]), "name 0 is not UTF-8 text"),
        (content([array(ONE, magic=2)], ["a"]), "array 0 begins with 0x2, which is not an array of MXNet 1.0 or later"),
        (content([array(ONE), array(ONE, storage=1)], ["a", "b"]), "array 1 is sparse .storage type 1.; save it"),
        (
            content([head((2,), kind=12)], ["a"]),
            r"array 0 has values of type 12. Supported types: 0 .float32., 1 .float64.,",
        ),
        (content([head((2,), kind=-1)], ["a"]), "array 0 has values of type -1"),
        (content([head(())], ["a"]), "array 0 has 0 axes, expected 1 to 32"),
        (content([head((1,) * 33)], ["a"]), "array 0 has 33 axes"),
        (content([struct.pack("<Iii", V2, 0, -1)], ["a"]), "array 0 has -1 axes"),
        (content([head((3, 0))], ["a"]), r"array 0 has the shape \(3, 0\), whose sides must all be at least 1"),
        (content([head((-1, 4))], ["a"]), r"array 0 has the shape \(-1, 4\)"),
    ],
)
def test_what_is_no_such_file_is_refused(data, text):
    with pytest.raises(ValueError, match=f"The data is not a complete, readable MXNet parameter file: .*{text}"):
        mxnet_arrays(data)


@pytest.mark.parametrize(
    "data",
    [
        content([], [], count=2**64 - 1),  # more arrays than there are bytes
        content([head((2**62, 2**62, 2**62))], ["a"]),  # values that no machine holds
        content([head((2**63 - 1,) * 32)], ["a"]),  # a product that overflows 64 bits 31 times
        content([head((2**31,))], ["a"]),  # 8 GiB that a machine could hold
        content([], [])[:-8] + struct.pack("<Q", 2**64 - 1),  # names without end
        content([array(ONE)], [])[:-8] + struct.pack("<2Q", 1, 2**63) + b"a",  # one endless name
    ],
)
def test_what_a_file_says_of_its_size_is_not_believed(data):
    tracemalloc.start()
    with pytest.raises(ValueError, match="not a complete, readable MXNet parameter file"):
        mxnet_arrays(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def read_or_refused(data):
    try:
        arrays = mxnet_arrays(data)
    except ValueError as error:
        assert "not a complete, readable MXNet parameter file" in str(error)
    else:
        assert sum(values.nbytes for values in arrays.values()) <= len(data)


def test_a_change_of_any_byte_is_read_or_refused():
    for place in range(len(WHOLE)):
        for value in (0, 1, 2, 0x7F, 0x80, 0xFF):
            read_or_refused(WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(WHOLE)), st.integers(0, 24), st.binary(max_size=24))
def test_any_bytes_in_place_of_others_are_read_or_refused(place, left_out, put_in):
    read_or_refused(WHOLE[:place] + put_in + WHOLE[place + left_out :])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_behind_the_magic_number_are_read_or_refused(data):
    read_or_refused(struct.pack("<2Q", 0x112, 0) + data)
