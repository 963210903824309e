"""The doctor's report on class folders as text: rich tables, plain when the output is no terminal."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cnn_suite.data.classes.class_doctor import ClassReport

_SIZES_SHOWN = 5


def print_report(report: ClassReport, console: Console | None = None) -> None:
    """Prints `render(report)`; faults are wrapped nowhere, so that a path stays one clickable piece."""
    (console or Console(soft_wrap=True)).print(render(report))


def render(report: ClassReport) -> Group:
    """The report as one rich renderable."""
    parts: list[RenderableType] = [Text(f"{report.path} ({report.format})", style="bold")]
    parts += [_classes(report), _sizes(report)]
    parts += [Text(str(fault), overflow="ignore", no_wrap=True) for fault in report.faults]
    parts += [Text(note) for note in report.notes]
    count = "1 fault" if len(report.faults) == 1 else f"{len(report.faults)} faults"
    verdict = Text(f"{count}.", style="red") if report.faults else Text("No faults.", style="green")
    return Group(*parts, verdict)


def _classes(report: ClassReport) -> Table:
    table = Table(title="Sound pictures of each class", title_justify="left")
    table.add_column("class")
    for split in report.classes:
        table.add_column(split, justify="right")
    for label in report.labels:
        table.add_row(label, *(str(counts[label]) for counts in report.classes.values()))
    table.add_section()
    table.add_row("pictures", *(str(sum(counts.values())) for counts in report.classes.values()))
    return table


def _sizes(report: ClassReport) -> Text:
    sizes = list(report.picture_sizes.items())
    shown = ", ".join(f"{size} ({count})" for size, count in sizes[:_SIZES_SHOWN]) or "none"
    more = f" and {len(sizes) - _SIZES_SHOWN} other sizes" if len(sizes) > _SIZES_SHOWN else ""
    return Text(f"Pictures: {shown}{more}.")
