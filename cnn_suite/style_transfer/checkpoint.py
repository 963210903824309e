"""The checkpoint of an optimisation: its state, and its request, so that only the same request is resumed."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.style_transfer.adam import Moments
from cnn_suite.style_transfer.checkpoint_form import FORM
from cnn_suite.style_transfer.objective import Costs
from cnn_suite.style_transfer.state import PaintState


class CheckpointError(ValueError):
    """A checkpoint that cannot be resumed; the text says why."""


def digest(values: np.ndarray) -> str:
    """A short name for the content of an array, its shape and type included."""
    told = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    told.update(np.ascontiguousarray(values).tobytes())
    return told.hexdigest()[:16]


def write_checkpoint(path: Path, state: PaintState, request: Mapping[str, Any]) -> None:
    """Write a state so that a file of this name is always whole: the old one or the new one.

    Args:
        path: The file, .npz.
        state: Where the optimisation stands.
        request: The request, names to plain values.
    """
    told = {
        "form": FORM,
        "request": dict(request),
        **{name: getattr(state, name) for name in ("scale", "iteration", "scale_iteration", "scale_share")},
        **{name: getattr(state, name) for name in ("seconds", "seconds_left")},
        "best_costs": list(state.best_costs),
        "first_costs": None if state.first_costs is None else list(state.first_costs),
        "steps": None if state.moments is None else state.moments.steps,
    }
    arrays: dict[str, Any] = {"picture": state.picture, "best": state.best}
    if state.moments is not None:
        arrays |= {"first": state.moments.first, "second": state.moments.second}
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            np.savez(file, told=np.array(json.dumps(told)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_checkpoint(path: Path, request: Mapping[str, Any]) -> PaintState:
    """The state in a checkpoint.

    Args:
        path: What `write_checkpoint` wrote.
        request: The current request, which must equal the stored one.

    Raises:
        FileNotFoundError: If the file does not exist.
        CheckpointError: If it is not a checkpoint, or belongs to another picture or setting; the message lists which.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path} to resume from. Omit --resume to start.")
    try:
        with np.load(path, allow_pickle=False) as file:
            told = json.loads(str(file["told"]))
            arrays = {name: file[name] for name in file.files if name != "told"}
        if told["form"] != FORM:
            raise ValueError(told["form"])
        _check_request(path, told["request"], request)
        return _state(told, arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{path} is damaged or not a style transfer checkpoint. Start without --resume and with another checkpoint."
        ) from error


def _check_request(path: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    now = json.loads(json.dumps(dict(now)))
    changed = [name for name in dict.fromkeys([*then, *now]) if then.get(name) != now.get(name)]
    if changed:
        listed = "; ".join(f"{name}: {_told(then.get(name))} then, {_told(now.get(name))} now" for name in changed)
        raise CheckpointError(
            f"Checkpoint {path} belongs to a different transfer ({listed}). "
            "Use the same inputs and options, or start without --resume and with another checkpoint."
        )


def _told(value: Any) -> str:
    return "none" if value is None else str(value)


def _state(told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> PaintState:
    moments = None if told["steps"] is None else Moments(arrays["first"], arrays["second"], told["steps"])
    return PaintState(
        scale=told["scale"],
        iteration=told["iteration"],
        scale_iteration=told["scale_iteration"],
        scale_share=told["scale_share"],
        picture=arrays["picture"],
        best=arrays["best"],
        best_costs=Costs(*told["best_costs"]),
        first_costs=None if told["first_costs"] is None else Costs(*told["first_costs"]),
        moments=moments,
        seconds=told["seconds"],
        seconds_left=told["seconds_left"],
    )
