"""The enrolled people: one SQLite file with their encodings, what is known of each, and what was done when.

    with Gallery("people.gallery", fingerprint=model.fingerprint, dimensions=128, create=True) as gallery:
        gallery.enrol("Ada", encodings)
        matrix, names = gallery.encodings()

Encodings of two models cannot be compared, so a gallery names the model it was made with and refuses any other.
Pictures stay out of it unless they are given. Every change is one transaction: it is there whole, or, after a kill or
a power cut, not at all; several programs may use one gallery at once. Opening reads the whole file, so that a damaged
one is refused before it tells anybody who somebody is (some seconds for a million encodings, nothing to notice for
ten thousand).

With a passphrase everything personal is encrypted (see gallery_encryption.py). Losing it loses the gallery.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from cnn_suite.runtime.faces.gallery_encryption import (
    Cipher,
    NoCipher,
    changed_key_block,
    new_key_block,
    open_key_block,
    require_library,
)
from cnn_suite.runtime.faces.gallery_exchange import read_export, refuse_another_model, write_export
from cnn_suite.runtime.faces.gallery_file import GalleryFile
from cnn_suite.runtime.faces.gallery_merge import Clashes, merge_records
from cnn_suite.runtime.faces.gallery_records import (
    GalleryError,
    HistoryEntry,
    Person,
    StoredEncoding,
    checked_encodings,
    checked_name,
)
from cnn_suite.runtime.faces.gallery_rows import GalleryRows, counted, now

_MOST_DIMENSIONS = 65536


class Gallery:
    """An open gallery. Threads may share one, processes may open the same file.

    Args:
        path: The file.
        fingerprint: Of the model that makes the encodings: a text, as sha256 of the model and its preprocessing.
        dimensions: Of an encoding.
        passphrase: Opens an encrypted gallery, or makes a new one encrypted.
        create: Make the gallery where there is none.

    Raises:
        FileNotFoundError: If there is no such file and none is to be made.
        GalleryError: If the file is no gallery, damaged, of a newer version, of another model or dimension, locked, or
            the passphrase is wrong, missing or not needed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fingerprint: str,
        dimensions: int,
        passphrase: str | None = None,
        create: bool = False,
    ) -> None:
        if not fingerprint or not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(
                f"`fingerprint` must be a text and `dimensions` 1 to {_MOST_DIMENSIONS}. "
                f"Received {fingerprint!r} and {dimensions}."
            )
        if passphrase == "":
            raise GalleryError("The passphrase is empty. Give a longer one, or None for a gallery without encryption.")
        if passphrase is not None:
            require_library()  # before a file is made
        self.fingerprint, self.dimensions = fingerprint, dimensions
        self._passphrase = passphrase
        self._made: tuple[bytes, Cipher] | None = None
        self._cipher: Cipher = NoCipher()
        self._file = GalleryFile(path, new=self._new if create else None, seal_key=self._unlock)
        try:
            self._refuse_other_model(self._file.about)
        except BaseException:
            self.close()
            raise
        gallery = self._file.about.get("gallery", b"").decode(errors="replace")
        self._rows = GalleryRows(self._file, self._cipher, gallery, dimensions)

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._file.rows("SELECT COUNT(*) FROM people")[0][0])

    def __contains__(self, name: str) -> bool:
        return self._rows.person_id(checked_name(name)) is not None

    @property
    def path(self) -> Path:
        """The gallery's file."""
        return self._file.path

    @property
    def encrypted(self) -> bool:
        """Whether it needs a passphrase."""
        return not isinstance(self._cipher, NoCipher)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def enrol(
        self,
        name: str,
        encodings: np.ndarray,
        *,
        quality: Sequence[Mapping[str, float]] | None = None,
        sources: Sequence[str] | None = None,
        pictures: Sequence[bytes | None] | None = None,
    ) -> list[int]:
        """Adds encodings to a person, who is new or known already; all of them or none.

        Args:
            name: The person's; trimmed, one line, at most 100 characters.
            encodings: Float `(n, dimensions)` of unit length, or one alone.
            quality: Figures of each picture by name.
            sources: Where each came from.
            pictures: JPEG of each; none are kept without it.

        Returns:
            The numbers of the new encodings.

        Raises:
            GalleryError: If a name, encoding, figure or picture is not as it must be, or the file cannot be written.
        """
        name, time = checked_name(name), now()
        rows = checked_encodings(encodings, self.dimensions)
        columns = {
            "quality": [{}] * len(rows) if quality is None else quality,
            "sources": [""] * len(rows) if sources is None else sources,
            "pictures": [None] * len(rows) if pictures is None else pictures,
        }
        for column, values in columns.items():
            if isinstance(values, str | Mapping) or len(values) != len(rows):
                kind = f"{type(values).__name__} of {len(values)}"
                raise GalleryError(f"`{column}` must be a list of {len(rows)}, one an encoding. Received a {kind}.")
        records = [
            StoredEncoding(0, name, row, of_it, source, time, picture)
            for row, of_it, source, picture in zip(rows, *columns.values(), strict=True)
        ]
        with self._file.changing():
            numbers = self._rows.add(name, records)
            self._rows.note("enrol", name, counted(len(records)))
        return numbers

    def rename(self, old: str, new: str) -> None:
        """Gives a person another name.

        Raises:
            GalleryError: If nobody has the old name, or somebody has the new one.
        """
        old, new = checked_name(old), checked_name(new)
        with self._file.changing():
            person = self._rows.known(old)
            if new != old and self._rows.person_id(new) is not None:
                raise GalleryError(
                    f"There is already somebody called {new!r}. Choose another name or remove one first."
                )
            self._rows.rename(person, new)
            self._rows.note("rename", new, f"was {old}")

    def remove(self, name: str) -> int:
        """Removes a person with all encodings, whose bytes in the file are overwritten; the history keeps the name.

        Returns:
            How many encodings went.

        Raises:
            GalleryError: If nobody has the name.
        """
        name = checked_name(name)
        with self._file.changing():
            count = self._rows.remove(self._rows.known(name))
            self._rows.note("remove", name, counted(count))
        return count

    def remove_encoding(self, number: int) -> None:
        """Removes one encoding; a person's last one takes the person along.

        Raises:
            GalleryError: If there is no encoding of this number.
        """
        with self._file.changing():
            person, name = self._rows.name_of_encoding(number)
            self._rows.remove(person, number)
            self._rows.note("remove encoding", name, str(number))

    def people(self) -> list[Person]:
        """Everybody enrolled, in order of name."""
        return self._rows.people()

    def encodings(self) -> tuple[np.ndarray, list[str]]:
        """All encodings as one matrix, read at one moment.

        Returns:
            Float32 `(n, dimensions)` in order of enrolment, and the name that belongs to each row.
        """
        return self._rows.encodings()

    def records(self, name: str | None = None) -> list[StoredEncoding]:
        """Every encoding with its number, quality, source, time and picture, of one person or of all.

        Raises:
            GalleryError: If nobody has the name.
        """
        return self._rows.records(None if name is None else self._rows.known(checked_name(name)))

    def history(self) -> list[HistoryEntry]:
        """What was done, the first change first."""
        return self._rows.history()

    def export(self, path: str | os.PathLike[str]) -> None:
        """Writes everybody into an .npz or .json file: not encrypted, without pictures and history."""
        write_export(self.records(), path, fingerprint=self.fingerprint, dimensions=self.dimensions)

    def import_file(self, path: str | os.PathLike[str], *, clashes: Clashes = "refuse") -> int:
        """Adds everybody of an exported file; see `merge`."""
        records = read_export(path, fingerprint=self.fingerprint, dimensions=self.dimensions)
        with self._file.changing():
            return merge_records(self._rows, records, clashes=clashes, source=Path(path).name)

    def merge(self, other: Gallery, *, clashes: Clashes = "refuse") -> int:
        """Adds everybody of another gallery, pictures too, in one transaction.

        Args:
            other: A gallery of the same model.
            clashes: What to do with a name that both have: "refuse" the whole merge, "join" both to one person, whose
                encodings that are the same number by number are kept once, or "number" the newcomer, as "Ada (2)".

        Returns:
            How many encodings were added.

        Raises:
            GalleryError: If names clash and that is refused, or the other gallery is of another model or this one.
            ValueError: If the rule is unknown.
        """
        if self.path.exists() and other.path.exists() and self.path.samefile(other.path):
            raise GalleryError(f"A gallery cannot be merged with itself. Received {other.path} twice.")
        refuse_another_model(f"The gallery {other.path}", other.fingerprint, self.fingerprint)
        records = other.records()
        with self._file.changing():
            return merge_records(self._rows, records, clashes=clashes, source=other.path.name)

    def change_passphrase(self, new: str) -> None:
        """Another passphrase for an encrypted gallery; older copies of the file keep the old one.

        Raises:
            GalleryError: If the gallery is not encrypted, or the new passphrase is empty.
        """
        if self._passphrase is None or not self.encrypted:
            raise GalleryError("This gallery is not encrypted. Make an encrypted one and merge this one into it.")
        if not new:
            raise GalleryError("The new passphrase is empty. Give a longer one.")
        with self._file.changing():
            ((block,),) = self._file.rows("SELECT value FROM about WHERE key = 'cipher'")
            self._file.put("about", "cipher", changed_key_block(block, self._passphrase, new))
            self._rows.note("change passphrase", "", "")
        self._passphrase = new

    def _new(self) -> dict[str, bytes]:
        """What a new gallery says about itself."""
        about = {
            "gallery": secrets.token_hex(16).encode(),
            "fingerprint": self.fingerprint.encode(),
            "dimensions": str(self.dimensions).encode(),
            "created": now().encode(),
        }
        if self._passphrase is None:
            return about
        self._made = new_key_block(self._passphrase)
        return about | {"cipher": self._made[0]}

    def _unlock(self, about: Mapping[str, bytes]) -> bytes:
        """Finds the cipher of the gallery; the key of its seal."""
        block = about.get("cipher")
        if block is None and self._passphrase is not None:
            raise GalleryError(
                "This gallery is not encrypted. Open it without a passphrase, or merge it into an encrypted one."
            )
        if block is not None and self._passphrase is None:
            raise GalleryError("This gallery is encrypted. Give its passphrase.")
        if block is None or self._passphrase is None:
            self._cipher = NoCipher()
        elif self._made is not None and self._made[0] == block:  # just made here: scrypt need not run again
            self._cipher = self._made[1]
        else:
            self._cipher = open_key_block(block, self._passphrase)
        return self._cipher.seal_key

    def _refuse_other_model(self, about: Mapping[str, bytes]) -> None:
        fingerprint = about.get("fingerprint", b"").decode(errors="replace")
        refuse_another_model(f"The gallery {self.path}", fingerprint, self.fingerprint)
        theirs = about.get("dimensions", b"").decode(errors="replace")
        if theirs != str(self.dimensions):
            raise GalleryError(
                f"The gallery {self.path} holds encodings of {theirs} numbers. Received `dimensions` "
                f"{self.dimensions}: use the model that the gallery was made with."
            )
