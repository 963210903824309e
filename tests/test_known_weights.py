"""Tests of cnn_suite.known_weights: the table's form, and its Keras rows against Keras's own source."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_suite import known_weights
from cnn_suite.known_weights import KNOWN, KnownWeights, RemoteFile

FILES = [(row, file) for row in KNOWN.values() for file in row.files]
DIGITS = {"sha256": 64, "sha1": 40, "sha384": 96, "md5": 32}


def test_the_table_has_what_people_ask_for() -> None:
    assert set(KNOWN) >= {
        "yolo-fastest-1.1", "yolo-fastest-1.1-xl", "yolov3", "yolov3-tiny", "yolov4-tiny", "yolov2-tiny",
        "squeezenet1.0-compressed", "squeezenet1.1-notop", "vgg16", "vgg19", "resnet50", "mobilenet_v2", "yunet",
        "mobileface-v2",
    }  # fmt: skip


def test_every_row_says_all_it_should() -> None:
    for row in KNOWN.values():
        assert row.files and row.task and row.licence and row.trained_on and row.form
        assert row.form in {"darknet", "keras_applications", "squeezenet", "onnx", "mxnet_params"}
        assert row.bytes == sum(file.bytes for file in row.files)
        assert len({file.name for file in row.files}) == len(row.files)


@pytest.mark.parametrize(("row", "file"), FILES, ids=[f"{row.name}/{file.name}" for row, file in FILES])
def test_every_file_has_a_safe_name_a_full_digest_and_an_address_that_stays(
    row: KnownWeights, file: RemoteFile
) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+", file.name) and not file.name.startswith(".")
    algorithm, _, digits = file.digest.partition(":")
    assert re.fullmatch(r"[0-9a-f]+", digits) and len(digits) == DIGITS[algorithm]
    assert file.bytes > 0
    assert file.address.startswith("https://")
    if "raw.githubusercontent.com" in file.address or "media.githubusercontent.com" in file.address:
        assert re.search(r"/([0-9a-f]{40}|v\d+\.\d+)/", file.address), "a commit or a release, not a branch"


def test_names_of_rows_are_names_of_folders() -> None:
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) and name == row.name for name, row in KNOWN.items())


def test_detectors_hold_cfg_weights_and_names_in_this_order() -> None:
    detectors = [row for row in KNOWN.values() if row.form == "darknet"]
    assert len(detectors) == 6 and all(row.becomes_folder for row in detectors)
    for row in detectors:
        assert [Path(file.name).suffix for file in row.files] == [".cfg", ".weights", ".names"]


@pytest.mark.parametrize(
    ("name", "module"),
    [("vgg16", "vgg16"), ("vgg19", "vgg19"), ("resnet50", "resnet"), ("mobilenet_v2", "mobilenet_v2")],
)
def test_rows_of_keras_equal_what_its_source_says(name: str, module: str) -> None:
    """Keras publishes an MD5 for all but MobileNetV2, for which it publishes none."""
    found = importlib.util.find_spec("keras")  # found, not imported: that would take seconds
    assert found and found.submodule_search_locations
    source = (Path(found.submodule_search_locations[0]) / "src" / "applications" / f"{module}.py").read_text()
    source = re.sub(r'"\s+"', "", source)  # its addresses are broken over lines
    for row in (KNOWN[name], KNOWN.get(f"{name}-notop")):
        if row is None:
            continue
        file = row.files[0]
        base = file.address.removesuffix(file.name)
        assert base in source
        if file.digest.startswith("md5:"):
            assert file.digest.removeprefix("md5:") in source
        assert file.digest.startswith("md5:") == (name != "mobilenet_v2")


def test_the_table_imports_the_standard_library_alone() -> None:
    program = (
        "import sys, cnn_suite.known_weights\n"
        "outside = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "sys.exit(' '.join(outside & {'numpy', 'requests', 'filelock', 'keras', 'tensorflow', 'pydantic', 'cv2'}))"
    )
    root = Path(known_weights.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root)
    assert done.stderr.strip() == ""
