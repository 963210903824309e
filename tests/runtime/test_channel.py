from __future__ import annotations

import threading
import time

import pytest

from cnn_suite.runtime.channel import Channel, Ended


def test_items_come_out_in_order_and_then_the_end():
    channel = Channel(3)
    for item in (1, 2, 3):
        assert channel.put(item)
    channel.close()
    assert [channel.take() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Ended):
        channel.take()


def test_a_full_channel_makes_the_giver_wait_and_loses_nothing():
    channel = Channel(2)
    giver = threading.Thread(target=lambda: [channel.put(item) for item in range(20)] and channel.close(), daemon=True)
    giver.start()
    time.sleep(0.02)
    taken = []
    with pytest.raises(Ended):
        while True:
            taken.append(channel.take(1))
    assert taken == list(range(20)) and channel.dropped == 0


def test_a_newest_only_channel_keeps_the_newest_and_counts_the_rest():
    channel = Channel(1, newest_only=True)
    for item in range(5):
        assert channel.put(item)
    assert (channel.take(), channel.dropped, channel.take(0.0)) == (4, 4, None)


def test_taking_with_a_timeout_gives_none():
    start_s = time.monotonic()
    assert Channel(1).take(0.02) is None
    assert time.monotonic() - start_s >= 0.019


def test_a_fault_comes_after_the_last_item():
    channel = Channel(2)
    channel.put("good")
    channel.close(OSError("cable"))
    channel.close()  # the first close counts
    assert channel.take() == "good"
    with pytest.raises(OSError, match="cable"):
        channel.take()


def test_closing_lets_a_waiting_giver_go():
    channel = Channel(1)
    channel.put(1)
    answers = []
    giver = threading.Thread(target=lambda: answers.append(channel.put(2)), daemon=True)
    giver.start()
    time.sleep(0.01)
    channel.close()
    giver.join(1)
    assert answers == [False]
