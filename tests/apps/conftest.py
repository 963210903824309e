"""Apps run in the test's own process, headless, from their files."""

import importlib.util
import signal
import sys
from pathlib import Path

import pytest

from cnn_suite.runtime import app

APPS = Path(__file__).resolve().parents[2] / "apps"


@pytest.fixture
def run_app(monkeypatch, capsys):
    """A function of an app's name and its words that returns (status, stdout, stderr)."""
    monkeypatch.setattr(app, "_QUIET_LIBRARIES", {})  # these would outlive the test
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(name, *words, headless=True):
        spec = importlib.util.spec_from_file_location(f"{name}_app", APPS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words), *["--headless"] * headless])
        try:
            status = app.run_app(module.main, module._parser())
        except SystemExit as caught:
            status = caught.code
        return status, *capsys.readouterr()

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)
