from __future__ import annotations

import signal
import threading

import pytest

from cnn_suite.runtime.interrupts import signals_held_back, signals_interrupt


def test_a_signal_inside_the_block_takes_effect_at_its_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with signals_held_back():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
    assert done == [1]


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with signals_held_back():
        pass
    with pytest.raises(ValueError, match="fault"), signals_held_back():
        raise ValueError("fault")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_the_second_does_not_disturb_what_is_closed(number):
    before, closed = signal.getsignal(number), []
    with pytest.raises(KeyboardInterrupt), signals_interrupt():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGTERM)
            closed.append(1)
    assert closed == [1]
    assert signal.getsignal(number) == before


needs_hangup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")


@needs_hangup
def test_a_closed_terminal_interrupts_too_and_waits_for_the_end_of_the_frame():
    before, done = signal.getsignal(signal.SIGHUP), []
    with pytest.raises(KeyboardInterrupt), signals_interrupt():
        with signals_held_back():
            signal.raise_signal(signal.SIGHUP)
            done.append(1)
    assert done == [1] and signal.getsignal(signal.SIGHUP) == before


@needs_hangup
def test_a_closed_terminal_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_interrupt(), signals_held_back():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_may_use_it():
    done = []

    def work():
        with signals_interrupt(), signals_held_back():
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
