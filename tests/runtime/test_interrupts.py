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


def test_other_threads_may_use_it():
    done = []

    def work():
        with signals_interrupt(), signals_held_back():
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
