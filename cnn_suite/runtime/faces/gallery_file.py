"""The SQLite file under a gallery: read only when it is whole, changed only in transactions.

One file is the truth. The journal is SQLite's rollback journal, a side file that lives only as long as a transaction
(a write-ahead log would stay beside the file, hold people that the file alone lacks, and be forgotten when it is
copied). A process killed inside a transaction leaves the journal behind and the next one to open rolls it back.

SQLite has no checksums: a flipped bit inside an encoding would be another encoding. So the file carries a seal, the
exclusive or of a hash of every row, brought up to date in every transaction, and checked over the whole file when it
is opened, with SQLite's own `integrity_check` and the exact text of the schema (which also refuses foreign triggers
and views). What is removed is overwritten with zeros (`secure_delete`): a face cannot be read from a file it was
removed from.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cnn_suite.runtime.faces.gallery_records import GalleryError

APPLICATION_ID = int.from_bytes(b"cnnG", "big")  # in the header of the file, at byte 68
FORMAT_VERSION = 1  # SQLite's user_version, at byte 60
BUSY_TIMEOUT_S = 30.0
_SEAL, _NEXT_ID = "seal", "next_id"
_SEAL_BYTES = 16

# The first column is the key. What may be secret is a BLOB: the cipher's output where there is a passphrase.
_COLUMNS = {
    "about": ("key", "value"),
    "people": ("id", "lookup", "name", "created"),
    "encodings": ("id", "person", "encoding", "quality", "source", "created", "picture"),
    "history": ("id", "time", "action", "name", "detail"),
}
_SCHEMA = (
    "CREATE TABLE about (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, name BLOB NOT NULL,"
    " created TEXT NOT NULL)",
    "CREATE TABLE encodings (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id),"
    " encoding BLOB NOT NULL, quality BLOB NOT NULL, source BLOB NOT NULL, created TEXT NOT NULL, picture BLOB)",
    "CREATE INDEX encodings_by_person ON encodings (person)",
    "CREATE TABLE history (id INTEGER PRIMARY KEY, time TEXT NOT NULL, action TEXT NOT NULL, name BLOB NOT NULL,"
    " detail BLOB NOT NULL)",
)


class GalleryFile:
    """An open gallery file that was found whole. Threads may share it; they take turns.

    Args:
        path: The file.
        new: Values of the table `about` for a new file, called where there is none yet or an empty one; None to open
            only what exists.
        seal_key: Takes the values of `about` and gives the key of the seal, empty where there is no passphrase.

    Raises:
        FileNotFoundError: If there is no file, and `new` is None, or no folder for it.
        GalleryError: If the file is no gallery, damaged, of a newer version, or locked for too long.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        new: Callable[[], Mapping[str, bytes]] | None,
        seal_key: Callable[[Mapping[str, bytes]], bytes],
    ) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._seal_key, self._toggled = b"", 0
        _ready(self.path, create=new is not None)
        with self._explained():
            self._connection = _connected(self.path)
        try:
            # Empty too after whoever was making it was killed, once SQLite has undone the rest.
            if new is not None and not self.rows("PRAGMA page_count")[0][0]:
                self._create(new(), seal_key)
            with self.reading():
                self.about = self._checked(seal_key)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside the block is the file at one moment, whatever others write meanwhile."""
        with self._transaction("BEGIN"):
            yield

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """What is changed inside the block happens whole or, after an error or a kill, not at all."""
        with self._transaction("BEGIN IMMEDIATE"):
            self._toggled = 0
            yield
            (seal,) = self.rows("SELECT value FROM about WHERE key = ?", _SEAL)[0]
            changed = int.from_bytes(seal, "big") ^ self._toggled
            self._execute("UPDATE about SET value = ? WHERE key = ?", changed.to_bytes(_SEAL_BYTES, "big"), _SEAL)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock, self._explained():
            return self._connection.execute(query, values).fetchall()

    def put(self, table: str, *row: Any) -> None:
        """Writes a row, in place of the one with the same key; only inside `changing`."""
        key, *others = _COLUMNS[table]
        before = self.rows(f"SELECT * FROM {table} WHERE {key} = ?", row[0])
        if before:
            self._toggled ^= _row_hash(self._seal_key, table, before[0])
            changes = ", ".join(f"{column} = ?" for column in others)
            self._execute(f"UPDATE {table} SET {changes} WHERE {key} = ?", *row[1:], row[0])
        else:
            self._execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)
        self._toggled ^= _row_hash(self._seal_key, table, row)

    def delete(self, table: str, key: Any) -> None:
        """Removes the row with a key; only inside `changing`."""
        name = _COLUMNS[table][0]
        for row in self.rows(f"SELECT * FROM {table} WHERE {name} = ?", key):
            self._toggled ^= _row_hash(self._seal_key, table, row)
        self._execute(f"DELETE FROM {table} WHERE {name} = ?", key)

    def new_ids(self, count: int) -> range:
        """Numbers that no row of any table has or had; only inside `changing`."""
        first = int(self.rows("SELECT value FROM about WHERE key = ?", _NEXT_ID)[0][0])
        self.put("about", _NEXT_ID, str(first + count).encode())
        return range(first, first + count)

    def _execute(self, command: str, *values: Any) -> None:
        with self._explained():
            self._connection.execute(command, values)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._lock:
            self._execute(begin)
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _create(self, about: Mapping[str, bytes], seal_key: Callable[[Mapping[str, bytes]], bytes]) -> None:
        """Tables and values of a new file, unless another process was quicker."""
        with self._transaction("BEGIN IMMEDIATE"):
            if self.rows("SELECT COUNT(*) FROM sqlite_master")[0][0]:
                return
            if self.path.stat().st_size:  # SQLite takes less than 512 bytes of anything for an empty database
                raise GalleryError(f"{self.path} is not a gallery. It was left as it is.")
            for command in _SCHEMA:
                self._execute(command)
            self._execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            self._seal_key, self._toggled = seal_key(about), 0
            for key, value in {**about, _NEXT_ID: b"1"}.items():
                self.put("about", key, value)
            self._execute("INSERT INTO about VALUES (?, ?)", _SEAL, self._toggled.to_bytes(_SEAL_BYTES, "big"))

    def _checked(self, seal_key: Callable[[Mapping[str, bytes]], bytes]) -> dict[str, bytes]:
        """The values of `about`, after all has been looked at."""
        (application,), (version,) = (self.rows(f"PRAGMA {n}")[0] for n in ("application_id", "user_version"))
        if application != APPLICATION_ID:
            raise GalleryError(f"{self.path} is not a gallery: it is an SQLite file of another program, or damaged.")
        if version > FORMAT_VERSION:
            raise GalleryError(
                f"{self.path} has version {version} of the gallery format; this program knows up to {FORMAT_VERSION}. "
                "Update cnn_suite, or restore a backup if nothing newer wrote it."
            )
        if version != FORMAT_VERSION or self.rows("PRAGMA journal_mode")[0][0] != "delete":
            raise self._damaged("a value in its header is not one that a gallery has")
        if [sql for (sql,) in self.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")] != list(_SCHEMA):
            raise self._damaged("its tables are not those of a gallery")
        found = self.rows("PRAGMA integrity_check(1)")[0][0]
        if found != "ok":
            raise self._damaged(" ".join(str(found).split()))
        about = dict(self.rows("SELECT key, value FROM about"))
        if not all(isinstance(value, bytes) for value in about.values()) or not {_SEAL, _NEXT_ID} <= set(about):
            raise self._damaged("what it says about itself cannot be read")
        self._seal_key = seal_key(about)
        self._check_seal(about[_SEAL])
        return about

    def _check_seal(self, seal: bytes) -> None:
        total = 0
        with self._explained():
            for table in _COLUMNS:
                for row in self._connection.execute(f"SELECT * FROM {table}"):
                    total ^= 0 if row[0] == _SEAL else _row_hash(self._seal_key, table, row)
        if seal != total.to_bytes(_SEAL_BYTES, "big"):
            raise self._damaged("its contents do not fit its seal")

    def _damaged(self, how: str) -> GalleryError:
        return GalleryError(
            f"The gallery {self.path} is damaged: {how:.200}. It was left as it is; restore a backup, or enrol anew."
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors in the words of a gallery's user."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._in_words(error) from error
        except (UnicodeError, OverflowError, MemoryError) as error:  # lengths and texts of a damaged file
            raise self._damaged(f"{type(error).__name__} {error}") from error

    def _in_words(self, error: sqlite3.Error) -> GalleryError:
        code = getattr(error, "sqlite_errorcode", -1) & 0xFF  # the rest of the number tells kinds of one error apart
        reasons = {
            sqlite3.SQLITE_BUSY: f"is in use: another program kept it locked for {BUSY_TIMEOUT_S:g} s. Close that one",
            sqlite3.SQLITE_READONLY: "cannot be changed: the file or its folder is write-protected",
            sqlite3.SQLITE_FULL: "cannot be changed: the disk is full. It is as it was before",
            sqlite3.SQLITE_IOERR: f"cannot be read or written: {error}",
            sqlite3.SQLITE_CANTOPEN: f"cannot be opened: {error}",
        }
        if code in reasons:
            return GalleryError(f"The gallery {self.path} {reasons[code]}.")
        if code == sqlite3.SQLITE_NOTADB:
            return GalleryError(f"{self.path} is not a gallery, or its beginning is damaged: {error}.")
        if isinstance(error, sqlite3.ProgrammingError):
            return GalleryError(f"The gallery {self.path} is closed. Open it again.")
        return self._damaged(str(error))


def _ready(path: Path, *, create: bool) -> None:
    """Makes the empty file, readable by its owner alone, or says what is missing."""
    if path.is_dir():
        raise GalleryError(f"{path} is a folder. Expected the file of a gallery.")
    if create and not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for the gallery {path.name}.")
    if create:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    elif not path.is_file():
        raise FileNotFoundError(f"There is no gallery {path}. Enrol somebody first, or ask for a new one.")


def _connected(path: Path) -> sqlite3.Connection:
    # mode=rw: never makes a file by itself.
    connection = sqlite3.connect(
        path.resolve().as_uri() + "?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("PRAGMA synchronous = FULL")  # a change outlives a power cut once it is reported as done
    except BaseException:
        connection.close()
        raise
    return connection


def _row_hash(key: bytes, table: str, row: tuple[Any, ...]) -> int:
    """A number that changes with any value of the row, with their types, and with the table."""
    parts = [table.encode()]
    for value in row:
        data = value if isinstance(value, bytes) else repr(value).encode()
        parts += (b"%d%c" % (len(data), b"b" if isinstance(value, bytes) else b"r"), data)
    return int.from_bytes(hashlib.blake2b(b"\0".join(parts), digest_size=_SEAL_BYTES, key=key).digest(), "big")
