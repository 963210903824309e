"""Deep Compression's files: the smallest one byte by byte, what a writer made here wrote, and every damage."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_suite.weights.deep_compression import decode_layers, read_deep_compression

# One layer of 1 output and 40 weights, all 0 but 2.5 at place 0, -1 at place 3, 2.5 at place 30; its bias is 0.5.
# Codes: 1 is 2.5, 2 is -1. Zeros before the weights: 0, 2 and 26. More than 15 do not fit into four bits: a filler of
# code 0 skips 15 and stands for the 16th, at place 3 + 16 = 19; 10 are left before place 30.
# Entries (code, gap): (1, 0) (2, 2) (0, 15) (1, 10); two gaps a byte, the lower half first: 0x20, 0xaf.
HEADER = bytes.fromhex("04000000")
CODEBOOK = bytes.fromhex("00000000 00002040 000080bf") + bytes(4 * 253)
BIAS = bytes.fromhex("0000003f")
CODES, GAPS = bytes.fromhex("01020001"), bytes.fromhex("20af")
SMALLEST = HEADER + CODEBOOK + BIAS + CODES + GAPS
SHAPES = {"conv": (1, 1, 5, 8)}


def encoded(layers):
    """The file of kernels, of at most 255 values apart from 0 each, and biases."""
    counts, body = [], []
    for kernel, bias in layers:
        values = np.unique(kernel[kernel != 0])
        places, last, entries = np.flatnonzero(kernel), -1, []
        codes = np.searchsorted(values, kernel.flat[places]) + 1
        for place, code in zip(places.tolist(), codes.tolist()):
            while place - last > 16:
                entries.append((0, 15))
                last += 16
            entries.append((code, place - last - 1))
            last = place
        gaps = [gap for _, gap in entries] + [0] * (len(entries) % 2)
        counts.append(len(entries))
        body += [np.pad(values, (1, 255 - len(values))).astype("<f4").tobytes(), bias.astype("<f4").tobytes()]
        body += [bytes(code for code, _ in entries)]
        body += [bytes(low | high << 4 for low, high in zip(gaps[::2], gaps[1::2]))]
    return np.array(counts, "<u4").tobytes() + b"".join(body)


def layers_of(shapes, density, seed=0):
    """Random kernels with up to 255 values of their own, zeros between them, and biases."""
    rng, made = np.random.default_rng(seed), {}
    for name, shape in shapes.items():
        kernel = rng.choice(rng.normal(size=255).astype("f4"), shape) * (rng.random(shape) < density)
        made[name] = (kernel.astype("f4"), rng.normal(size=shape[0]).astype("f4"))
    return made


def same(found, expected):
    assert list(found) == list(expected)
    for name, arrays in expected.items():
        for ours, theirs in zip(found[name], arrays):
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, theirs)


def changed(place, values, data=SMALLEST):
    return data[:place] + bytes(values) + data[place + len(values) :]


def test_the_smallest_file_is_read_and_written_byte_by_byte():
    kernel = np.zeros((1, 1, 5, 8), np.float32)
    kernel.flat[[0, 3, 30]] = 2.5, -1, 2.5
    bias = np.array([0.5], np.float32)
    same(decode_layers(SMALLEST, SHAPES), {"conv": (kernel, bias)})
    # the writer sorts its values: -1 gets code 1 and 2.5 code 2, the gaps stay
    assert encoded([(kernel, bias)])[-6:] == bytes.fromhex("02010002 20af")


def test_an_odd_number_of_entries_leaves_half_a_byte():
    # 3 of 4 weights, the last one 0: gaps 0, 0, 0 in two bytes
    data = bytes.fromhex("03000000") + CODEBOOK + BIAS + bytes.fromhex("010202 0000")
    kernel, _ = decode_layers(data, {"conv": (1, 4)})["conv"]
    np.testing.assert_array_equal(kernel, [[2.5, -1, -1, 0]])


@pytest.mark.parametrize(("zeros", "entries"), [(14, 1), (15, 1), (16, 2), (17, 2), (31, 2), (32, 3), (33, 3)])
def test_fillers_stand_where_more_than_fifteen_zeros_lie_between(zeros, entries):
    kernel = np.zeros((1, zeros + 1), np.float32)
    kernel[0, -1] = 7
    data = encoded([(kernel, np.ones(1))])
    assert data[0] == entries
    np.testing.assert_array_equal(decode_layers(data, {"dense": kernel.shape})["dense"][0], kernel)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 1.0])
def test_what_was_written_is_read_again(density):
    shapes = {"conv1": (6, 3, 5, 5), "one": (1, 1, 1, 1), "wide": (3, 7, 1, 9), "dense": (10, 41)}
    for seed in range(5):
        layers = layers_of(shapes, density, seed)
        same(decode_layers(encoded(layers.values()), shapes), layers)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 300), st.floats(-9, 9, width=32)), max_size=30),
)
def test_any_kernel_is_read_as_it_was_written(shape, weights):
    kernel = np.zeros(shape, np.float32)
    for place, value in weights:
        kernel.flat[place % kernel.size] = value
    bias = np.arange(shape[0], dtype=np.float32)
    same(decode_layers(encoded([(kernel, bias)]), {"layer": tuple(shape)}), {"layer": (kernel, bias)})


def test_a_file_is_read_from_its_path_and_its_arrays_are_their_owners(tmp_path):
    shapes = {"a": (2, 3, 3, 3), "b": (4, 2)}
    layers = layers_of(shapes, 0.5)
    (tmp_path / "small.net").write_bytes(encoded(layers.values()))
    found = read_deep_compression(str(tmp_path / "small.net"), shapes)
    same(found, layers)
    found["a"][0][:] = 1  # no view of the file's bytes, which could not be written to
    found["a"][1][:] = 1


def test_no_layers_are_an_empty_file():
    assert decode_layers(b"", {}) == {}


def test_every_shorter_and_a_longer_file_is_refused():
    shapes = {"a": (2, 3), "b": (3, 5)}
    data = encoded(layers_of(shapes, 0.7).values())
    for size in range(8):
        with pytest.raises(ValueError, match=f"it has {size} bytes, but the entry counts alone need 8"):
            decode_layers(data[:size], shapes)
    for size in range(8, len(data)):
        with pytest.raises(
            ValueError, match=f"truncated: .* require {len(data)} bytes, it has {size}. Download it again"
        ):
            decode_layers(data[:size], shapes)
    with pytest.raises(ValueError, match="continues after its last layer"):
        decode_layers(data + b"\0", shapes)


def test_more_entries_than_weights_are_refused_before_anything_is_made():
    for count in (41, 2**32 - 1):
        with pytest.raises(ValueError, match=f"layer `conv` has {count} entries for a kernel of 40 weights"):
            decode_layers(changed(0, count.to_bytes(4, "little")), SHAPES)


def test_an_entry_outside_of_its_kernel_is_refused():
    # the last gap 10 of place 30 becomes 15: place 35 still fits 40 weights, not 35
    data = changed(len(SMALLEST) - 1, [0xFF])
    assert decode_layers(data, SHAPES)["conv"][0].flat[35] == 2.5
    with pytest.raises(ValueError, match="the last entry of layer `conv` is for weight 35 of 0 to 34"):
        decode_layers(data, {"conv": (1, 1, 5, 7)})


@pytest.mark.parametrize(
    ("place", "values", "text"),
    [
        (4, b"\0\0\x80?", "code 0 of layer `conv` is 1.0, but pruned weights need 0"),
        (4, b"\0\0\xc0\x7f", "code 0 of layer `conv` is nan"),
        (8, b"\0\0\x80\x7f", "layer `conv` has a codebook value or a bias that is not finite"),  # infinity
        (4 + 1024, b"\0\0\xc0\x7f", "layer `conv` has a codebook value or a bias that is not finite"),
    ],
)
def test_values_that_no_network_has_are_refused(place, values, text):
    with pytest.raises(ValueError, match=text):
        decode_layers(changed(place, values), SHAPES)


def test_the_spare_half_byte_must_be_empty():
    data = bytes.fromhex("01000000") + CODEBOOK + BIAS + bytes.fromhex("01 50")
    with pytest.raises(ValueError, match="the unused half byte after the last gap of layer `conv` is 5, not 0"):
        decode_layers(data, SHAPES)


def test_other_shapes_than_the_files_are_refused():
    with pytest.raises(ValueError, match="truncated: .* give the shapes of the network it was made from"):
        decode_layers(SMALLEST, {"conv": (2, 1, 5, 4)})
    for shape in ((), (0, 3), (-1, 3)):
        with pytest.raises(ValueError, match="shape of layer `conv` must have axes of at least 1. Received"):
            decode_layers(SMALLEST, {"conv": shape})
        with pytest.raises(ValueError, match="shape of layer `conv` must have axes of at least 1. Received"):
            read_deep_compression(__file__, {"conv": shape})


def test_a_missing_and_a_damaged_file_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Deep Compression file .*nowhere.net"):
        read_deep_compression(tmp_path / "nowhere.net", SHAPES)
    (tmp_path / "cut.net").write_bytes(SMALLEST[:-1])
    with pytest.raises(
        ValueError, match="cut.net is not a complete Deep Compression file .* require 1038 bytes, it has 1037"
    ):
        read_deep_compression(tmp_path / "cut.net", SHAPES)


def test_a_huge_file_is_refused_unread(tmp_path):
    (tmp_path / "huge.net").write_bytes(SMALLEST)
    os.truncate(tmp_path / "huge.net", 2**40)  # a hole: nothing of it is on the disk
    # 4 + 1024 + 4 + 40 + 20: an entry for every weight
    with pytest.raises(ValueError, match="huge.net .* has 1099511627776 bytes, but no such .* more than 1092"):
        read_deep_compression(tmp_path / "huge.net", SHAPES)


def harmless(data, shapes):
    """Decodes to finite arrays of the shapes, or is refused with a sentence."""
    try:
        found = decode_layers(data, shapes)
    except ValueError as error:
        assert "Deep Compression file" in str(error)
        return
    assert {name: kernel.shape for name, (kernel, _) in found.items()} == shapes
    assert all(np.isfinite(array).all() for arrays in found.values() for array in arrays)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_refused_with_a_sentence(data):
    harmless(data, SHAPES)
    harmless(data + SMALLEST, SHAPES)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALLEST) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_read_or_refused_with_a_sentence(changes):
    data = SMALLEST
    for place, value in changes:
        data = changed(place, [value], data)
    harmless(data, SHAPES)
