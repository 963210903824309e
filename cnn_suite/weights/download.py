"""Download of a file of known size and digest: resumable, and verified before it becomes visible.

The bytes go into `<file>.part` beside the destination. Only a file with the right digest is moved to its place, in one
step, so that the destination holds the whole file or nothing. A lock next to it makes processes take turns; the second
finds the first one's file. Range and If-Range requests are those of RFC 9110, sections 13.1.5 and 14.2.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from cnn_suite.known_weights import RemoteFile
from cnn_suite.progress import OnProgress

CHUNK = 1 << 16
TIMEOUT_S = (10.0, 30.0)  # to connect; between two pieces
ATTEMPTS = 4
_GIVEN_UP = (400, 401, 403, 404, 405, 410, 451)  # what a server will say again


class DownloadError(RuntimeError):
    """A file could not be downloaded, or is not the expected one."""


class UnreachableError(DownloadError):
    """Nothing, or not all, came from the address: the file may still be fetched in another way."""


class _Interrupted(Exception):
    """One attempt failed in a way that another may not."""


def download(
    file: RemoteFile,
    destination: Path,
    *,
    on_progress: OnProgress | None = None,
    attempts: int = ATTEMPTS,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    pause_s: float = 0.5,
) -> Path:
    """Downloads a file unless it already exists.

    A download that broke off continues where it stopped, also when its process was killed. Proxies are taken from the
    environment, as `requests` reads it.

    Args:
        file: The file to download.
        destination: Path to write to; folders are created.
        on_progress: Called with the bytes that are there and the bytes of the whole file.
        attempts: Number of attempts before giving up.
        timeout_s: Seconds to wait for a connection, and for the next piece.
        pause_s: Seconds before the second attempt; doubled for each one after it.

    Returns:
        `destination`.

    Raises:
        UnreachableError: If the server cannot be reached, rejects the request, or sends a file of another size.
        DownloadError: If the digest is wrong, or the file cannot be written.
    """
    with _turn(destination):
        if not is_whole(file, destination):
            part = destination.with_name(f"{destination.name}.part")
            resumed = part.exists()
            _fetch(file, part, on_progress, attempts, timeout_s, pause_s)
            if resumed and _digest(part, file) != file.digest:  # halves of two different files
                part.unlink()
                _fetch(file, part, on_progress, attempts, timeout_s, pause_s)
            _accept(file, part, destination, file.address)
            _tag_of(part).unlink(missing_ok=True)
    return destination


def take(file: RemoteFile, source: Path, destination: Path) -> Path:
    """Copies a file that was downloaded manually to its place, after the same checks.

    Args:
        file: The expected file.
        source: The local file, under any name.
        destination: Path to write to; folders are created.

    Returns:
        `destination`.

    Raises:
        DownloadError: If it is another file, or cannot be read or written.
    """
    with _turn(destination):
        if not is_whole(file, destination):
            copy = destination.with_name(f"{destination.name}.taken")
            try:
                size = source.stat().st_size
            except OSError as error:
                raise DownloadError(f"Cannot read {source}: {error.strerror}.") from error
            if size != file.bytes:
                raise DownloadError(f"{source} is not {file.name}: expected {file.bytes:,} bytes, received {size:,}.")
            try:
                shutil.copyfile(source, copy)
            except OSError:
                copy.unlink(missing_ok=True)
                raise
            _accept(file, copy, destination, str(source))
    return destination


def is_whole(file: RemoteFile, path: Path) -> bool:
    """Tells whether the file is in its place; what is there was checked before it came there."""
    return path.is_file() and path.stat().st_size == file.bytes


@contextmanager
def _turn(destination: Path) -> Iterator[None]:
    """Waits for other processes and turns the disk's faults into one line."""
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(destination.with_name(f"{destination.name}.lock")):
            yield
    except OSError as error:
        raise DownloadError(
            f"Cannot write {destination.name} into {destination.parent}: {error.strerror or error}. Free some space or "
            "set another folder with the environment variable CNN_SUITE_HOME."
        ) from error


def _fetch(
    file: RemoteFile,
    part: Path,
    on_progress: OnProgress | None,
    attempts: int,
    timeout_s: tuple[float, float],
    pause_s: float,
) -> None:
    """Fills `part` with as many bytes as the file has."""
    reason = ""
    with requests.Session() as session:
        for attempt in range(attempts):
            if attempt:
                time.sleep(pause_s * 2 ** (attempt - 1))
            try:
                _append(file, part, session, on_progress, timeout_s)
                return
            except (_Interrupted, requests.RequestException) as error:
                reason = _reason(error)
    have = _size(part)
    kept = f" {have:,} of {file.bytes:,} bytes are kept for the next attempt." if have else ""
    raise UnreachableError(f"Cannot download {file.name} from {_host(file)}: {reason}.{kept}")


def _append(
    file: RemoteFile,
    part: Path,
    session: requests.Session,
    on_progress: OnProgress | None,
    timeout_s: tuple[float, float],
) -> None:
    """Asks once for what is missing and writes what comes."""
    have = _size(part)
    if have == file.bytes:
        return
    if have > file.bytes:
        part.unlink()
        have = 0
    with session.get(file.address, headers=_asking(part, have), stream=True, timeout=timeout_s) as answer:
        start = _start_of(answer, file, part, have)
        _tag_of(part).write_text(answer.headers.get("ETag", ""))
        with part.open("ab" if start else "wb") as out:
            done = start
            for chunk in answer.iter_content(CHUNK):
                done += len(chunk)
                if done > file.bytes:
                    part.unlink()
                    raise _another_size(file, "more")
                out.write(chunk)
                if on_progress:
                    on_progress(done, file.bytes)
    if done < file.bytes:
        raise _Interrupted(f"the connection ended after {done:,} of {file.bytes:,} bytes")


def _asking(part: Path, have: int) -> dict[str, str]:
    """The request's headers: unpacked bytes, from where the last attempt stopped if the file is still the same."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "cnn-suite"}
    if have:
        headers["Range"] = f"bytes={have}-"
        tag = _tag_of(part).read_text() if _tag_of(part).exists() else ""
        if tag.startswith('"'):  # a weak tag, W/"...", does not promise equal bytes
            headers["If-Range"] = tag
    return headers


def _start_of(answer: requests.Response, file: RemoteFile, part: Path, have: int) -> int:
    """The byte with which the answer begins; rejects an answer that cannot be the file."""
    status = answer.status_code
    if status == 416:  # nothing there to continue with
        part.unlink(missing_ok=True)
        raise _Interrupted("the server does not have this part of the file")
    if status in _GIVEN_UP:
        raise UnreachableError(f"Cannot download {file.name}: {_host(file)} answered {status} {answer.reason}.")
    if status not in (200, 206):
        raise _Interrupted(f"the server answered {status} {answer.reason}")
    start = have if status == 206 else 0
    if status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        part.unlink(missing_ok=True)
        raise _Interrupted("the server sent a different part from the one requested")
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and "Content-Encoding" not in answer.headers and start + int(announced) != file.bytes:
        if start:  # the file has changed; a page that stands in for it (a hotel's login) leaves what is there alone
            part.unlink()
        raise _another_size(file, f"{start + int(announced):,}")
    return start


def _another_size(file: RemoteFile, received: str) -> UnreachableError:
    return UnreachableError(
        f"{_host(file)} sent a different file from {file.name}: expected {file.bytes:,} bytes, received {received}."
    )


def _accept(file: RemoteFile, candidate: Path, destination: Path, origin: str) -> None:
    """Moves a file with the right digest to its place; removes any other."""
    received = _digest(candidate, file)
    if received != file.digest:
        candidate.unlink()
        raise DownloadError(
            f"{origin} is not {file.name}: its checksum is wrong. Nothing was kept.\n"
            f"Expected {file.digest},\nreceived {received}."
        )
    os.replace(candidate, destination)


def _digest(path: Path, file: RemoteFile) -> str:
    algorithm = file.digest.partition(":")[0]
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


def _host(file: RemoteFile) -> str:
    return urlsplit(file.address).netloc


def _tag_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """What went wrong, in a few words: the libraries' own texts are paragraphs."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "the connection timed out"
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error):
        return "the server stopped responding"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy is unreachable or refused the connection"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was interrupted"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the host is unreachable"
    return str(error)
