"""Plots of a classifier: its confusions, its calibration, and its worst mistakes.

Every function returns a matplotlib `Figure` without a window, so no display is needed. matplotlib comes
with the extra `cnn_suite[plots]` and is imported only when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_suite.metrics.calibration import Reliability
from cnn_suite.metrics.classification import ClassificationMetrics
from cnn_suite.metrics.plotting import COLOURS, label_axes, new_figure, save_figure, training_curves
from cnn_suite.runtime.media.picture_arrays import as_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NUMBERS = 30  # with more classes the numbers in a confusion matrix would overlap
_MOST_LABELS = 100  # with more classes so would their names
_FEW = 12  # up to here names may stand slanted, and numbers large
_LETTERS = 24
_SHARES = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 1)
_BLUE, _ORANGE = COLOURS[0], COLOURS[1]


def confusion_figure(metrics: ClassificationMetrics, labels: Sequence[str]) -> Figure:
    """The confusion matrix: rows the truth, columns the prediction, colour the fraction of the row.

    With more than 30 classes the counts are left out, with more than 100 some of the names.

    Args:
        metrics: Holds the counts.
        labels: The classes' names.

    Raises:
        ValueError: If there is not one label for each class.
    """
    counts = metrics.confusion
    classes, names = len(counts), _names(labels, len(counts))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few, size = classes <= _FEW, 9 if classes <= _FEW else 7 if classes <= _MOST_NUMBERS else 6
    side = min(max((0.55 if few else 0.36 if classes <= _MOST_NUMBERS else 0.115) * classes, 2.6), 12.0)
    label = max(len(name) for name in names) * size * 0.6 / 72  # inches: a letter is 0.6 as wide as high
    figure = new_figure(side + label + 1.6, side + label + 0.9)
    figure.set_layout_engine("compressed")  # "constrained" cuts off the title of a plot whose cells stay square
    axes = figure.add_subplot()
    # The root lets single mistakes be seen beside a diagonal of nearly 1.
    image = axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
    shown = range(0, classes, -(-classes // _MOST_LABELS))
    text: dict[str, Any] = {"fontsize": size, "parse_math": False}
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    slant = slant if few else {"rotation": 90}
    axes.set_xticks(shown, [names[k] for k in shown], **text, **slant)
    axes.set_yticks(shown, [names[k] for k in shown], **text)
    if classes <= _MOST_NUMBERS:
        _write_counts(axes, counts, share, size)
    label_axes(axes, "prediction", "truth", _accuracy_title(metrics))
    axes.grid(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.02)
    bar.set_label("fraction of the true class", fontsize=8)
    bar.set_ticks(np.sqrt(_SHARES).tolist(), labels=[f"{tick:g}" for tick in _SHARES], fontsize=8)
    bar.outline.set_visible(False)
    return figure


def reliability_figure(table: Reliability) -> Figure:
    """Reliability diagram: accuracy and number of pictures in each bin of confidence.

    Args:
        table: The pictures in bins of confidence.
    """
    bins, pictures = len(table.count), int(table.count.sum())
    edges = np.linspace(0, 1, bins + 1)
    filled = table.count > 0
    figure = new_figure(4.8, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    accuracy, confidence = table.accuracy[filled], table.confidence[filled]
    place = {"width": 1 / bins, "align": "edge", "edgecolor": "white", "linewidth": 0.6}
    upper.bar(edges[:-1][filled], accuracy, color=_BLUE, label="accuracy", **place)
    low, height = np.minimum(accuracy, confidence), abs(accuracy - confidence)
    gap = place | {"edgecolor": _ORANGE, "linewidth": 0.8, "hatch": "////", "label": "gap to the confidence"}
    upper.bar(edges[:-1][filled], height, bottom=low, color="none", **gap)
    upper.plot([0, 1], [0, 1], "--", color="#444444", linewidth=1, label="honest")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    label_axes(upper, "", "accuracy", f"Reliability: calibration error (ECE) {table.ece:.4f}")
    upper.legend(frameon=False, fontsize=8, loc="upper left")
    lower.bar(edges[:-1], table.count / pictures, color="#888888", **place)
    label_axes(lower, "confidence of the prediction", "fraction of pictures", "")
    lower.set_title(f"{pictures:,} pictures", fontsize=8, loc="left")
    for axes in (upper, lower):
        axes.set_axisbelow(True)
    return figure


def worst_mistakes(probabilities: np.ndarray, class_ids: np.ndarray, most: int = 24) -> np.ndarray:
    """Indices of the misclassified pictures, highest confidence first.

    Args:
        probabilities: Float `(n, classes)`.
        class_ids: Whole numbers `(n,)`, the truth.
        most: At most this many.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != class_ids)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:most]


def mistakes_figure(
    probabilities: np.ndarray,
    class_ids: np.ndarray,
    labels: Sequence[str],
    load: Callable[[int], np.ndarray],
    names: Sequence[str] | None = None,
    *,
    most: int = 24,
) -> Figure:
    """The most confident mistakes: each picture with its true class, and the prediction with its confidence.

    Args:
        probabilities: Float `(n, classes)`.
        class_ids: Whole numbers `(n,)`, the truth.
        labels: The classes' names.
        load: Gives picture `index` as uint8 `(height, width, 1 or 3)`, RGB or grey.
        names: The pictures' names, written below them; None to omit them.
        most: At most this many pictures.

    Raises:
        ValueError: If there is not one label for each class, or one name for each picture.
    """
    label_of = _names(labels, probabilities.shape[1])
    if names is not None and len(names) != len(probabilities):
        raise ValueError(f"`names` must name all {len(probabilities)} pictures. Received {len(names)} names.")
    chosen = worst_mistakes(probabilities, class_ids, most)
    columns = min(len(chosen), 6) or 1
    rows = -(-len(chosen) // columns) or 1
    figure = new_figure(max(1.75 * columns, 5.2), 0.5 + 2.15 * rows)
    if not len(chosen):
        figure.text(0.5, 0.5, "No picture is misclassified.", ha="center")
        return figure
    figure.suptitle("Most confident mistakes: true class above, prediction and its confidence below", fontsize=10)
    for place, index in enumerate(chosen.tolist(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(as_rgb(load(index)), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        predicted = int(probabilities[index].argmax())
        axes.set_title(label_of[int(class_ids[index])], fontsize=8, color=COLOURS[2], pad=3, parse_math=False)
        said = f"{label_of[predicted]} {probabilities[index, predicted]:.3f}"
        axes.set_xlabel(said, fontsize=8, color=_ORANGE, labelpad=3, parse_math=False)
        if names is not None:
            style: dict[str, Any] = {"fontsize": 5.5, "color": "#666666", "parse_math": False}
            style |= {"xycoords": axes.xaxis.label, "textcoords": "offset points", "ha": "center", "va": "top"}
            axes.annotate(_end_of(str(names[index])), (0.5, 0), (0, -1), **style)
    return figure


def write_classification_plots(
    folder: Path,
    metrics: ClassificationMetrics,
    labels: Sequence[str],
    mistakes: Figure | None = None,
    history: Path | None = None,
) -> list[Path]:
    """Writes the plots of a classifier into `folder`, which is made if needed.

    Args:
        folder: Where to.
        metrics: Its figures.
        labels: The classes' names.
        mistakes: The result of `mistakes_figure`; None for what are no pictures.
        history: A training's history.csv.

    Returns:
        The files: confusion_matrix.png, reliability.png, with `mistakes` most_confused.png, and with `history`
        training_curves.png.
    """
    figures = {
        "confusion_matrix": confusion_figure(metrics, labels),
        "reliability": reliability_figure(metrics.reliability),
    }
    if mistakes is not None:
        figures["most_confused"] = mistakes
    if history is not None:
        figures["training_curves"] = training_curves(history)
    return [save_figure(figure, folder / f"{name}.png") for name, figure in figures.items()]


def _names(labels: Sequence[str], classes: int) -> list[str]:
    if len(labels) != classes:
        raise ValueError(f"`labels` must name all {classes} classes. Received {len(labels)} labels.")
    return [label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…" for label in map(str, labels)]


def _end_of(path: str) -> str:
    """The part of a long path that says most: its end."""
    return path if len(path) <= _LETTERS else "…" + path[1 - _LETTERS :]


def _accuracy_title(metrics: ClassificationMetrics) -> str:
    low, high = metrics.accuracy_interval
    pictures = int(metrics.support.sum())
    return f"Accuracy {metrics.accuracy:.4f} on {pictures:,} pictures\n95 %: {low:.4f} to {high:.4f}"


def _write_counts(axes: Axes, counts: np.ndarray, share: np.ndarray, size: int) -> None:
    for row, column in np.argwhere(counts):  # an empty cell stays empty
        number = str(counts[row, column])
        style: dict[str, Any] = {"fontsize": size if len(number) <= 4 else size - 2, "ha": "center", "va": "center"}
        axes.text(column, row, number, color="white" if share[row, column] > 0.3 else "black", **style)
