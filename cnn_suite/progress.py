"""A progress bar on stderr for work that goes through a list."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def shown(items: Sequence[Item], description: str, quiet: bool = False) -> Iterable[Item]:
    """The items, with a progress bar if it is visible: on a terminal, unless `quiet`."""
    if quiet or not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=description, console=Console(stderr=True), transient=True)
