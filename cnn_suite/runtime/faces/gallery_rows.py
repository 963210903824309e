"""The rows of a gallery's file in the words of the gallery: people, encodings and history, through its cipher.

Writing is only allowed inside `GalleryFile.changing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from cnn_suite.runtime.faces.gallery_encryption import Cipher
from cnn_suite.runtime.faces.gallery_file import GalleryFile
from cnn_suite.runtime.faces.gallery_records import (
    GalleryError,
    HistoryEntry,
    Person,
    StoredEncoding,
    checked_picture,
    quality_from_text,
    quality_text,
)


class GalleryRows:
    """Reads and writes the rows of one gallery.

    Args:
        file: The open file.
        cipher: How its values are kept.
        gallery: The gallery's own number, part of the place that a value is encrypted for.
        dimensions: Of an encoding.
    """

    def __init__(self, file: GalleryFile, cipher: Cipher, gallery: str, dimensions: int) -> None:
        self._file, self._cipher = file, cipher
        self._gallery, self._dimensions = gallery, dimensions

    def person_id(self, name: str) -> int | None:
        """The number of the person of that name; None if there is nobody."""
        found = self._file.rows("SELECT id FROM people WHERE lookup = ?", self._cipher.lookup(name))
        return int(found[0][0]) if found else None

    def known(self, name: str) -> int:
        """The number of the person of that name.

        Raises:
            GalleryError: If there is nobody.
        """
        person = self.person_id(name)
        if person is None:
            raise GalleryError(f"Nobody in the gallery is called {name!r}. Look at the list of its people.")
        return person

    def name_of_encoding(self, number: int) -> tuple[int, str]:
        """The number and name of the person whom an encoding belongs to.

        Raises:
            GalleryError: If there is no encoding of this number.
        """
        query = "SELECT p.id, p.name FROM encodings e JOIN people p ON p.id = e.person WHERE e.id = ?"
        found = self._file.rows(query, number)
        if not found:
            raise GalleryError(f"There is no encoding {number} in the gallery. Its records tell their numbers.")
        ((person, name),) = found
        return person, self._text(name, "people", person, "name")

    def people(self) -> list[Person]:
        """Everybody, in order of name."""
        found = self._file.rows(
            "SELECT p.id, p.name, p.created, COUNT(e.id), MAX(e.created) FROM people p JOIN encodings e "
            "ON e.person = p.id GROUP BY p.id"
        )
        people = [
            Person(self._text(name, "people", person, "name"), count, created, changed)
            for person, name, created, count, changed in found
        ]
        return sorted(people, key=lambda person: person.name)

    def encodings(self) -> tuple[np.ndarray, list[str]]:
        """All encodings as one matrix, and the name of each row."""
        with self._file.reading():
            found = self._file.rows("SELECT id, person, encoding FROM encodings ORDER BY id")
            named = self._file.rows("SELECT id, name FROM people")
        names = {person: self._text(name, "people", person, "name") for person, name in named}
        blobs = [self._open_up(blob, "encodings", number, "encoding") for number, _, blob in found]
        return self._matrix(blobs), [names[person] for _, person, _ in found]

    def records(self, person: int | None = None) -> list[StoredEncoding]:
        """Everything of every encoding, of one person or of all."""
        query = (
            "SELECT p.id, p.name, e.id, e.encoding, e.quality, e.source, e.created, e.picture FROM encodings e "
            "JOIN people p ON p.id = e.person WHERE ? IS NULL OR p.id = ? ORDER BY e.id"
        )
        return [self._record(*row) for row in self._file.rows(query, person, person)]

    def history(self) -> list[HistoryEntry]:
        """What was done, the first change first."""
        entries = []
        for number, time, action, *texts in self._file.rows("SELECT * FROM history ORDER BY id"):
            name, detail = (self._text(t, "history", number, c) for t, c in zip(texts, ("name", "detail")))
            entries.append(HistoryEntry(time, action, name, detail))
        return entries

    def add(self, name: str, records: Sequence[StoredEncoding]) -> list[int]:
        """Writes records under a name, which may be new; the numbers they got."""
        person = self.person_id(name)
        if person is None:
            (person,) = self._file.new_ids(1)
            self._put_person(person, name, min(record.created for record in records))
        numbers = list(self._file.new_ids(len(records)))
        for number, record in zip(numbers, records, strict=True):
            picture = checked_picture(record.picture)
            columns = {
                "encoding": record.encoding.astype("<f4").tobytes(),
                "quality": quality_text(record.quality).encode(),
                "source": record.source.encode(errors="replace"),
            }
            closed = [self._close_up(data, "encodings", number, column) for column, data in columns.items()]
            kept = None if picture is None else self._close_up(picture, "encodings", number, "picture")
            self._file.put("encodings", number, person, *closed, record.created, kept)
        return numbers

    def rename(self, person: int, name: str) -> None:
        """Gives a person another name."""
        ((created,),) = self._file.rows("SELECT created FROM people WHERE id = ?", person)
        self._put_person(person, name, created)

    def remove(self, person: int, number: int | None = None) -> int:
        """Removes one encoding of a person, or all; with the last one the person. How many went."""
        query = "SELECT id FROM encodings WHERE person = ? AND (? IS NULL OR id = ?)"
        numbers = self._file.rows(query, person, number, number)
        for (encoding,) in numbers:
            self._file.delete("encodings", encoding)
        if not self._file.rows("SELECT 1 FROM encodings WHERE person = ? LIMIT 1", person):
            self._file.delete("people", person)
        return len(numbers)

    def note(self, action: str, name: str, detail: str) -> None:
        """Writes one line of history."""
        (number,) = self._file.new_ids(1)
        texts = {"name": name, "detail": detail}
        closed = [self._close_up(text.encode(), "history", number, column) for column, text in texts.items()]
        self._file.put("history", number, now(), action, *closed)

    def _put_person(self, person: int, name: str, created: str) -> None:
        closed = self._close_up(name.encode(), "people", person, "name")
        self._file.put("people", person, self._cipher.lookup(name), closed, created)

    def _record(
        self,
        person: int,
        name: bytes,
        number: int,
        encoding: bytes,
        quality: bytes,
        source: bytes,
        created: str,
        picture: bytes | None,
    ) -> StoredEncoding:
        try:
            figures = quality_from_text(self._text(quality, "encodings", number, "quality"))
        except ValueError as error:
            raise GalleryError(f"The gallery is damaged: quality of encoding {number}: {error}") from error
        return StoredEncoding(
            id=number,
            name=self._text(name, "people", person, "name"),
            encoding=self._matrix([self._open_up(encoding, "encodings", number, "encoding")])[0],
            quality=figures,
            source=self._text(source, "encodings", number, "source"),
            created=created,
            picture=None if picture is None else self._open_up(picture, "encodings", number, "picture"),
        )

    def _matrix(self, blobs: list[bytes]) -> np.ndarray:
        if any(len(blob) != 4 * self._dimensions for blob in blobs):
            raise GalleryError(f"The gallery is damaged: an encoding has not {self._dimensions} numbers.")
        matrix = np.frombuffer(b"".join(blobs), "<f4").astype(np.float32).reshape(-1, self._dimensions)
        if not np.isfinite(matrix).all():
            raise GalleryError("The gallery is damaged: an encoding is not finite.")
        return matrix

    def _text(self, data: bytes, table: str, number: int, column: str) -> str:
        try:
            return self._open_up(data, table, number, column).decode()
        except UnicodeError as error:
            raise GalleryError(f"The gallery is damaged: {table} {number} {column} is no text.") from error

    def _open_up(self, data: bytes, table: str, number: int, column: str) -> bytes:
        return self._cipher.open_up(data, f"{self._gallery}/{table}/{number}/{column}")

    def _close_up(self, data: bytes, table: str, number: int, column: str) -> bytes:
        return self._cipher.close_up(data, f"{self._gallery}/{table}/{number}/{column}")


def counted(encodings: int) -> str:
    """How many encodings, in words."""
    return f"{encodings} encoding{'' if encodings == 1 else 's'}"


def now() -> str:
    """The present time as a gallery writes it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
