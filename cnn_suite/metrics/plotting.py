"""Shared code of all plots: figures without a window, colours, axes, and training curves.

matplotlib comes with the extra `cnn_suite[plots]` and is imported only when something is drawn.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008, Color Universal Design: told apart by readers of every colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")


def training_curves(history: Path) -> Figure:
    """Loss, metrics and learning rate over the epochs.

    Args:
        history: The CSV file that `keras.callbacks.CSVLogger` writes: a column `epoch` and one for each number.

    Raises:
        ValueError: If the file has no column `epoch` or no row.
    """
    columns = _read_history(history)
    epochs = columns.pop("epoch") + 1
    panels: dict[str, list[str]] = {"loss": [], "metrics": [], "learning rate": []}
    for name in columns:
        panel = "loss" if "loss" in name else "learning rate" if name in ("learning_rate", "lr") else "metrics"
        panels[panel].append(name)
    shown = {title: names for title, names in panels.items() if names}
    figure = new_figure(4.8 * max(len(shown), 1), 3.6)
    for place, (title, names) in enumerate(shown.items(), start=1):
        axes = figure.add_subplot(1, len(shown), place)
        measured = list(dict.fromkeys(name.removeprefix("val_") for name in names))
        for name in names:
            drawn = np.isfinite(columns[name])  # a metric taken every few epochs is drawn as one line
            colour = line_colour(measured.index(name.removeprefix("val_")))
            style = "--" if f"val_{name}" in names else "-"  # in training dashed, where validation is drawn as well
            marker = "o" if drawn.sum() == 1 else None
            axes.plot(epochs[drawn], columns[name][drawn], style, color=colour, marker=marker, label=name)
        label_axes(axes, "epoch", "", title)
        if title == "loss" and all(np.nanmin(columns[name], initial=np.inf) > 0 for name in names):
            axes.set_yscale("log")
        if len(names) > 1 or title == "metrics":
            axes.legend(frameon=False, fontsize=8)
    return figure


def require_matplotlib() -> None:
    """Raises an error if matplotlib is missing; call it before long work.

    Raises:
        ImportError: If matplotlib is missing.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib, which is not installed. Install it with `pip install 'cnn_suite[plots]'`."
        ) from error


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, outside pyplot: no window, no global state."""
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure to `path`, in the format its suffix says, making the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path


def _read_history(path: Path) -> dict[str, np.ndarray]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "epoch" not in rows[0]:
        raise ValueError(f"{path} must have a column `epoch` and at least one row. Received {len(rows)} rows.")
    return {name: np.array([_number(row[name]) for row in rows]) for name in rows[0]}


def _number(text: str | None) -> float:
    """A cell of the history; CSVLogger writes NA, and an interrupted line ends early, where there is no number."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def line_colour(number: int) -> str:
    """A colour for the line of this number."""
    return COLOURS[number % len(COLOURS)]


def label_axes(axes: Axes, x: str, y: str, title: str) -> None:
    """Labels axes and plot, and removes unneeded lines."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
