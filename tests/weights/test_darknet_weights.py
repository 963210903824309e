"""Reading .weights: header, values, their way into a network, and every fault."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.models.darknet import darknet
from cnn_suite.weights import darknet_weights
from cnn_suite.weights.darknet_cfg import DarknetError, parse_cfg
from cnn_suite.weights.darknet_plan import plan
from cnn_suite.weights.darknet_weights import load_darknet_weights, read_darknet_weights
from tests.darknet_oracle import HEADER, OLD_HEADER, cfg, write_arrays, write_weights

# Line 4: 2 filters with batch norm, 3 channels, 1x1: 4 * 2 + 6 = 14 floats. Line 8: 1 filter, 2 channels: 3 floats.
TWO = cfg("[conv]\nfilters=2\nbatch_normalize=1\nactivation=relu\n[conv]\nactivation=linear")


def written(path, *values, header=HEADER):
    path.write_bytes(header + np.array(values, "<f4").tobytes())
    return path


def test_the_header_says_version_and_pictures_seen_in_64_bits(tmp_path):
    read = read_darknet_weights(written(tmp_path / "a.weights", 1.5, -2, 3))
    assert read[:4] == (0, 2, 0, 32013312)
    np.testing.assert_array_equal(read.values, np.float32([1.5, -2, 3]))
    assert read.values.dtype == np.float32


def test_before_version_0_2_the_pictures_seen_have_32_bits(tmp_path):
    read = read_darknet_weights(written(tmp_path / "a.weights", 1.5, -2, 3, header=OLD_HEADER))
    assert read[:4] == (0, 1, 0, 7)
    np.testing.assert_array_equal(read.values, np.float32([1.5, -2, 3]))


@pytest.mark.parametrize("version, seen_bytes", [((0, 1), 4), ((0, 2), 8), ((0, 3), 8), ((1, 0), 8), ((2, 1), 8),
                                                 ((1000, 0), 4), ((0, 1000), 4)])  # fmt: skip
def test_the_width_of_the_pictures_seen_hangs_on_the_version_as_in_darknet(tmp_path, version, seen_bytes):
    # parser.c: size_t where major * 10 + minor >= 2 and both are below 1000, int otherwise
    header = struct.pack("<iii", *version, 5) + (9).to_bytes(seen_bytes, "little")
    read = read_darknet_weights(written(tmp_path / "a.weights", 4, 5, header=header))
    assert (read.major, read.minor, read.revision, read.seen) == (*version, 5, 9)
    assert read.values.tolist() == [4, 5]


def test_more_pictures_than_32_bits_hold_are_counted(tmp_path):
    header = struct.pack("<iiiQ", 0, 2, 5, 2**40 + 3)
    assert read_darknet_weights(written(tmp_path / "a.weights", header=header)).seen == 2**40 + 3


def test_values_reach_biases_norms_and_kernels_in_the_files_order(tmp_path):
    values = [10, 11, 20, 21, 30, 31, 40, 41, *range(50, 56), 7, 8, 9]
    path = written(tmp_path / "a.weights", *values)
    model = darknet(plan(parse_cfg(TWO)), weights=path)
    gamma, beta, mean, variance = model.get_layer("line4_norm").get_weights()
    assert (beta.tolist(), gamma.tolist()) == ([10, 11], [20, 21])
    assert (mean.tolist(), variance.tolist()) == ([30, 31], [40, 41])
    (kernel,) = model.get_layer("line4_convolutional").get_weights()
    # (filters, channels): [[50, 51, 52], [53, 54, 55]]; Keras's last axis is the filter
    assert kernel.tolist() == [[[[50, 53], [51, 54], [52, 55]]]]
    kernel, bias = model.get_layer("line8_convolutional").get_weights()
    assert (bias.tolist(), kernel.tolist()) == ([7], [[[[8], [9]]]])


def test_a_kernel_of_darknet_is_filter_channel_row_column(tmp_path):
    text = cfg("[conv]\nsize=2\nfilters=2")
    path = written(tmp_path / "a.weights", 0, 0, *range(24))
    kernel, _ = darknet(plan(parse_cfg(text)), weights=path).get_layer("line4_convolutional").get_weights()
    # filter 1, channel 2, row 1, column 0: 1 * 12 + 2 * 4 + 1 * 2 + 0 = 22
    assert kernel[1, 0, 2, 1] == 22 and kernel[0, 1, 2, 0] == 9


def test_a_head_takes_the_values_of_the_convolution_before_it(tmp_path):
    text = cfg("[conv]\nfilters=6\nactivation=linear\n[yolo]\nanchors=1,2\nclasses=1")
    path = written(tmp_path / "a.weights", *range(24))
    kernel, bias = darknet(plan(parse_cfg(text)), weights=path).get_layer("line7_yolo").get_weights()
    assert bias.tolist() == [0, 1, 2, 3, 4, 5]
    assert kernel[0, 0, :, 1].tolist() == [9, 10, 11]


def test_weights_are_loaded_into_a_network_that_exists(tmp_path):
    write_weights(tmp_path / "a.weights", TWO)
    network = plan(parse_cfg(TWO))
    model = darknet(network)
    load_darknet_weights(model, network, read_darknet_weights(tmp_path / "a.weights"))
    for one, other in zip(model.weights, darknet(network, weights=tmp_path / "a.weights").weights):
        np.testing.assert_array_equal(one, other)


def test_a_file_is_read_once(tmp_path, monkeypatch):
    write_weights(tmp_path / "a.weights", TWO)
    opened, open_file = [], Path.open
    monkeypatch.setattr(Path, "open", lambda path, *mode: opened.append(path.name) or open_file(path, *mode))
    darknet(plan(parse_cfg(TWO)), weights=tmp_path / "a.weights")
    assert opened == ["a.weights"]


@pytest.mark.parametrize("count, line, kind", [(0, 4, "convolutional"), (13, 4, "convolutional"),
                                               (14, 8, "convolutional"), (16, 8, "convolutional")])  # fmt: skip
def test_too_few_values_are_refused_with_the_section_where_they_end(tmp_path, count, line, kind):
    path = written(tmp_path / "a.weights", *range(count))
    text = (
        rf"a.weights must contain 17 values for a.cfg. It contains {count}. They end within \[{kind}\] at line {line}\."
    )
    with pytest.raises(DarknetError, match=text):
        darknet(plan(parse_cfg(TWO, "a.cfg")), weights=path)


def test_too_many_values_are_refused(tmp_path):
    path = written(tmp_path / "a.weights", *range(18))
    with pytest.raises(
        DarknetError, match="a.weights must contain 17 values for a.cfg. It contains 18. Use the matching .cfg"
    ):
        darknet(plan(parse_cfg(TWO, "a.cfg")), weights=path)


def test_nothing_is_loaded_where_the_number_of_values_is_wrong(tmp_path):
    network = plan(parse_cfg(TWO))
    model = darknet(network)
    before = [weight.numpy().copy() for weight in model.weights]
    for count in (16, 18):
        with pytest.raises(DarknetError, match="must contain 17 values"):
            content = read_darknet_weights(written(tmp_path / "a.weights", *range(count)))
            load_darknet_weights(model, network, content)
    for weight, value in zip(model.weights, before):
        np.testing.assert_array_equal(weight, value)


def test_a_file_shorter_than_its_header_is_refused(tmp_path):
    path = tmp_path / "a.weights"
    for size in (0, 11):
        path.write_bytes(HEADER[:size])
        with pytest.raises(DarknetError, match=f"a.weights must begin with a header of 16 or 20 bytes. It has {size}"):
            read_darknet_weights(path)
    for header, size in ((HEADER, 20), (OLD_HEADER, 16)):
        path.write_bytes(header[: size - 1])
        with pytest.raises(DarknetError, match=f"must contain a header of {size} bytes and .* It has {size - 1} bytes"):
            read_darknet_weights(path)


@pytest.mark.parametrize("more", [1, 2, 3])
def test_a_file_that_ends_within_a_number_is_refused(tmp_path, more):
    path = tmp_path / "a.weights"
    path.write_bytes(HEADER + bytes(8 + more))
    with pytest.raises(DarknetError, match=f"numbers of 4 bytes each. It has {28 + more} bytes: it is truncated"):
        read_darknet_weights(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path, value):
    path = written(tmp_path / "a.weights", 1, value, 2)
    with pytest.raises(DarknetError, match="a.weights contains a NaN or an infinite value"):
        read_darknet_weights(path)


def test_a_file_that_is_absent_or_a_folder_is_refused(tmp_path):
    with pytest.raises(DarknetError, match="Cannot read the .weights file .*absent.weights: there is no such file"):
        read_darknet_weights(tmp_path / "absent.weights")
    with pytest.raises(DarknetError, match="Cannot read the .weights file .*: there is no such file."):
        read_darknet_weights(tmp_path)


def test_a_file_larger_than_any_network_is_refused_unread(tmp_path):
    path = tmp_path / "a.weights"
    path.touch()
    os.truncate(path, 4 * darknet_weights.MOST_PARAMETERS + 24)  # a file of a gigabyte that takes no room
    with pytest.raises(DarknetError, match="must contain at most 268,435,456 numbers. It has 1,073,741,848 bytes"):
        read_darknet_weights(path)


def test_what_is_written_is_read(tmp_path):
    own = write_weights(tmp_path / "a.weights", TWO, seed=3)
    values = np.concatenate([value.ravel() for part in own for value in part.values()])
    np.testing.assert_array_equal(read_darknet_weights(tmp_path / "a.weights").values, values)
    write_arrays(tmp_path / "b.weights", own, OLD_HEADER)
    np.testing.assert_array_equal(read_darknet_weights(tmp_path / "b.weights").values, values)
