"""Keras callbacks that keep a run's folder so that training can continue after an interruption at any moment."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras


def read_history(path: str | Path) -> list[dict[str, str]]:
    """Rows of a history.csv; none where the file does not exist."""
    if not Path(path).exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured(row: Mapping[str, Any], name: str) -> float:
    """A metric of a row; if it was not measured, the infinity that is worse than any value."""
    worst = math.inf if _mode(name) == "min" else -math.inf
    try:
        value = float(row.get(name, "nan"))
    except (TypeError, ValueError):  # None or empty
        return worst
    return value if math.isfinite(value) else worst


class LastCheckpoint(keras.callbacks.Callback):
    """Saves network and optimiser after every epoch, atomically: a killed process leaves the previous checkpoint.

    Args:
        path: The .keras file.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self._path = Path(path)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes beside the file, then takes its place."""
        unfinished = self._path.with_name(f"{self._path.stem}_unfinished.keras")
        self.model.save(unfinished)
        os.replace(unfinished, self._path)


class BestCheckpoint(keras.callbacks.ModelCheckpoint):
    """Keras's checkpoint of the best epoch, which skips epochs without a measurement.

    Keras would warn at each of them, and take a NaN of the first epoch for the best for ever.

    Args:
        path: The .keras file.
        monitor: The metric to monitor; for a loss smaller is better, otherwise larger.
        rows: Rows of the history so far, whose best must be exceeded.
    """

    def __init__(self, path: str | Path, monitor: str, rows: Sequence[Mapping[str, Any]] = ()):
        best = _best([measured(row, monitor) for row in rows], monitor)
        super().__init__(path, monitor=monitor, mode=_mode(monitor), save_best_only=True, initial_value_threshold=best)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves where there is a better figure."""
        if math.isfinite(measured(logs or {}, self.monitor)):
            super().on_epoch_end(epoch, logs)


class HistoryFile(keras.callbacks.Callback):
    """history.csv: one row per epoch, with the same columns throughout, empty if nothing was measured.

    `keras.callbacks.CSVLogger` fixes its columns at the first row it writes, which loses what is only measured every
    few epochs and shifts columns after a resume.

    Args:
        path: The CSV file.
        rows: Rows of the epochs before.
    """

    def __init__(self, path: str | Path, rows: Sequence[Mapping[str, Any]] = ()):
        super().__init__()
        self._path = Path(path)
        self._rows = [dict(row) for row in rows]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Adds the epoch's row."""
        values = {name: float(value) for name, value in sorted((logs or {}).items())}
        self._rows.append({"epoch": epoch} | {name: value for name, value in values.items() if math.isfinite(value)})
        columns = dict.fromkeys(name for row in self._rows for name in row)
        unfinished = self._path.with_suffix(".csv.new")
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows)
        os.replace(unfinished, self._path)


class ResumableEarlyStopping(keras.callbacks.EarlyStopping):
    """Keras's early stopping, which also counts the epochs before an interruption.

    The best figure is that of all phases, but each of them has its patience for itself. Epochs without a measurement
    count as epochs without a better one.

    Args:
        monitor: The metric to monitor; for a loss smaller is better, otherwise larger.
        patience: Epochs without improvement before training stops.
        rows: Rows of the phase's history so far.
        earlier: Rows of the phases before.
    """

    def __init__(
        self,
        monitor: str,
        patience: int,
        rows: Sequence[Mapping[str, Any]] = (),
        earlier: Sequence[Mapping[str, Any]] = (),
    ):
        super().__init__(monitor=monitor, mode=_mode(monitor), patience=patience)
        self._figures = [measured(row, monitor) for row in rows]
        self._best_before = _best([measured(row, monitor) for row in earlier], monitor)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts from the best value so far and the epochs since, or all of the phase where it is from before."""
        super().on_train_begin(logs)
        self.best = _best([self._best_before, *self._figures], self.monitor)
        since = self._figures if self.best == self._best_before else self._figures[self._figures.index(self.best) + 1 :]
        self.wait = len(since)

    def get_monitor_value(self, logs: dict | None) -> float:
        """The epoch's figure; Keras would take a NaN of the first epoch for the best value for ever."""
        return measured(logs or {}, self.monitor)


def _mode(monitor: str) -> Literal["min", "max"]:
    """Which way a figure is better."""
    return "min" if monitor.endswith("loss") else "max"


def _best(values: Sequence[float], monitor: str) -> float:
    """The best of the figures so far; the infinity that anything exceeds where there is none."""
    return max(values, default=-math.inf) if _mode(monitor) == "max" else min(values, default=math.inf)


class FiniteLoss(keras.callbacks.Callback):
    """Stops training when the loss becomes NaN or infinite, before a checkpoint is written."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the loss.

        Raises:
            FloatingPointError: If it is NaN or infinite.
        """
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss} at batch {batch + 1} of the epoch. Reduce training.learning_rate (with phases "
                "training.phases.0.learning_rate and so on) or training.clip_norm, and run `cnn-suite doctor` on the "
                "data; --resume then continues from the previous epoch"
            )
