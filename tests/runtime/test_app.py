from __future__ import annotations

import argparse
import signal

import pytest

from cnn_suite.runtime.app import add_shared_flags, fraction, run_app, whole_number
from cnn_suite.runtime.model_files.not_there import NotThereError


@pytest.fixture
def run(monkeypatch):
    """Runs an app whose work is `main`, and puts the signal handler back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def start(main, *words):
        parser = argparse.ArgumentParser(prog="app")
        add_shared_flags(parser, model="m")
        monkeypatch.setattr("sys.argv", ["app", *words])
        return run_app(main, parser)

    yield start
    for number, handler in before.items():
        signal.signal(number, handler)


def failing(arguments):
    raise ValueError("cable\n   is   out")


def test_an_error_is_one_line_and_status_1(run, capsys):
    assert run(failing) == 1
    assert capsys.readouterr().err == "app: cable is out\n"


@pytest.mark.parametrize("words", [[], ["--debug"]])
def test_a_source_or_model_that_does_not_exist_is_wrong_usage(run, capsys, words):
    def main(arguments):
        raise NotThereError("There is no model 'x'.")

    assert run(main, *words) == 2
    assert "There is no model 'x'." in capsys.readouterr().err


def test_debug_shows_the_traceback(run, capsys):
    assert run(failing, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_error_without_words_is_named_by_its_kind(run, capsys):
    def main(arguments):
        raise KeyError

    assert run(main) == 1
    assert capsys.readouterr().err == "app: KeyError\n"


def test_the_status_of_the_work_is_passed_on(run):
    assert [run(lambda arguments, status=status: status) for status in (0, 1, 2)] == [0, 1, 2]


def test_an_interruption_before_the_work_has_begun_is_no_traceback(run, capsys):
    def main(arguments):
        raise KeyboardInterrupt

    assert (run(main), capsys.readouterr().err) == (1, "stopped\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_a_second_one_does_not_disturb_the_closing(run, number):
    closed = []

    def main(arguments):
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGINT)
            closed.append(1)
        return 0

    assert (run(main), closed) == (1, [1])


def test_source_zero_is_the_default_and_stays_text(run):
    seen = []
    run(lambda arguments: seen.append(arguments.source) or 0)
    run(lambda arguments: seen.append(arguments.source) or 0, "--source", "0")
    assert seen == ["0", "0"]


@pytest.mark.parametrize("words", [["--max-frames", "0"], ["--max-frames", "x"], ["--nonsense"]])
def test_wrong_usage_is_status_2(run, words):
    with pytest.raises(SystemExit) as caught:
        run(lambda arguments: 0, *words)
    assert caught.value.code == 2


def test_numbers_are_checked_with_what_was_received():
    assert (fraction("0.25"), whole_number("12")) == (0.25, 12)
    for check, text in (
        (fraction, "1.5"),
        (fraction, "nan"),
        (fraction, "x"),
        (whole_number, "-1"),
        (whole_number, "²"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match=f"Received '{text}'"):
            check(text)
