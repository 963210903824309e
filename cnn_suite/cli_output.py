"""Output of the command line: results as JSON or text, short errors, a progress bar, and muted imports."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import typer

from cnn_suite.progress import OnProgress


@contextlib.contextmanager
def progress(description: str, quiet: bool) -> Iterator[OnProgress | None]:
    """Show a progress bar on stderr and yield the function that advances it, or None if it would not be visible."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def stdout_kept_clean(as_json: bool) -> contextlib.AbstractContextManager[Any]:
    """Redirect everything that libraries print to stderr, so that stdout holds only JSON."""
    return contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()


def show(result: Mapping[str, Any] | Sequence[Any], as_json: bool, text: Callable[[], str]) -> None:
    """Print a result as JSON or as readable text."""
    if as_json:
        print_json(result)
    else:
        print(text())


def print_json(result: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print a result as one JSON object, or a list of them, on one line."""
    print(json.dumps(jsonable(result), ensure_ascii=False, allow_nan=False))


def jsonable(value: Any) -> Any:
    """Convert paths, NumPy values and containers to plain JSON values; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return jsonable(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def as_lines(values: Mapping[str, Any], indent: str = "") -> str:
    """Format nested results as indented `name  value` lines."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}", as_lines(value, indent + "  ")]
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            lines.append(f"{indent}{name:<{max(1, 24 - len(indent))}} {shown}")
    return "\n".join(line for line in lines if line)


def in_three_lines(error: Exception, verb: str) -> str:
    """Return an error's text in at most three lines: the first two and the last, which says what to do."""
    if isinstance(error, typer.TyperException):
        text = f"{error.format_message()}\nRun `{verb} --help` for usage."
    elif isinstance(error, KeyError) and len(error.args) == 1:
        text = str(error.args[0])  # str() of a KeyError would show its text in quotation marks
    elif (isinstance(error, (ValueError, OSError, ImportError)) or _is_ours(error)) and str(error):
        text = str(error)
    else:
        text = f"{f'{type(error).__name__}: {error}'.rstrip(': .')}. Use `--debug` to show the traceback."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines if len(lines) <= 3 else [*lines[:2], lines[-1]])


def _is_ours(error: Exception) -> bool:
    """Tell whether an error is one of the project's own, whose message is written for users."""
    return type(error).__module__.startswith("cnn_suite.")
