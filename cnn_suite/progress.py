"""How far long work is: what is told of it, and a progress bar on stderr for work that goes through a list."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
OnProgress = Callable[[int, int], None]  # called with how much is done, and of how much


def shown(items: Sequence[Item], description: str, quiet: bool = False) -> Iterable[Item]:
    """The items, with a progress bar if it is visible: on a terminal, unless `quiet`."""
    if quiet or not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=description, console=Console(stderr=True), transient=True)
