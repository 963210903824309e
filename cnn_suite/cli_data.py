"""The commands about data: `cnn-suite doctor` examines a data set, `cnn-suite data` shows it as training sees it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cnn_suite.cli_arguments import Config, Debug, Json, Overrides, Quiet, UsageFault, parse_numbers, parse_size
from cnn_suite.cli_output import as_lines, print_json, progress, show, stdout_kept_clean
from cnn_suite.runtime.quiet_imports import imports_muted


def doctor(
    data: Annotated[Path, typer.Argument(help="Data set: folder or annotation file.", exists=True, show_default=False)],
    format: Annotated[
        str, typer.Option(help="auto, voc, yolo_txt, coco, landmarks_csv or image_folder (of classes).")
    ] = "auto",
    labels: Annotated[str, typer.Option(help="Class names in order, comma-separated.")] = "",
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Network input size.")] = "416x416",
    strides: Annotated[str, typer.Option(help="Input pixels per cell of each head.")] = "8,16,32",
    anchors: Annotated[str, typer.Option(help="Anchors in input pixels: 'w,h w,h ...'.", show_default="k-means")] = "",
    repair: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write a repaired copy to this folder.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List every fault of a data set with file and line, and what its boxes look like; status 1 on a fault.

    A classifier's data, folders of classes or a zip of them, are decoded picture by picture; the flags about boxes and
    anchors do not concern them.
    """
    size_hw, heads = parse_size(size), [int(stride) for (stride,) in parse_numbers(strides.replace(",", " "), 1)]
    given, names = parse_numbers(anchors, 2), [name.strip() for name in labels.split(",") if name.strip()]
    from cnn_suite.data.classes.class_doctor import holds_classes

    if holds_classes(data, format):
        return _doctor_of_classes(data, names, repair, as_json, quiet)
    from cnn_suite.data.boxes.doctor import examine
    from cnn_suite.data.boxes.doctor_tables import print_report

    with stdout_kept_clean(as_json), progress("Reading pictures", quiet) as on_progress:
        found = examine(
            data,
            format=format,
            labels=names or None,
            anchors=given or None,
            image_size_hw=size_hw,
            strides=heads,
            on_progress=on_progress,
        )
    if as_json:
        print_json(found.as_dict())
    else:
        print_report(found)
    if repair:
        from cnn_suite.data.boxes.repair import repair as write_repaired

        repaired = write_repaired(found.data, repair)
        print(f"Repaired copy ({len(repaired)} repairs): {repair}", file=sys.stderr)
    if found.faults:
        raise typer.Exit(1)


def _doctor_of_classes(path: Path, labels: list[str], repair: Path | None, as_json: bool, quiet: bool) -> None:
    if repair:
        raise UsageFault("--repair writes copies of data for detectors. In class folders take the faulty files out.")
    from cnn_suite.data.classes.class_doctor import examine_classes
    from cnn_suite.data.classes.class_doctor_tables import print_report

    with stdout_kept_clean(as_json), progress("Reading pictures", quiet) as on_progress:
        found = examine_classes(path, labels=labels or None, on_progress=on_progress)
    if as_json:
        print_json(found.as_dict())
    else:
        print_report(found)
    if found.faults:
        raise typer.Exit(1)


def data(
    config: Config,
    overrides: Overrides = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw augmented training pictures into this .png file.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Rows of the sheet; a classifier's have one picture each.")] = 8,
    versions: Annotated[int, typer.Option(min=1, help="Columns of the sheet, random versions.")] = 7,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read a classifier's or style network's data as training would, and optionally draw augmented pictures."""
    from cnn_suite.config import ConfigError, load_config

    settings = load_config(config, overrides or [])
    if settings.task not in ("classification", "style"):
        instead = " Try `doctor`." if settings.task in ("detection", "localization") else ""
        raise ConfigError(f"task: `data` needs a classification or style task. Received {settings.task}.{instead}")
    with imports_muted(debug):
        from cnn_suite.tasks.choice import task_of

        task = task_of(settings.task)
    with stdout_kept_clean(as_json):
        found = task.datasets(settings)
        if sheet:
            task.write_training_sheet(sheet, settings, found, rows=pictures, columns=versions)
    show(task.counts(found), as_json, lambda: as_lines(task.counts(found)))
