"""XML as a small tree that remembers lines, so that a fault can name the line it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat


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
    """Root element of an XML file.

    Raises:
        XmlError: If the file is not well-formed XML.
        OSError: If the file cannot be opened.
    """
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
    try:
        parser.Parse(Path(path).read_bytes(), True)
    except expat.ExpatError as error:
        raise XmlError(f"not well-formed XML ({expat.ErrorString(error.code)})", error.lineno) from error
    return top.children[0]
