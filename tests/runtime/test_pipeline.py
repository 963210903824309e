from __future__ import annotations

import threading
import time

import pytest

from cnn_suite.runtime.media.frames import SourceError
from cnn_suite.runtime.pipeline import Pipeline


def test_no_frame_of_a_file_is_lost_however_slow_the_work(numbers):
    def work(frame):
        time.sleep(0.003)
        return frame.index

    with Pipeline(numbers(40), work) as pipeline:
        results = list(pipeline)
    assert [result.value for result in results] == [result.frame.index for result in results] == list(range(40))
    assert pipeline.dropped == 0 and all(result.latency_s >= 0.003 for result in results)


def test_old_frames_of_a_camera_are_dropped_and_the_newest_is_worked_on(numbers):
    with Pipeline(numbers(60, live=True, pause_s=0.002), lambda frame: time.sleep(0.02) or frame.index) as pipeline:
        indices = [result.value for result in pipeline]
    assert indices == sorted(set(indices)) and indices[-1] == 59
    assert len(indices) < 30 and pipeline.dropped == 60 - len(indices)


def test_a_fault_of_the_source_comes_after_its_last_result(numbers):
    values = []
    with Pipeline(numbers(5, fault=SourceError("unplugged")), lambda frame: frame.index) as pipeline:
        with pytest.raises(SourceError, match="unplugged"):
            for result in pipeline:
                values.append(result.value)
    assert values == [0, 1, 2, 3, 4]


def test_a_fault_of_the_work_comes_out_and_ends_the_source(numbers):
    def work(frame):
        if frame.index == 2:
            raise ValueError("bad picture")
        return frame.index

    source = numbers(1000)
    with Pipeline(source, work) as pipeline, pytest.raises(ValueError, match="bad picture"):
        list(pipeline)
    assert source.closed_by is not None


def test_leaving_early_ends_both_threads_and_closes_the_source_on_its_own_thread(numbers):
    source = numbers(10**9)
    with Pipeline(source, lambda frame: frame.index) as pipeline:
        assert pipeline.take().value == 0
    assert source.closed_by is not None and source.closed_by is not threading.main_thread()
    assert not any(thread.is_alive() for thread in pipeline._threads)


def test_mirroring_happens_before_the_work(numbers):
    with Pipeline(numbers(1), lambda frame: frame.image_rgb[0, :, 0].tolist(), mirror=True) as pipeline:
        assert pipeline.take().value == [9, 0, 0]
    assert pipeline.newest.image_rgb.flags["C_CONTIGUOUS"]


def test_a_source_without_frames_ends_at_once(numbers):
    with Pipeline(numbers(0), lambda frame: frame) as pipeline:
        assert list(pipeline) == []
