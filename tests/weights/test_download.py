"""Tests of cnn_suite.weights.download against a server on this machine; nothing here leaves it."""

import errno
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnn_suite.known_weights import RemoteFile
from cnn_suite.weights import download as module
from cnn_suite.weights.download import DownloadError, UnreachableError, download, take
from tests.file_server import TAG, FileServer

CONTENT = bytes(range(256)) * 2048  # 524,288 bytes: eight pieces of 65,536
OTHER = CONTENT[::-1]

_PROGRAM = """
import sys
from pathlib import Path
from cnn_suite.known_weights import RemoteFile
from cnn_suite.weights.download import download
address, digest, size, destination = sys.argv[1:]
download(RemoteFile("file.bin", address, digest, int(size)), Path(destination))
"""


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer(CONTENT)
    yield running
    running.close()


@pytest.fixture
def file(server: FileServer) -> RemoteFile:
    return RemoteFile("file.bin", server.address, sha256(CONTENT), len(CONTENT))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.bin"


def left_over(place: Path) -> set[str]:
    """What lies in the cache beside locks."""
    return {path.name for path in place.parent.iterdir() if path.suffix != ".lock"}


def in_a_process(file: RemoteFile, place: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _PROGRAM, file.address, file.digest, str(file.bytes), str(place)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


def test_a_file_is_fetched_whole_and_nothing_else_is_left(server: FileServer, file: RemoteFile, place: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert download(file, place, on_progress=lambda done, total: seen.append((done, total))) == place
    assert place.read_bytes() == CONTENT
    assert left_over(place) == {"file.bin"}
    assert seen == sorted(seen) and seen[-1] == (len(CONTENT), len(CONTENT)) and len(seen) > 2
    assert "Range" not in server.requests[0]


def test_a_file_in_its_place_is_not_fetched_again(server: FileServer, file: RemoteFile, place: Path) -> None:
    download(file, place)
    download(file, place)
    assert len(server.requests) == 1


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha384"])
def test_digests_of_other_publishers_are_understood(server: FileServer, place: Path, algorithm: str) -> None:
    digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    download(RemoteFile("file.bin", server.address, digest, len(CONTENT)), place)
    assert place.read_bytes() == CONTENT


def test_a_dropped_connection_is_taken_up_where_it_broke(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = ["drop", "drop"]
    download(file, place, pause_s=0)
    assert place.read_bytes() == CONTENT
    # half of 524,288; then half of the other half
    assert [request.get("Range") for request in server.requests] == [None, "bytes=262144-", "bytes=393216-"]
    assert server.requests[1]["If-Range"] == TAG


def test_a_later_call_takes_up_what_an_earlier_one_left(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = ["drop"]
    with pytest.raises(UnreachableError, match=r"262,144 of 524,288 bytes are kept for the next attempt\."):
        download(file, place, attempts=1)
    assert not place.exists()
    download(file, place)
    assert place.read_bytes() == CONTENT and server.requests[1]["Range"] == "bytes=262144-"


def test_a_server_that_cannot_resume_sends_it_from_the_start(
    server: FileServer, file: RemoteFile, place: Path
) -> None:
    server.faults = ["drop", "ignore_range"]
    download(file, place, pause_s=0)
    assert place.read_bytes() == CONTENT


def test_a_part_that_nobody_asked_for_is_thrown_away(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = ["drop", "other_part"]
    download(file, place, pause_s=0)
    assert place.read_bytes() == CONTENT and "Range" not in server.requests[2]


def test_a_file_that_changed_at_its_publisher_is_not_made_of_two_halves(
    server: FileServer, file: RemoteFile, place: Path
) -> None:
    server.content, server.tag, server.faults = OTHER, '"older"', ["drop"]
    with pytest.raises(UnreachableError):
        download(file, place, attempts=1)
    server.content, server.tag = CONTENT, TAG
    download(file, place)
    assert place.read_bytes() == CONTENT
    assert server.requests[1]["If-Range"] == '"older"'  # and the server answered with the whole file


def test_where_tags_do_not_tell_the_checksum_does_and_it_is_fetched_again(
    server: FileServer, file: RemoteFile, place: Path
) -> None:
    place.parent.mkdir(parents=True)
    place.with_name("file.bin.part").write_bytes(OTHER[:1000])
    download(file, place)
    assert place.read_bytes() == CONTENT
    assert [request.get("Range") for request in server.requests] == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [524_288, 600_000])
def test_a_wrong_leftover_of_full_length_or_more_is_replaced(
    server: FileServer, file: RemoteFile, place: Path, size: int
) -> None:
    place.parent.mkdir(parents=True)
    place.with_name("file.bin.part").write_bytes(bytes(size))
    download(file, place)
    assert place.read_bytes() == CONTENT and left_over(place) == {"file.bin"}


def test_a_whole_leftover_needs_no_request(server: FileServer, file: RemoteFile, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.with_name("file.bin.part").write_bytes(CONTENT)
    download(file, place)
    assert place.read_bytes() == CONTENT and server.requests == []


def test_a_wrong_checksum_leaves_nothing_and_says_both(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.content = OTHER
    with pytest.raises(DownloadError) as caught:
        download(file, place)
    said = str(caught.value).splitlines()
    assert "is not file.bin: its checksum is wrong. Nothing was kept." in said[0]
    assert said[1:] == [f"Expected {sha256(CONTENT)},", f"received {sha256(OTHER)}."]
    assert left_over(place) <= {"file.bin.part.etag"}


def test_another_size_is_refused_before_a_byte_is_written(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.content = CONTENT + b"x"
    with pytest.raises(UnreachableError, match=r"different file from file\.bin: expected 524,288 .* 524,289\."):
        download(file, place)
    assert left_over(place) == set() and len(server.requests) == 1


def test_a_page_that_stands_in_for_the_file_does_not_cost_what_was_fetched(
    server: FileServer, file: RemoteFile, place: Path
) -> None:
    place.parent.mkdir(parents=True)
    place.with_name("file.bin.part").write_bytes(CONTENT[:5000])
    server.content, server.faults = b"<html>Please log in</html>", ["ignore_range"]
    with pytest.raises(UnreachableError, match=r"received 26\."):
        download(file, place)
    server.content = CONTENT
    download(file, place)
    assert server.requests[1]["Range"] == "bytes=5000-"


def test_a_body_without_end_is_cut_at_the_known_size(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = ["long"]
    with pytest.raises(UnreachableError, match=r"expected 524,288 bytes, received more\."):
        download(file, place)
    assert not place.with_name("file.bin.part").exists()


def test_an_absent_file_is_not_asked_for_twice(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = [404]
    with pytest.raises(UnreachableError, match=r"Cannot download file\.bin: 127\.0\.0\.1:\d+ answered 404 Not Found\."):
        download(file, place)
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again_and_not_for_ever(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = [503, 429]
    download(file, place, pause_s=0)
    assert place.read_bytes() == CONTENT
    place.unlink()
    server.faults = [500] * 9
    with pytest.raises(UnreachableError, match="the server answered 500 Internal Server Error"):
        download(file, place, pause_s=0, attempts=3)
    assert len(server.faults) == 6


def test_a_silent_server_is_left_after_the_timeout(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.faults = ["stall"]
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="the server stopped responding"):
        download(file, place, timeout_s=(1.0, 0.2), attempts=1)
    assert time.monotonic() - began < 1.5


def test_an_unreachable_host_is_one_line(place: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = RemoteFile("file.bin", f"http://127.0.0.1:{port}/file.bin", sha256(b""), 1)
    with pytest.raises(UnreachableError) as caught:
        download(file, place, pause_s=0)
    assert str(caught.value) == f"Cannot download file.bin from 127.0.0.1:{port}: the host is unreachable."


def test_proxies_of_the_environment_are_used(
    server: FileServer, file: RemoteFile, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself stands in for the proxy: the address that is asked for does not exist."""
    monkeypatch.setenv("http_proxy", server.address.partition("/weights")[0])
    monkeypatch.setenv("no_proxy", "")
    elsewhere = RemoteFile("file.bin", "http://weights.invalid/file.bin", file.digest, file.bytes)
    download(elsewhere, place)
    assert server.requests[0]["Host"] == "weights.invalid"


def test_a_proxy_that_is_not_there_is_named_as_the_reason(
    file: RemoteFile, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    elsewhere = RemoteFile("file.bin", "http://weights.invalid/file.bin", file.digest, file.bytes)
    with pytest.raises(UnreachableError, match=r"\.invalid: the proxy is unreachable or refused the connection\."):
        download(elsewhere, place, attempts=1)


def test_two_processes_at_once_end_with_one_good_file_from_one_download(
    server: FileServer, file: RemoteFile, place: Path
) -> None:
    server.seconds_a_piece = 0.02  # 32 pieces: 0.6 s in which the second must wait
    both = [in_a_process(file, place) for _ in range(2)]
    assert [process.communicate(timeout=30)[1] for process in both] == ["", ""]
    assert place.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_killed_download_is_resumed(server: FileServer, file: RemoteFile, place: Path) -> None:
    server.seconds_a_piece = 0.05
    process = in_a_process(file, place)
    part = place.with_name("file.bin.part")
    for _ in range(600):
        if part.exists() and part.stat().st_size >= 1 << 16:
            break
        time.sleep(0.05)
    process.kill()
    process.communicate()
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT) and not place.exists()
    server.seconds_a_piece = 0
    download(file, place)  # the lock of a killed process does not stand in the way
    assert place.read_bytes() == CONTENT and server.requests[1]["Range"] == f"bytes={kept}-"


def test_a_full_disk_is_said_plainly(file: RemoteFile, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_append", full)
    with pytest.raises(DownloadError, match=r"Cannot write file\.bin into .*: No space left on device\. Free"):
        download(file, place)


def test_a_folder_that_cannot_be_made_is_said_plainly(file: RemoteFile, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder must be")
    with pytest.raises(DownloadError, match="set another folder with the environment variable CNN_SUITE_HOME"):
        download(file, tmp_path / "cache" / "file.bin")


def test_a_file_at_hand_is_copied_after_the_same_check(
    server: FileServer, file: RemoteFile, place: Path, tmp_path: Path
) -> None:
    at_hand = tmp_path / "from a stick.bin"
    at_hand.write_bytes(CONTENT)
    assert take(file, at_hand, place) == place
    assert place.read_bytes() == CONTENT and at_hand.exists() and server.requests == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CONTENT[:-1], r"is not file\.bin: expected 524,288 bytes, received 524,287\."),
        (OTHER, r"is not file\.bin: its checksum is wrong"),
        (None, r"Cannot read .*absent\.bin: No such file or directory\."),
    ],
)
def test_a_wrong_file_at_hand_is_refused(
    file: RemoteFile, place: Path, tmp_path: Path, content: bytes | None, says: str
) -> None:
    at_hand = tmp_path / ("absent.bin" if content is None else "given.bin")
    if content is not None:
        at_hand.write_bytes(content)
    with pytest.raises(DownloadError, match=says):
        take(file, at_hand, place)
    assert left_over(place) == set()
