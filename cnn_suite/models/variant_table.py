"""Variants of an architecture are rows of a table: the row by its name."""

from collections.abc import Mapping
from typing import TypeVar

Row = TypeVar("Row")


def variant_row(table: Mapping[str, Row], variant: str, builder: str) -> Row:
    """The row of a variant.

    Args:
        table: Rows by name.
        variant: Name of a row.
        builder: Name of the builder, for the message.

    Returns:
        The row.

    Raises:
        ValueError: If the row does not exist.
    """
    if variant not in table:
        raise ValueError(f"`variant` of {builder} must be one of {', '.join(table)}. Received {variant!r}.")
    return table[variant]
