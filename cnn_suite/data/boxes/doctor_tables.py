"""The doctor's report as text: rich tables, plain when the output is not a terminal."""

from __future__ import annotations

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cnn_suite.data.boxes.annotations import REPAIRS
from cnn_suite.data.boxes.doctor import DoctorReport
from cnn_suite.data.boxes.statistics import QUANTILES

_SIZES_SHOWN = 5


def print_report(report: DoctorReport, console: Console | None = None) -> None:
    """Print `render(report)`; faults are not wrapped, so that `file:line` stays clickable."""
    (console or Console(soft_wrap=True)).print(render(report))


def render(report: DoctorReport) -> Group:
    """The report as one rich renderable."""
    parts: list[RenderableType] = [Text(f"{report.path} ({report.data.format})", style="bold")]
    parts += [Text(f"  {note}") for note in report.data.notes]
    parts += [_classes(report), _boxes(report), _pictures(report), _anchors(report)]
    parts += [_fault_counts(report)] if report.faults else []
    parts += [Text(str(fault), overflow="ignore", no_wrap=True) for fault in report.faults]
    return Group(*parts, _verdict(report))


def _classes(report: DoctorReport) -> Table:
    table = Table(title="Boxes per class", title_justify="left")
    table.add_column("class")
    for split in report.classes:
        table.add_column(split, justify="right")
    for label in report.data.labels:
        table.add_row(label, *(str(counts[label]) for counts in report.classes.values()))
    table.add_section()
    table.add_row("boxes", *(str(sum(counts.values())) for counts in report.classes.values()))
    table.add_row("pictures", *(str(report.pictures[split]) for split in report.classes))
    return table


def _boxes(report: DoctorReport) -> Table:
    table = Table(title="Box sizes in picture pixels", title_justify="left")
    table.add_column("")
    for quantile in QUANTILES:
        name = {0.0: "smallest", 0.5: "median", 1.0: "largest"}.get(quantile, f"{quantile:.0%}")
        table.add_column(name, justify="right")
    for name, values in report.box_quantiles.items():
        table.add_row(name.removesuffix("_px"), *(f"{value:.0f}" for value in values))
    table.caption = ", ".join(f"{count} {name}" for name, count in report.box_sizes.items()) + " (COCO's sizes)"
    return table


def _pictures(report: DoctorReport) -> Text:
    sizes = list(report.picture_sizes.items())
    shown = ", ".join(f"{size} ({count})" for size, count in sizes[:_SIZES_SHOWN]) or "none"
    more = f" and {len(sizes) - _SIZES_SHOWN} other sizes" if len(sizes) > _SIZES_SHOWN else ""
    counts = report.boxes_per_picture
    return Text(
        f"Pictures: {shown}{more}.\n"
        f"Boxes per picture: {counts['fewest']:g} to {counts['most']:g}, mean {counts['mean']:.1f}, "
        f"median {counts['median']:g}; {counts['background']:g} background pictures; {report.crowd} crowd boxes, "
        f"{report.difficult} difficult ones."
    )


def _anchors(report: DoctorReport) -> Text:
    height, width = report.image_size_hw
    fit, collisions = report.anchor_fit, report.collisions
    if fit is None or collisions is None:
        return Text("Anchors: too few different boxes for an estimate.")
    anchors = "  ".join(f"{w:.0f},{h:.0f}" for w, h in np.round(fit.anchors_px))
    by_stride = ", ".join(f"{count} at stride {stride}" for stride, count in collisions.by_stride.items())
    return Text(
        f"Anchors ({fit.source}, at {width}x{height}): {anchors}\n"
        f"  mean best shape IoU {fit.mean_iou:.3f}, above 0.5 for {fit.share_above_half:.1%} of the boxes.\n"
        f"Collisions: {collisions.overwritten} of {collisions.objects} objects, in {collisions.pictures} pictures, "
        f"share their cell and anchor with another object ({by_stride})."
    )


def _fault_counts(report: DoctorReport) -> Table:
    table = Table(title="Faults", title_justify="left")
    table.add_column("kind")
    table.add_column("number", justify="right")
    table.add_column("a repaired copy has")
    for kind, count in report.fault_counts.items():
        table.add_row(kind, str(count), REPAIRS[kind])
    return table


def _verdict(report: DoctorReport) -> Text:
    if not report.faults:
        return Text("No faults.", style="green")
    count = "1 fault" if len(report.faults) == 1 else f"{len(report.faults)} faults"
    advice = f"Run `cnn-suite doctor {report.path} --repair FOLDER` to write a repaired copy."
    return Text(f"{count}. {advice}", style="red")
