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
