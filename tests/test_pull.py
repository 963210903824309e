"""Tests of cnn_suite.pull: rows of a small table served on this machine; the conversion is a stand-in."""

import hashlib
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cnn_suite import pull as module
from cnn_suite.known_weights import KNOWN, KnownWeights, RemoteFile
from cnn_suite.pull import as_text, is_pulled, place_of, pull, weights_table
from cnn_suite.weights import download as downloading
from cnn_suite.weights.download import DownloadError
from tests.file_server import FileServer

CONTENTS = {"a.cfg": b"mask = 0,1,2\n", "a.weights": b"\x01" * 1000, "coco.names": b"cat\ndog\n"}


def remote(name: str, address: str, content: bytes) -> RemoteFile:
    return RemoteFile(name, address, f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))


def row(name: str, files: tuple[RemoteFile, ...], form: str = "darknet", **more: Any) -> KnownWeights:
    return KnownWeights(name, "detection", files, "MIT", "COCO", "AP50 24.4", "", form, **more)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def servers() -> Iterator[dict[str, FileServer]]:
    running = {name: FileServer(content) for name, content in CONTENTS.items()}
    yield running
    for server in running.values():
        server.close()


@pytest.fixture
def detector(home: Path, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch) -> KnownWeights:
    """A row named "a" in place of the whole table."""
    made = row("a", tuple(remote(name, servers[name].address, CONTENTS[name]) for name in CONTENTS))
    monkeypatch.setattr(module, "KNOWN", {"a": made})
    return made


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the stand-in for `convert_darknet` was given."""
    seen: list[dict[str, Any]] = []

    def convert_darknet(cfg: Path, weights: Path, folder: Path, *, names: Path, name: str) -> Path:
        texts = {"cfg": cfg.read_bytes(), "weights": weights.read_bytes(), "names": names.read_text()}
        seen.append({**texts, "name": name})
        folder.mkdir()
        (folder / "model.tflite").write_bytes(b"model")
        (folder / "card.json").write_text("{}")
        return folder

    stand_in = types.ModuleType("cnn_suite.convert")
    stand_in.convert_darknet = convert_darknet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cnn_suite.convert", stand_in)
    return seen


def test_a_detector_is_fetched_converted_once_and_then_taken_from_the_cache(
    home: Path, detector: KnownWeights, servers: dict[str, FileServer], conversions: list[dict[str, Any]]
) -> None:
    seen: list[tuple[int, int]] = []
    folder = pull("a", on_progress=lambda done, total: seen.append((done, total)))
    assert folder == home / "models" / "a"
    assert {path.name for path in folder.iterdir()} == {"model.tflite", "card.json"}
    assert conversions == [
        {"cfg": CONTENTS["a.cfg"], "weights": CONTENTS["a.weights"], "names": "cat\ndog\n", "name": "a"}
    ]
    # 13 bytes of cfg, then 1000 of weights, then 8 of names: one bar over all of them
    assert seen == [(13, 1021), (1013, 1021), (1021, 1021)]
    assert pull("a") == folder
    assert len(conversions) == 1 and [len(server.requests) for server in servers.values()] == [1, 1, 1]
    assert not (home / "unfinished" / "a").exists()


def test_a_row_of_one_file_is_that_file_and_of_several_their_folder(
    home: Path, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tuple(remote(name, servers[name].address, CONTENTS[name]) for name in CONTENTS)
    monkeypatch.setattr(module, "KNOWN", {"one": row("one", files[1:2], "onnx"), "more": row("more", files, "onnx")})
    assert pull("one") == home / "files" / "one" / "a.weights"
    assert pull("one").read_bytes() == CONTENTS["a.weights"]
    assert pull("more") == home / "files" / "more"
    assert not (home / "models").exists()


def test_corrections_reach_the_conversion_and_not_the_published_file(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected = row("a", detector.files, corrections=(("mask = 0,1,2", "mask = 1,2,3"),))
    monkeypatch.setattr(module, "KNOWN", {"a": corrected})
    pull("a")
    assert conversions[0]["cfg"] == b"mask = 1,2,3\n"
    assert (home / "files" / "a" / "a.cfg").read_bytes() == CONTENTS["a.cfg"]


def test_a_correction_that_does_not_fit_is_refused(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KNOWN", {"a": row("a", detector.files, corrections=(("mask = 9", "mask = 8"),))})
    with pytest.raises(
        DownloadError, match=r"a\.cfg must contain the line `mask = 9` exactly once\. Found it 0 times\."
    ):
        pull("a")
    assert conversions == [] and not is_pulled(module.KNOWN["a"])


def test_the_corrections_of_the_table_fit_the_masks_of_yolov3_tiny() -> None:
    assert [name for name, known in KNOWN.items() if known.corrections] == ["yolov3-tiny"]
    assert KNOWN["yolov3-tiny"].corrections == (("mask = 0,1,2", "mask = 1,2,3"),)


def test_a_failing_conversion_leaves_no_model_and_keeps_the_files(
    home: Path, detector: KnownWeights, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert_darknet(cfg: Path, weights: Path, folder: Path, **_: Any) -> Path:
        folder.mkdir()
        (folder / "card.json").write_text("{}")
        raise ValueError("a float too few")

    stand_in = types.ModuleType("cnn_suite.convert")
    stand_in.convert_darknet = convert_darknet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cnn_suite.convert", stand_in)
    for _ in range(2):
        with pytest.raises(ValueError, match="a float too few"):
            pull("a")
    assert not is_pulled(detector) and not (home / "unfinished" / "a").exists()
    assert [len(server.requests) for server in servers.values()] == [1, 1, 1]


def test_what_a_killed_conversion_left_is_cleared_away(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]]
) -> None:
    (home / "unfinished" / "a" / "model").mkdir(parents=True)
    (home / "models" / "a").mkdir(parents=True)
    (home / "models" / "a" / "saved_model.pb").write_text("no card: no model")
    folder = pull("a")
    assert {path.name for path in folder.iterdir()} == {"model.tflite", "card.json"}


def test_a_model_folder_that_cannot_be_written_is_one_line(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]]
) -> None:
    home.mkdir()
    (home / "models").write_text("a file where a folder must be")
    with pytest.raises(DownloadError, match="Cannot write the model folder of a: "):
        pull("a")


def test_a_cache_that_cannot_be_made_is_one_line(
    tmp_path: Path, detector: KnownWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path / "taken"))
    with pytest.raises(DownloadError, match="Cannot write to the folder .*Set another one with .* CNN_SUITE_HOME"):
        pull("a")


def test_a_cache_of_somebody_else_is_one_line(
    tmp_path: Path, detector: KnownWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    (tmp_path / "files" / "a" / "pull.lock").mkdir(parents=True)  # the lock cannot be taken, whoever runs the test
    with pytest.raises(DownloadError, match="Cannot write to the folder .*Set another one with .* CNN_SUITE_HOME"):
        pull("a")


def test_tensorflow_is_imported_inside_what_the_caller_gives_and_only_to_convert(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]]
) -> None:
    entered = []

    @contextmanager
    def watch() -> Iterator[None]:
        entered.append(True)
        yield

    pull("a", while_importing=watch())
    pull("a", while_importing=watch())
    assert entered == [True]


def test_an_unreachable_host_is_one_line_with_every_missing_address_and_the_command(
    home: Path, detector: KnownWeights, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    servers["a.weights"].faults = [404]
    with pytest.raises(DownloadError) as caught:
        pull("a")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(
        f"Download {servers['a.weights'].address} and {servers['coco.names'].address} manually into a folder, then run "
        "`cnn-suite pull a --from FOLDER`."
    )


def test_for_one_file_the_line_says_file(
    home: Path, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers["a.weights"]
    made = row("one", (remote("a.weights", server.address, CONTENTS["a.weights"]),), "onnx")
    monkeypatch.setattr(module, "KNOWN", {"one": made})
    server.faults = [403]
    with pytest.raises(DownloadError, match=r"403 Forbidden\. Download http://.* manually, then run .*--from FILE"):
        pull("one")


def test_a_wrong_checksum_is_no_matter_of_fetching_by_hand(
    home: Path, detector: KnownWeights, servers: dict[str, FileServer]
) -> None:
    servers["a.cfg"].content = b"mask = 9,9,9\n"
    with pytest.raises(DownloadError, match="its checksum is wrong") as caught:
        pull("a")
    assert "--from" not in str(caught.value)
    assert not is_pulled(detector)


def test_a_folder_of_files_at_hand_needs_no_network(
    home: Path, tmp_path: Path, detector: KnownWeights, servers: dict[str, FileServer], conversions: list[Any]
) -> None:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    assert pull("a", source=tmp_path) == home / "models" / "a"
    assert len(conversions) == 1 and not any(server.requests for server in servers.values())


def test_a_file_at_hand_may_have_any_name(
    home: Path, tmp_path: Path, servers: dict[str, FileServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = row("one", (remote("a.weights", servers["a.weights"].address, CONTENTS["a.weights"]),), "onnx")
    monkeypatch.setattr(module, "KNOWN", {"one": made})
    (tmp_path / "download (1)").write_bytes(CONTENTS["a.weights"])
    assert pull("one", source=tmp_path / "download (1)").read_bytes() == CONTENTS["a.weights"]


def test_what_is_missing_in_the_folder_is_named_before_anything_is_copied(
    home: Path, tmp_path: Path, detector: KnownWeights, servers: dict[str, FileServer]
) -> None:
    (tmp_path / "a.cfg").write_bytes(CONTENTS["a.cfg"])
    with pytest.raises(DownloadError, match=r"does not contain a\.weights \(from http:.*\), coco\.names \(from http:"):
        pull("a", source=tmp_path)
    assert not (home / "files" / "a" / "a.cfg").exists()


def test_one_file_for_a_row_of_several_is_refused(home: Path, tmp_path: Path, detector: KnownWeights) -> None:
    (tmp_path / "a.cfg").write_bytes(CONTENTS["a.cfg"])
    with pytest.raises(
        DownloadError, match=r"a has 3 files\. Give a folder that contains them: a\.cfg, a\.weights, coco"
    ):
        pull("a", source=tmp_path / "a.cfg")


def test_an_unknown_name_is_answered_with_the_nearest(home: Path) -> None:
    with pytest.raises(ValueError, match=r"Unknown weights 'yolov3tiny'\. Did you mean 'yolov3-tiny'"):
        pull("yolov3tiny")


def test_the_table_says_what_is_pulled_and_where(
    home: Path, detector: KnownWeights, conversions: list[dict[str, Any]]
) -> None:
    (before,) = weights_table()
    assert (before["name"], before["bytes"], before["pulled"], before["path"]) == ("a", 1021, False, None)
    assert before["files"][0]["digest"] == detector.files[0].digest
    pull("a")
    (after,) = weights_table()
    assert after["pulled"] is True and after["path"] == str(place_of(detector)) == str(home / "models" / "a")
    header, line, where = as_text().splitlines()
    assert line.split() == ["a", "detection", "0.0", "MB", "yes", "MIT", "COCO", "AP50", "24.4"]
    assert header.split()[:4] == ["name", "task", "size", "pulled"] and str(home) in where


_PROGRAM = """
import sys, time, types
from pathlib import Path
from cnn_suite import pull as module
from cnn_suite.known_weights import KnownWeights, RemoteFile

def convert_darknet(cfg, weights, folder, **_):
    with open(sys.argv[1], "a") as log:
        log.write("converted\\n")
    time.sleep(0.3)
    folder.mkdir()
    (folder / "card.json").write_text("{}")

stand_in = types.ModuleType("cnn_suite.convert")
stand_in.convert_darknet = convert_darknet
sys.modules["cnn_suite.convert"] = stand_in
files = tuple(RemoteFile(*words.split("|")[:3], int(words.split("|")[3])) for words in sys.argv[2:])
module.KNOWN = {"a": KnownWeights("a", "detection", files, "MIT", "COCO", "", "", "darknet")}
module.pull("a")
"""


def test_two_processes_at_once_convert_it_once(
    home: Path, tmp_path: Path, detector: KnownWeights, servers: dict[str, FileServer]
) -> None:
    log = tmp_path / "log"
    files = [f"{file.name}|{file.address}|{file.digest}|{file.bytes}" for file in detector.files]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    words = [sys.executable, "-c", _PROGRAM, str(log), *files]
    both = [subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=30)[1] for process in both] == ["", ""]
    assert log.read_text() == "converted\n" and is_pulled(detector)
    assert [len(server.requests) for server in servers.values()] == [1, 1, 1]


def test_nothing_here_waits_for_long() -> None:
    assert downloading.ATTEMPTS <= 5 and max(downloading.TIMEOUT_S) <= 60
