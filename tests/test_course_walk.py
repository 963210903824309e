"""docs/course.md: every snippet prints what stands below it, and every name and file on the page exists."""

import contextlib
import importlib
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "course.md").read_text()
SECTIONS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]


class Snippet(NamedTuple):
    """A block of Python and the block of text after it."""

    name: str
    code: str
    output: str


def snippets_of(section: str) -> list[Snippet]:
    """Snippets without an output print nothing, which no snippet does: they fail."""
    title = section.partition("\n")[0]
    pairs = re.findall(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", section, re.MULTILINE | re.DOTALL)
    return [Snippet(f"{title} {number}", *pair) for number, pair in enumerate(pairs, 1)]


def printed_by(code: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "docs/course.md", "exec"), {"__name__": "snippet"})
    return output.getvalue()


@pytest.mark.parametrize("snippet", [s for section in SECTIONS for s in snippets_of(section)], ids=lambda s: s.name)
def test_a_snippet_prints_what_the_page_says(snippet, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert printed_by(snippet.code) == snippet.output


def test_every_section_has_a_snippet_and_every_snippet_a_section():
    assert [section.partition("\n")[0] for section in SECTIONS if not snippets_of(section)] == []
    assert sum(len(snippets_of(section)) for section in SECTIONS) == PAGE.count("```python")


def test_modules_functions_and_files_that_the_page_names_exist():
    for name in set(re.findall(r"`((?:cnn_suite|models)\.[\w.]+)`", PAGE)):
        name = name if name.startswith("cnn_suite") else f"cnn_suite.{name}"
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name
    files = re.findall(r"\b(?:configs|saved_models|apps|tests)/[\w.]+\w", PAGE) + re.findall(r"\]\((\w+\.md)\)", PAGE)
    assert [name for name in files if not ((ROOT / name).exists() or (ROOT / "docs" / name).exists())] == []
