"""Tests of cnn_suite.cli_output: values that JSON can hold, and results as lines."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.cli_output import as_lines, jsonable, print_json
from cnn_suite.runtime.quiet_imports import imports_muted


def test_infinity_and_nan_become_null() -> None:
    assert jsonable([float("inf"), -float("inf"), float("nan"), 1.5, True, None]) == [None, None, None, 1.5, True, None]


def test_numpy_paths_tuples_and_numbers_as_keys_become_plain_json() -> None:
    value = {1: np.float32(0.5), "path": Path("a"), "size_hw": (4, 8), "mask": np.array([[True], [False]])}
    assert jsonable(value) == {"1": 0.5, "path": "a", "size_hw": [4, 8], "mask": [[True], [False]]}


def test_one_line_of_json_keeps_letters_of_every_language(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"label": "größe"})
    shown = capsys.readouterr().out
    assert shown == '{"label": "größe"}\n'
    assert json.loads(shown) == {"label": "größe"}


def test_nested_results_are_indented() -> None:
    assert as_lines({"ap": 0.123456, "per_class": {"wbc": {"ap": None}}, "none": {}}).splitlines() == [
        "ap                       0.1235",
        "per_class",
        "  wbc",
        "    ap                   None",
        "none",
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_jax_that_is_not_installed_is_named_with_its_extra(debug: bool) -> None:
    with pytest.raises(ImportError, match=r"JAX, which is not installed: `pip install 'cnn_suite\[jax\]'`, or set"):
        with imports_muted(debug):
            raise ModuleNotFoundError("No module named 'jax'", name="jax")
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"), imports_muted(debug):
        raise ModuleNotFoundError("No module named 'other'", name="other")


def test_native_messages_are_muted_during_an_import_only(capfd: pytest.CaptureFixture[str]) -> None:
    with imports_muted(debug=False):
        os.write(2, b"a note of a library\n")
    os.write(2, b"an error of ours\n")
    assert capfd.readouterr().err == "an error of ours\n"
    with imports_muted(debug=True):
        os.write(2, b"a note of a library\n")
    assert capfd.readouterr().err == "a note of a library\n"


def test_stderr_comes_back_after_an_import_that_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), imports_muted(debug=False):
        raise ImportError
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
