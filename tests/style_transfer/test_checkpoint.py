"""Tests of cnn_suite.style_transfer.checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from cnn_suite.style_transfer import checkpoint as module
from cnn_suite.style_transfer.adam import Moments
from cnn_suite.style_transfer.checkpoint import CheckpointError, digest, read_checkpoint, write_checkpoint
from cnn_suite.style_transfer.objective import Costs
from cnn_suite.style_transfer.state import NO_COSTS, PaintState

RNG = np.random.default_rng(0)
PICTURE, BEST = (RNG.uniform(0, 255, (6, 5, 3)).astype(np.float32) for _ in range(2))
STATE = PaintState(
    1, 30, 10, 0.5, PICTURE, BEST, Costs(1.5, 1.0, 0.25, 0.25), Costs(9.0, 0.0, 8.0, 1.0),
    Moments(PICTURE / 3, BEST / 7, 10), 12.5, 7.5,
)  # fmt: skip
REQUEST = {"photo": "abc", "paintings": ["def", "123"], "beta": 10.0, "size": None, "start": "content"}


def test_a_state_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "paused.npz"
    write_checkpoint(path, STATE, REQUEST)
    read = read_checkpoint(path, REQUEST)
    for name in ("scale", "iteration", "scale_iteration", "scale_share", "best_costs", "first_costs", "seconds"):
        assert getattr(read, name) == getattr(STATE, name)
    assert read.seconds_left == 7.5
    assert np.array_equal(read.picture, PICTURE) and np.array_equal(read.best, BEST)
    assert np.array_equal(read.moments.first, STATE.moments.first) and read.moments.steps == 10
    assert np.array_equal(read.moments.second, STATE.moments.second)
    assert [file.name for file in tmp_path.iterdir()] == ["paused.npz"]


def test_a_state_without_moments_or_costs_comes_back_too(tmp_path: Path) -> None:
    path = tmp_path / "paused.npz"
    state = STATE._replace(moments=None, first_costs=None, best_costs=NO_COSTS, seconds_left=None)
    write_checkpoint(path, state, REQUEST)
    read = read_checkpoint(path, REQUEST)
    assert read.moments is None and read.first_costs is None and read.seconds_left is None
    assert read.best_costs == NO_COSTS


def test_another_request_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "paused.npz"
    write_checkpoint(path, STATE, REQUEST)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path, {**REQUEST, "photo": "xyz", "size": 300})
    told = str(caught.value)
    assert "photo: abc then, xyz now; size: none then, 300 now" in told
    assert "beta" not in told


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no checkpoint .*nothing.npz to resume from"):
        read_checkpoint(tmp_path / "nothing.npz", REQUEST)


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "other"])
def test_a_damaged_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "paused.npz"
    write_checkpoint(path, STATE, REQUEST)
    if kind == "other":
        np.savez(path, values=np.ones(3))
    else:
        path.write_bytes({"empty": b"", "text": b"nothing", "cut": path.read_bytes()[:-300]}[kind])
    with pytest.raises(CheckpointError, match="is damaged or not a style transfer checkpoint"):
        read_checkpoint(path, REQUEST)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "paused.npz"
    write_checkpoint(path, STATE, REQUEST)
    before = path.read_bytes()

    def fails(file, **arrays) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(module.np, "savez", fails)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, STATE._replace(iteration=31), REQUEST)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["paused.npz"]


def test_a_digest_tells_values_types_and_shapes_apart() -> None:
    values = np.arange(6, dtype=np.uint8)
    others = [values.reshape(2, 3), values.astype(np.int8), values + 1, values[::-1]]
    assert len({digest(array) for array in [values, *others]}) == 5
    assert digest(values) == digest(values.copy())
