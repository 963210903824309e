"""Pictures written so that a file of that name is always whole, and never one of the inputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cnn_suite.runtime.frames import PICTURE_SUFFIXES
from cnn_suite.runtime.sinks import SinkError, check_writable, write_picture


def check_output(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse, before any work, a picture file that cannot be written or that would replace an input.

    Args:
        path: The file to be written; its folder is made.
        inputs: The files that are read.

    Raises:
        SinkError: If it has no picture's suffix, is one of the inputs, or cannot be written.
    """
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise SinkError(f"Output {path} must be a picture: a name that ends in one of {' '.join(PICTURE_SUFFIXES)}.")
    for given in inputs:
        if path.exists() and given.exists() and path.samefile(given):
            raise SinkError(f"Output {path} would overwrite a picture that is read. Choose another name.")
    check_writable(path)


def write_whole(path: Path, picture_rgb: np.ndarray) -> None:
    """Write a picture beside its place and move it there.

    Raises:
        SinkError: If it cannot be written; what was there before is still there then.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        write_picture(temporary, picture_rgb)
        temporary.replace(path)
    except OSError as fault:
        if isinstance(fault, SinkError):
            raise
        raise SinkError(f"Picture {path} cannot be written: {fault.strerror}.") from fault
    finally:
        temporary.unlink(missing_ok=True)
