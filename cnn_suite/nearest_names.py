"""What somebody may have meant by a name that nobody knows: hints for messages. Standard library only."""

import difflib
from collections.abc import Collection

MOST_ALIKE = 3


def nearest_names(name: str, known: Collection[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The known names that are most alike, the nearest first; none where none is alike.

    Args:
        name: What came.
        known: What there is.
        most: How many names at most.
        cutoff: How alike they must be at least, 0 for anything to 1 for the same (difflib's ratio).
    """
    return difflib.get_close_matches(name, known, n=most, cutoff=cutoff)


def did_you_mean(name: str, known: Collection[str], most: int = 1, cutoff: float = 0.6) -> str:
    """A sentence to follow another, " Did you mean 'a' or 'b'?"; empty where none is alike. See `nearest_names`."""
    near = nearest_names(name, known, most, cutoff)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def did_you_mean_or_all(name: str, known: Collection[str]) -> str:
    """The same with up to three names, and where none is alike all that are known."""
    return did_you_mean(name, known, MOST_ALIKE) or f" Known: {', '.join(known)}."
