"""A gallery's people as one plain file, .npz or .json, for other programs and other galleries.

A row an encoding: `names`, `encodings` float32 `(n, dimensions)`, `sources`, `created`, `quality` (JSON texts in
.npz), and for the whole `fingerprint` of the model and `dimensions`. Pictures and the history stay behind. The file is
not encrypted, whatever the gallery is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.runtime.faces.gallery_records import (
    GalleryError,
    StoredEncoding,
    checked_encodings,
    checked_name,
    quality_from_text,
    quality_text,
)
from cnn_suite.runtime.faces.private_file import private_file

FORMAT = "cnn_suite gallery export 1"
_COLUMNS = ("names", "sources", "created", "quality")


def write_export(
    records: Sequence[StoredEncoding], path: str | os.PathLike[str], *, fingerprint: str, dimensions: int
) -> None:
    """Writes people into a file, whole or not at all; the file is readable by its owner alone.

    Args:
        records: The encodings.
        path: The file, which ends in .npz or .json; one that exists is replaced.
        fingerprint: Of the model they came from.
        dimensions: Of an encoding.

    Raises:
        GalleryError: If the file's name ends otherwise.
    """
    path = Path(path)
    ending = _ending(path)
    columns: dict[str, Any] = {
        "names": [record.name for record in records],
        "sources": [record.source for record in records],
        "created": [record.created for record in records],
        "quality": [quality_text(record.quality) for record in records],
    }
    matrix = np.array([record.encoding for record in records], np.float32).reshape(-1, dimensions)
    whole: dict[str, Any] = {"format": FORMAT, "fingerprint": fingerprint, "dimensions": dimensions}
    with private_file(path) as file:
        if ending == ".npz":
            texts = {name: np.array(column, np.str_) for name, column in columns.items()}
            np.savez(file, allow_pickle=False, encodings=matrix, **texts, **whole)
        else:
            columns["quality"] = [json.loads(text) for text in columns["quality"]]
            text = json.dumps(whole | columns | {"encodings": matrix.tolist()}, ensure_ascii=False, indent=1)
            file.write(text.encode())


def read_export(path: str | os.PathLike[str], *, fingerprint: str, dimensions: int) -> list[StoredEncoding]:
    """The encodings in a file that `write_export` wrote.

    Args:
        path: The file.
        fingerprint: Of the model that the encodings must come from.
        dimensions: That they must have.

    Raises:
        FileNotFoundError: If there is no such file.
        GalleryError: If it is none of ours, damaged, of another model, or holds what no gallery takes.
    """
    path = Path(path)
    ending = _ending(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} with an exported gallery.")
    try:
        values = _npz(path) if ending == ".npz" else _json(path)
    except Exception as error:  # zlib, struct, zipfile, json and numpy have no common ancestor for damage
        raise GalleryError(f"{path} is no exported gallery, or damaged: {error!r:.200}.") from error
    if values["format"] != FORMAT:
        kind = f"{values['format']!r:.60}"
        raise GalleryError(f"{path} is no exported gallery. Expected format {FORMAT!r}. Received {kind}.")
    refuse_another_model(str(path), str(values["fingerprint"]), fingerprint)
    return _records(path, values, dimensions)


def refuse_another_model(what: str, theirs: str, ours: str) -> None:
    """Stops where encodings of two models would meet.

    Raises:
        GalleryError: If the fingerprints differ.
    """
    if theirs != ours:
        raise GalleryError(
            f"{what} was made with another model: its fingerprint is {theirs[:12]}…, that of the model in use is "
            f"{ours[:12]}…. Encodings of two models cannot be compared: use the model it was made with, or enrol the "
            "people anew into another gallery."
        )


def _ending(path: Path) -> str:
    if path.suffix.lower() not in (".npz", ".json"):
        raise GalleryError(f"An exported gallery's file must end in .npz or .json. Received {path.name!r}.")
    return path.suffix.lower()


def _npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        values: dict[str, Any] = {name: archive[name].tolist() for name in ("format", "fingerprint", *_COLUMNS)}
        values["encodings"] = archive["encodings"]
    values["quality"] = [quality_from_text(text) for text in values["quality"]]
    return values


def _json(path: Path) -> dict[str, Any]:
    whole = json.loads(path.read_bytes())
    values = {name: whole[name] for name in ("format", "fingerprint", *_COLUMNS)}
    values["quality"] = [quality_from_text(quality_text(quality)) for quality in values["quality"]]
    values["encodings"] = np.array(whole["encodings"], np.float32)
    return values


def _records(path: Path, values: dict[str, Any], dimensions: int) -> list[StoredEncoding]:
    columns = [values[name] for name in _COLUMNS]
    counts = {len(column) if isinstance(column, list) else -1 for column in (*columns, list(values["encodings"]))}
    if len(counts) != 1 or not all(isinstance(text, str) for column in columns[:3] for text in column):
        raise GalleryError(f"{path} is damaged: its columns must be texts and as many as there are encodings.")
    if counts == {0}:
        return []
    matrix = checked_encodings(values["encodings"], dimensions)
    for time in values["created"]:
        _check_time(path, time)
    return [
        StoredEncoding(0, checked_name(name), encoding, quality, source, created)
        for name, source, created, quality, encoding in zip(*columns, matrix, strict=True)
    ]


def _check_time(path: Path, time: str) -> None:
    try:
        datetime.fromisoformat(time)
    except ValueError as error:
        raise GalleryError(f"{path} is damaged: {time!r:.60} is no time of ISO 8601.") from error
