"""Reading .cfg text: sections, options, comments, and every fault with its line."""

import logging

import pytest

from cnn_suite.weights import darknet_cfg
from cnn_suite.weights.darknet_cfg import DarknetError, Section, parse_cfg, read_cfg

TEXT = """# a comment
[net]
width = 416
height=416

[convolutional]
filters=32 ; as many as v3
; another comment
activation = leaky

[yolo]
mask = 0,1,  2
anchors = 10,14,  23,27.5
"""


def parsed(options):
    """A [convolutional] of these option lines; its header stands at line 2, its first option at line 3."""
    return parse_cfg(f"[net]\n[convolutional]\n{options}\n", "a.cfg")[1]


def test_sections_come_in_order_with_the_line_of_their_header():
    sections = parse_cfg(TEXT)
    assert [(s.kind, s.line) for s in sections] == [("net", 2), ("convolutional", 6), ("yolo", 11)]


def test_options_are_text_without_blanks_and_comments():
    net, convolution, yolo = parse_cfg(TEXT)
    assert net.options == {"width": "416", "height": "416"}
    assert convolution.options == {"filters": "32", "activation": "leaky"}
    assert yolo.options["mask"] == "0,1,  2"


def test_short_names_are_the_long_ones():
    text = "[network]\n[conv]\n[max]\n[avg]\n"
    assert [s.kind for s in parse_cfg(text)] == ["net", "convolutional", "maxpool", "avgpool"]


def test_line_ends_of_windows_and_a_last_line_without_one_are_the_same_text():
    assert parse_cfg(TEXT.replace("\n", "\r\n")) == parse_cfg(TEXT)
    assert parse_cfg(TEXT.rstrip("\n")) == parse_cfg(TEXT)


def test_a_file_is_named_in_its_sections(tmp_path):
    path = tmp_path / "v3.cfg"
    path.write_text(TEXT)
    assert read_cfg(path) == read_cfg(str(path)) == parse_cfg(TEXT, "v3.cfg")


def test_numbers_are_read_within_their_bounds():
    section = parsed("size=3\nstride=-2\nmask=0, 2,\nscale_x_y=1.05e0\nanchors=.5,2.,+3")
    assert section.integer("size", None, 1, 9) == 3
    assert section.integer("stride", 1, -2, 9) == -2
    assert section.integer("groups", 4, 1, 9) == 4
    assert section.integers("mask", 0, 2) == [0, 2]
    assert section.number("scale_x_y", 1.0, 0, 2) == 1.05
    assert section.number("scale", 2.5, 0, 9) == 2.5
    assert section.numbers("anchors", 0, 3) == [0.5, 2.0, 3.0]


@pytest.mark.parametrize("word", ["0", "10", "3.0", "x", "0x3", "1e1", "nan", "", "3,3", "٣", "1_0", "9" * 30])
def test_what_is_no_whole_number_within_bounds_is_refused(word):
    section = parsed(f"size={word}")
    with pytest.raises(DarknetError, match=r"a.cfg, line 2: \[convolutional\] size must be a whole number from 1 to 9"):
        section.integer("size", None, 1, 9)


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e400", "1e999999999", "two", "", "1,2", "-1", "1" * 400])
def test_what_is_no_number_within_bounds_is_refused(word):
    section = parsed(f"scale_x_y={word}")
    with pytest.raises(DarknetError, match="scale_x_y must be a number from 0 to 100"):
        section.number("scale_x_y", 1, 0, 100)


def test_lists_are_refused_where_empty_too_long_or_with_a_wrong_word():
    wanted = "mask must be one or more numbers from 0 to 5. Received "
    for text, shown in (("", "''"), (",,", "',,'"), ("1,6", "'6'"), ("1,,2,x", "'x'")):
        with pytest.raises(DarknetError, match=wanted + shown):
            parsed(f"mask={text}").integers("mask", 0, 5)
    with pytest.raises(DarknetError, match="mask must be one or more numbers"):
        parsed("mask=" + "1," * (darknet_cfg.MOST_VALUES + 1)).integers("mask", 0, 5)


def test_an_option_that_must_be_given_is_asked_for():
    with pytest.raises(DarknetError, match=r"line 2: \[convolutional\] needs filters: a whole number from 1 to 9\."):
        parsed("").integer("filters", None, 1, 9)
    with pytest.raises(DarknetError, match=r"needs mask: one or more numbers from 0 to 5\."):
        parsed("").integers("mask", 0, 5)


def test_a_word_must_be_one_of_the_choices():
    assert parsed("activation=mish").choice("activation", "linear", ("linear", "mish")) == "mish"
    assert parsed("").choice("activation", "linear", ("linear", "mish")) == "linear"
    with pytest.raises(DarknetError, match=r"line 2: .* activation must be one of linear, mish\. Received 'elu'\."):
        parsed("activation=elu").choice("activation", "linear", ("linear", "mish"))


def test_an_option_that_changes_the_numbers_is_refused_unless_it_is_off():
    parsed("xnor=0").refuse("xnor", "0")
    parsed("").refuse("xnor", "0")
    with pytest.raises(DarknetError, match=r"line 2: .* xnor=1 cannot be imported; only xnor=0 can\."):
        parsed("xnor=1").refuse("xnor", "0")


@pytest.mark.parametrize("header", ["[convolutional", "[conv]x", "[]", "[a b]", "[" + "a" * 41 + "]", "[[net]]"])
def test_a_broken_header_is_refused_with_its_line(header):
    with pytest.raises(DarknetError, match=r"a.cfg, line 3: a section begins with \[kind\]. Received '\["):
        parse_cfg(f"[net]\n\n{header}\n", "a.cfg")


@pytest.mark.parametrize("kind", ["lstm", "detection", "scale_channels", "sam", "connected", "crop", "Gaussian_yolo"])
def test_an_unknown_section_is_refused_with_its_line_and_what_is_supported(kind):
    text = rf"a.cfg, line 2: the section \[{kind.lower()}\] cannot be imported. Supported: net, convolutional, .*region"
    with pytest.raises(DarknetError, match=text):
        parse_cfg(f"[net]\n[{kind}]\n", "a.cfg")


@pytest.mark.parametrize("line", ["width", "=3", "\x00\x01", "<html>"])
def test_a_line_of_another_form_is_refused(line):
    with pytest.raises(DarknetError, match=r"cfg, line 2: expected \[kind\], option=value or a comment. Received "):
        parse_cfg(f"[net]\n{line}\n")


def test_an_option_before_the_first_section_is_refused():
    with pytest.raises(DarknetError, match=r"cfg, line 1: width is before the first section, \[net\]\."):
        parse_cfg("width=3\n[net]\n")


def test_an_option_that_stands_twice_is_refused_at_the_second():
    with pytest.raises(DarknetError, match=r"cfg, line 4: width occurs twice in \[net\]\."):
        parse_cfg("[net]\nwidth=3\nheight=4\nwidth=3\n")


@pytest.mark.parametrize("text, received", [("", "no sections"), ("# net\n", "no sections"),
                                            ("\n[avgpool]\n", r"\[avgpool\] at line 2")])  # fmt: skip
def test_a_file_that_does_not_begin_with_net_is_refused(text, received):
    with pytest.raises(DarknetError, match=rf"a.cfg must begin with the section \[net\]\. Received {received}\."):
        parse_cfg(text, "a.cfg")


def test_too_many_sections_are_refused_where_the_bound_is_passed():
    text = "[net]\n" + "[avgpool]\n" * darknet_cfg.MOST_SECTIONS
    with pytest.raises(DarknetError, match="cfg, line 1001: a .cfg may have 1000 sections. It has more."):
        parse_cfg(text)


def test_long_text_is_cut_in_errors():
    word = "x" * 5000
    for text in (f"[net]\n{word}", f"[net]\n[{word}", f"{word}=1", f"[net]\n{word}=1\n{word}=1"):
        with pytest.raises(DarknetError) as caught:
            parse_cfg(text)
        assert len(str(caught.value)) < 400
    with pytest.raises(DarknetError) as caught:
        parsed("size=" + "9" * 5000).integer("size", 1, 1, 9)
    assert len(str(caught.value)) < 300


def test_an_unknown_option_is_told_with_the_nearest_known_one(caplog):
    with caplog.at_level(logging.WARNING):
        parse_cfg("[net]\n[convolutional]\nbatchnormalize=1\nstopbackward=1\n", "a.cfg")
    assert caplog.messages == [
        "a.cfg, line 2: the option 'batchnormalize' of [convolutional] is unknown and ignored. "
        "Did you mean 'batch_normalize'?"
    ]


def test_a_file_that_is_absent_large_or_no_text_is_refused(tmp_path):
    with pytest.raises(DarknetError, match="Cannot read the .cfg file .*absent.cfg: there is no such file."):
        read_cfg(tmp_path / "absent.cfg")
    with pytest.raises(DarknetError, match="Cannot read the .cfg file .*: there is no such file."):
        read_cfg(tmp_path)
    (tmp_path / "large.cfg").write_bytes(b"#" * (darknet_cfg.LARGEST_FILE + 1))
    with pytest.raises(DarknetError, match="large.cfg must be a .cfg of at most 1,048,576 bytes. It is larger."):
        read_cfg(tmp_path / "large.cfg")
    (tmp_path / "v3.weights").write_bytes(b"\x00\x00\x80\xff" * 9)
    with pytest.raises(DarknetError, match="v3.weights must be a text file. Received bytes that are not UTF-8."):
        read_cfg(tmp_path / "v3.weights")


def test_sections_are_values():
    assert Section("net", 1, {}) == Section("net", 1, {}, "cfg")
    with pytest.raises(AttributeError):
        Section("net", 1, {}).line = 2
