"""Plots of a detector's training and mistakes: curves, confusions and the worst pictures.

Every function returns a matplotlib `Figure` without a window, so no display is needed. matplotlib comes
with the extra `cnn_suite[plots]` and is imported only when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_suite.metrics.detection_pictures import DetectionsLike, Truths
from cnn_suite.metrics.detection_report import DetectionReport, worst_pictures
from cnn_suite.metrics.plotting import label_axes, line_colour, new_figure, save_figure, training_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRUTH_COLOUR, _FOUND_COLOUR = "#009E73", "#D55E00"
_MOST_NUMBERS = 20  # with more classes the numbers in a confusion matrix would overlap


def precision_recall_curves(
    report: DetectionReport, labels: Sequence[str], *, ap50: Sequence[float] | None = None
) -> Figure:
    """Precision over recall at IoU 0.5, one line per class and one for all, with the points of the best F1.

    Args:
        report: Curves of all classes.
        labels: The classes' names.
        ap50: Average precision of each class at IoU 0.5, written beside the names; None to leave it out.
    """
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    lines = list(zip(labels, report.curves, strict=True)) + [("all classes", report.overall)]
    for number, (name, curve) in enumerate(lines):
        if not curve.truths:
            continue
        whole = number == len(lines) - 1
        colour, best = "#444444" if whole else line_colour(number), curve.best()
        name = name if whole or ap50 is None else f"{name}, AP50 {ap50[number]:.3f}"
        name = name if best is None else f"{name}, best F1 {best.f1:.3f} at {best.confidence:.2f}"
        axes.plot(curve.recall, curve.precision, "--" if whole else "-", color=colour, label=name, linewidth=1.6)
        if best is not None:
            axes.plot(best.recall, best.precision, "o", color=colour, markersize=5)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    label_axes(axes, "recall", "precision", "Precision and recall at IoU 0.5")
    if axes.lines:
        axes.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def confusion_figure(confusion: np.ndarray, labels: Sequence[str], *, confidence: float | None = None) -> Figure:
    """The confusion matrix: rows are true classes, columns detections, colours fractions of the row.

    Args:
        confusion: Counts `(classes + 1, classes + 1)`, background last.
        labels: The classes' names.
        confidence: The confidence the counts were taken at, for the title.

    Raises:
        ValueError: If the matrix is not one larger than the number of labels.
    """
    count = len(labels) + 1
    if confusion.shape != (count, count):
        raise ValueError(
            f"`confusion` must have shape ({count}, {count}): {len(labels)} labels and background. "
            f"Received {confusion.shape}."
        )
    names = [*labels, "background"]
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.7 * min(count, _MOST_NUMBERS)
    figure = new_figure(side, side - 0.4)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(count), names, rotation=45, ha="right")
    axes.set_yticks(range(count), names)
    if count <= _MOST_NUMBERS:
        for row, column in np.ndindex(count, count):
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour)
    title = "Confusions" if confidence is None else f"Confusions at confidence {confidence:.2f}"
    label_axes(axes, "found", "truth", title)
    axes.grid(False)
    return figure


def worst_pictures_sheet(
    report: DetectionReport,
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    labels: Sequence[str],
    read_image: Callable[[int], np.ndarray],
    *,
    names: Sequence[str] | None = None,
    count: int = 6,
) -> Figure:
    """The pictures with the most errors: ground truth in solid green, detections in dashed orange with their class.

    Args:
        report: Says which pictures are the worst, and the confidence of a box that is drawn.
        truths: One per picture.
        detections: One per picture.
        labels: The classes' names.
        read_image: Gives picture `index` as RGB uint8 `(height, width, 3)`.
        names: The pictures' names, for the titles; None for their numbers.
        count: At most this many pictures.
    """
    chosen = worst_pictures(report.outcomes, count)
    columns = min(len(chosen), 3) or 1
    rows = -(-len(chosen) // columns) or 1
    figure = new_figure(4.2 * columns, 3.4 * rows)
    figure.suptitle(
        f"Ground truth solid green, detections dashed orange (confidence from {report.confidence:.2f})", fontsize=10
    )
    for place, index in enumerate(chosen, start=1):
        axes, outcome = figure.add_subplot(rows, columns, place), report.outcomes[index]
        axes.imshow(read_image(index))
        axes.autoscale(False)  # boxes that leave the picture are cut at its border
        _draw_boxes(axes, truths[index].xyxy_px, _TRUTH_COLOUR, "-", None)
        kept = np.asarray(detections[index].confidence) >= report.confidence
        found_labels = [labels[k] for k in np.asarray(detections[index].class_id)[kept]]
        _draw_boxes(axes, np.asarray(detections[index].xyxy_px)[kept], _FOUND_COLOUR, "--", found_labels)
        errors = f"{outcome.missed} missed, {outcome.false} false, {outcome.wrong_class} wrong class"
        axes.set_title(f"{index if names is None else names[index]}: {errors}", fontsize=8)
        axes.axis("off")
    if not chosen:
        figure.text(0.5, 0.5, "No picture has errors.", ha="center")
    return figure


def write_detection_plots(
    folder: Path,
    report: DetectionReport,
    truths: Sequence[Truths],
    detections: Sequence[DetectionsLike],
    labels: Sequence[str],
    read_image: Callable[[int], np.ndarray],
    *,
    names: Sequence[str] | None = None,
    ap50: Sequence[float] | None = None,
    history: Path | None = None,
) -> list[Path]:
    """Draws everything of this module into `folder`, which is made if needed; arguments as above.

    Returns:
        The files: precision_recall.png, confusion_matrix.png, worst_pictures.png and, with `history`,
        training_curves.png.
    """
    figures = {
        "precision_recall": precision_recall_curves(report, labels, ap50=ap50),
        "confusion_matrix": confusion_figure(report.confusion, labels, confidence=report.confidence),
        "worst_pictures": worst_pictures_sheet(report, truths, detections, labels, read_image, names=names),
    }
    if history is not None:
        figures["training_curves"] = training_curves(history)
    return [save_figure(figure, folder / f"{name}.png") for name, figure in figures.items()]


def _draw_boxes(axes: Axes, xyxy_px: Any, colour: str, style: str, labels: Sequence[str] | None) -> None:
    for number, (x0, y0, x1, y1) in enumerate(np.asarray(xyxy_px).tolist()):
        axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], style, color=colour, linewidth=1.2)
        if labels is not None:
            plate = {"facecolor": colour, "edgecolor": "none", "pad": 0.8}
            below = y0 < 0.05 * max(axes.get_ylim())  # at the upper edge the name would cover the title
            text = axes.text(
                x0, y0, labels[number], color="white", fontsize=6, va="top" if below else "bottom", bbox=plate
            )
            text.set_in_layout(False)  # a name that leaves the picture must not shrink it
