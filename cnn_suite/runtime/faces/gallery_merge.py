"""People of another gallery added to one, with a named rule for the names that both have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from cnn_suite.runtime.faces.gallery_records import LONGEST_NAME, GalleryError, StoredEncoding, checked_name
from cnn_suite.runtime.faces.gallery_rows import GalleryRows, counted

Clashes = Literal["refuse", "join", "number"]


def merge_records(rows: GalleryRows, records: Iterable[StoredEncoding], *, clashes: str, source: str) -> int:
    """Writes records of another gallery; inside a transaction, which an error undoes.

    Args:
        rows: Of the gallery that they go into.
        records: What the other gallery holds.
        clashes: "refuse" any common name, "join" the encodings of both to one person, those that are the same number by
            number once, or "number" the newcomer, as "Ada (2)".
        source: The other gallery's name, for the history.

    Returns:
        How many encodings were added.

    Raises:
        GalleryError: If there are common names and they are refused.
        ValueError: If the rule is unknown.
    """
    if clashes not in get_args(Clashes):
        rules = ", ".join(map(repr, get_args(Clashes)))
        raise ValueError(f"`clashes` must be one of {rules}. Received {clashes!r}.")
    people: dict[str, list[StoredEncoding]] = {}
    for record in records:
        people.setdefault(record.name, []).append(record)
    taken = {name for name in people if rows.person_id(name) is not None}
    if taken and clashes == "refuse":
        some = ", ".join(sorted(taken)[:5]) + ("…" if len(taken) > 5 else "")
        raise GalleryError(
            f"{len(taken)} of the names are in both galleries: {some}. Nothing was added. Join them as the same people "
            "or number the newcomers: `clashes` 'join' or 'number'."
        )
    added = 0
    for name, theirs in people.items():
        target = _numbered(rows, name, set(people)) if name in taken and clashes == "number" else name
        fresh = _unknown(rows, name, theirs) if name in taken and clashes == "join" else theirs
        if fresh:
            added += len(rows.add(target, fresh))
            rows.note("merge", target, f"{counted(len(fresh))} from {source}")
    return added


def _numbered(rows: GalleryRows, name: str, reserved: set[str]) -> str:
    """The name with the first number that makes it free in both galleries."""
    number = 2
    while True:
        ending = f" ({number})"
        tried = checked_name(name[: LONGEST_NAME - len(ending)] + ending)
        if tried not in reserved and rows.person_id(tried) is None:
            return tried
        number += 1


def _unknown(rows: GalleryRows, name: str, records: list[StoredEncoding]) -> list[StoredEncoding]:
    """Those of the records whose encoding the person does not have yet."""
    known = {record.encoding.tobytes() for record in rows.records(rows.known(name))}
    return [record for record in records if record.encoding.tobytes() not in known]
