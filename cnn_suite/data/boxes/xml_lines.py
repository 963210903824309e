"""XML as a small tree that remembers lines, so that a fault can name the line it stands on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

_DECLARED = re.compile(rb"""(\xef\xbb\xbf)?<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.-]+)""")


@dataclass
class Element:
    """One XML element: tag, line of its opening tag, text and children in order."""

    tag: str
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, tag: str) -> Element | None:
        """First direct child of that tag, or None."""
        return next((child for child in self.children if child.tag == tag), None)

    def child_text(self, tag: str) -> str:
        """Stripped text of the first direct child of that tag, empty if there is none."""
        child = self.child(tag)
        return "" if child is None else child.text.strip()


class XmlError(ValueError):
    """XML that cannot be parsed, with the line the parser stopped on."""

    def __init__(self, message: str, line: int) -> None:
        self.line = line
        super().__init__(message)


def read_xml(path: Path | str) -> Element:
    """Root element of an XML file, in whichever encoding that it declares and Python knows.

    Raises:
        XmlError: If the file is not well-formed XML, or its encoding is unknown or not the one it declares.
        OSError: If the file cannot be opened.
    """
    data = Path(path).read_bytes()
    try:
        try:
            return _root(data)
        except (LookupError, ValueError):  # expat's own encodings are few, and none of Chinese, Japanese or Korean
            return _root(_decoded(data))
    except expat.ExpatError as error:
        raise XmlError(f"not well-formed XML ({expat.ErrorString(error.code)})", error.lineno) from error


def _root(data: bytes | str) -> Element:
    """Root element; of a text, whatever encoding it declares."""
    parser = expat.ParserCreate()
    top = Element("", 0)
    stack = [top]

    def start(tag: str, _attributes: dict[str, str]) -> None:
        element = Element(tag, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def characters(text: str) -> None:
        stack[-1].text += text

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: stack.pop()
    parser.CharacterDataHandler = characters
    parser.Parse(data, True)
    return top.children[0]


def _decoded(data: bytes) -> str:
    """The text of a file whose encoding expat does not know; its first bytes count for more than what it declares."""
    declared = _DECLARED.match(data)
    if declared is None:
        raise XmlError("the encoding that it declares is unknown", 1)
    encoding = "utf-8-sig" if declared[1] else declared[2].decode()
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise XmlError(f"not text in the encoding {encoding} ({error.reason})", line) from error
    except (LookupError, UnicodeError) as error:
        raise XmlError(f"the encoding that it declares, {encoding!r}, is unknown", 1) from error
