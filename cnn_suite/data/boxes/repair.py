"""A repaired copy of a data set, in a new folder; the source is never changed.

The readers and the doctor have already taken out or clipped what is wrong (`annotations.REPAIRS` says what happens to
each kind of fault); here the sound rest is written in the format it had, with repair_log.csv listing every change.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from cnn_suite.data.boxes.annotations import REPAIRS, DetectionData, Fault
from cnn_suite.data.boxes.copies import write_copy
from cnn_suite.data.boxes.doctor import with_decoding_faults
from cnn_suite.progress import OnProgress

LOG_NAME = "repair_log.csv"


def repair(data: DetectionData, folder: Path | str, *, on_progress: OnProgress | None = None) -> tuple[Fault, ...]:
    """Write a repaired copy.

    Args:
        data: What a reader returned; pictures that do not decode are found here as well.
        folder: A folder that does not exist yet or is empty, outside the source.
        on_progress: Called with the number of pictures decoded and their total.

    Returns:
        The faults that were repaired, as in repair_log.csv (there with what was done about each).

    Raises:
        ValueError: If `folder` is the source, lies inside it or holds it, or is not empty.
    """
    target = Path(folder)
    _check_target(data, target)
    sound = with_decoding_faults(data, on_progress)
    target.mkdir(parents=True, exist_ok=True)
    write_copy(sound, target)
    _write_log(sound.faults, target / LOG_NAME)
    return sound.faults


def _check_target(data: DetectionData, target: Path) -> None:
    if data.root is not None:
        source, resolved = data.root.resolve(), target.resolve()
        if source == resolved or source in resolved.parents or resolved in source.parents:
            raise ValueError(
                f"The repaired copy must be outside its source {data.root}. Received {target}. Use another folder."
            )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(
            f"The repaired copy needs a new or empty folder. {target} exists and is not empty. Use another folder."
        )


def _write_log(faults: Sequence[Fault], file: Path) -> None:
    with open(file, "w", encoding="utf-8", newline="") as opened:
        log = csv.writer(opened)
        log.writerow(["file", "line", "kind", "message", "done"])
        for fault in faults:
            line = "" if fault.line is None else fault.line
            log.writerow([fault.file, line, fault.kind, fault.message, REPAIRS[fault.kind]])
