import codecs

import pytest

from cnn_suite.data.boxes.xml_lines import XmlError, read_xml


def test_elements_remember_their_line_text_and_children(tmp_path):
    file = tmp_path / "a.xml"
    file.write_text("<a>\n<b> one </b>\n<c>\n<b>two</b></c></a>")
    root = read_xml(file)
    assert (root.tag, root.line) == ("a", 1)
    assert root.child_text("b") == "one"
    assert root.child("c").child("b").line == 4


def test_an_absent_child_has_empty_text(tmp_path):
    file = tmp_path / "a.xml"
    file.write_text("<a/>")
    assert read_xml(file).child("b") is None
    assert read_xml(file).child_text("b") == ""


@pytest.mark.parametrize("text, line", [("<a>\n<b>\n</a>", 3), ("", 1), ("no xml", 1)])
def test_broken_xml_names_the_line(tmp_path, text, line):
    file = tmp_path / "a.xml"
    file.write_text(text)
    with pytest.raises(XmlError, match="not well-formed XML") as caught:
        read_xml(file)
    assert caught.value.line == line


def test_text_with_entities_arrives_whole(tmp_path):
    file = tmp_path / "a.xml"
    file.write_text("<a><b>cats &amp; dogs</b></a>")
    assert read_xml(file).child_text("b") == "cats & dogs"


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "gb18030", "Shift_JIS", "utf-8", "utf-16", "iso-8859-1"])
def test_text_is_read_in_the_encoding_that_is_declared(tmp_path, encoding):
    text = "é" if encoding == "iso-8859-1" else "犬"  # a character of all the others
    file = tmp_path / "a.xml"
    file.write_bytes(f"<?xml version='1.0' encoding='{encoding}'?>\n<a>\n<b>{text}</b></a>".encode(encoding))
    root = read_xml(file)
    assert root.child_text("b") == text and (root.line, root.child("b").line) == (2, 3)


def test_the_first_bytes_count_for_more_than_what_is_declared(tmp_path):
    file = tmp_path / "a.xml"
    file.write_bytes(codecs.BOM_UTF8 + '<?xml version="1.0" encoding="gb2312"?><a><b>犬</b></a>'.encode())
    assert read_xml(file).child_text("b") == "犬"


@pytest.mark.parametrize(
    "encoding, written_in, message",
    [
        ("cp-xyz", "ascii", "the encoding that it declares, 'cp-xyz', is unknown"),
        ("rot13", "ascii", "the encoding that it declares, 'rot13', is unknown"),
        ("undefined", "ascii", "the encoding that it declares, 'undefined', is unknown"),
        ("cp-xyz", "utf-16", "the encoding that it declares is unknown"),
    ],
)
def test_an_unknown_encoding_names_the_first_line(tmp_path, encoding, written_in, message):
    file = tmp_path / "a.xml"
    file.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>\n<a/>'.encode(written_in))
    with pytest.raises(XmlError) as caught:
        read_xml(file)
    assert (str(caught.value), caught.value.line) == (message, 1)


@pytest.mark.parametrize(
    ("rest", "message"),
    [(b"<a>\n<b>\xff</b></a>", "not text in the encoding gb2312"), (b"<a>\n", "not well-formed XML")],
)
def test_a_fault_in_another_encoding_names_its_line(tmp_path, rest, message):
    file = tmp_path / "a.xml"
    file.write_bytes(b'<?xml version="1.0" encoding="gb2312"?>\n' + rest)
    with pytest.raises(XmlError, match=message) as caught:
        read_xml(file)
    assert caught.value.line == 3
