"""The command line, `cnn-suite COMMAND`: parse arguments, call the command's function, print the result.

Each function is imported inside its command, so that `--help` does not import TensorFlow.
Exit status: 0 done, 1 the work failed or found faults, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cnn_suite.cli_arguments import (
    Config,
    Debug,
    Json,
    Overrides,
    Quiet,
    UsageFault,
    check_suffix,
    is_usage,
    model_folder,
    named_network,
    parse_formats,
    parse_size,
    parse_units,
)
from cnn_suite.cli_data import data, doctor
from cnn_suite.cli_face import face_app
from cnn_suite.cli_output import as_lines, in_three_lines, progress, show, stdout_kept_clean
from cnn_suite.cli_stylize import stylize
from cnn_suite.file_names import PICTURE_OUTPUT_SUFFIXES, PLOT_SUFFIXES
from cnn_suite.runtime.interrupts import signals_interrupt
from cnn_suite.runtime.quiet_imports import imports_muted

app = typer.Typer(
    name="cnn-suite",
    help="Train, evaluate, export and benchmark convolutional networks.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

app.add_typer(face_app)
app.command()(stylize)

Model = Annotated[str, typer.Argument(help="Model folder, or the name of one in saved_models/.", show_default=False)]


@app.command()
def train(
    config: Config,
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint of this run.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model from a YAML file into runs/<name>/, then write its model folder."""
    from cnn_suite.config import load_config

    settings = load_config(config, overrides or [])
    with imports_muted(debug):
        from cnn_suite.evaluate import evaluate_run, evaluation_of
        from cnn_suite.export import export_model
        from cnn_suite.export_target import target_of, told_of
        from cnn_suite.train import to_resume
        from cnn_suite.train import train as train_model

    replaced = told_of(target_of(settings.name))
    if replaced:
        advice = "" if resume else " To keep it, choose another name=…."
        print(f"{target_of(settings.name)} will be replaced: {replaced}.{advice}", file=sys.stderr)
    with stdout_kept_clean(as_json):
        try:
            run = train_model(settings, resume=resume, quiet=quiet or not sys.stderr.isatty())
        except KeyboardInterrupt:
            if kept := to_resume(settings):
                print(f"Interrupted: {kept} is kept. To continue, add --resume.", file=sys.stderr)
            raise
        folder = export_model(run, replace=True)
        metrics = evaluate_run(folder, run, quiet=quiet)
    validation = {name: metrics.get(name) for name in evaluation_of(settings.task).HEADLINE}
    figures = {"run": run, "model": folder, "validation": validation}
    show(figures, as_json, lambda: as_lines(figures))


@app.command("config")
def configuration(
    task: Annotated[str, typer.Argument(help="detection, classification, ...", show_default=False)],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Print every key of a task's configuration, with default and meaning, as a YAML file to start from."""
    from cnn_suite.config_template import template, template_rows

    show(template_rows(task), as_json, lambda: template(task).rstrip())


@app.command()
def evaluate(
    model: Model,
    data: Annotated[Path, typer.Option(help="Data set: folder or annotation file.", exists=True, show_default=False)],
    split: Annotated[str | None, typer.Option(help="Part of the data set; test, or else what was held out.")] = None,
    format: Annotated[str, typer.Option(help="Format of the data; auto detects it.")] = "auto",
    runtime: Annotated[str, typer.Option(help="Runtime: litert or saved_model.")] = "litert",
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write curves and pictures to this folder.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the metrics into the model's card.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Evaluate an exported model on annotated data with its task's standard metrics."""
    folder = model_folder(model)
    with imports_muted(debug):
        from cnn_suite.evaluate import evaluate_model

    with stdout_kept_clean(as_json):
        metrics = evaluate_model(
            folder, data, split=split, format=format, runtime=runtime, report_folder=report, record=record, quiet=quiet
        )
    show(metrics, as_json, lambda: as_lines(metrics))


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Run, model folder, its name, or .keras file.", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Replace fields: export.mirror=true.")
    ] = None,
    formats: Annotated[
        str, typer.Option(help="Any of saved_model,litert,onnx.", show_default="the configuration's")
    ] = "",
    int8: Annotated[bool, typer.Option("--int8", help="Also write an 8-bit quantised LiteRT file.")] = False,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Model folder to write.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a model folder and check that all formats give the same results."""
    chosen, source = parse_formats(formats), Path(model) if Path(model).exists() else model_folder(model)
    with imports_muted(debug):
        from cnn_suite.export import export_model
    with stdout_kept_clean(as_json):
        folder = export_model(source, folder=output, formats=chosen or None, int8=int8, overrides=overrides or ())
    show({"model": folder}, as_json, lambda: f"Model folder: {folder}")


@app.command()
def convert(
    cfg: Annotated[Path, typer.Argument(help="Darknet's .cfg.", exists=True, dir_okay=False, show_default=False)],
    weights: Annotated[Path, typer.Argument(help="Its .weights.", exists=True, dir_okay=False, show_default=False)],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Model folder to write.", show_default=False)],
    names: Annotated[
        Path | None, typer.Option(help="File of class names, one per line.", exists=True, dir_okay=False)
    ] = None,
    formats: Annotated[str, typer.Option(help="Any of saved_model,litert,onnx.")] = "saved_model,litert",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert a Darknet detector (YOLOv2 to YOLOv4) into a model folder."""
    chosen = parse_formats(formats)
    with imports_muted(debug):
        from cnn_suite.convert import convert_darknet
    with stdout_kept_clean(as_json):
        folder = convert_darknet(cfg, weights, output, names=names, formats=chosen)
    show({"model": folder}, as_json, lambda: f"Model folder: {folder}")


@app.command()
def benchmark(
    model: Model,
    runtime: Annotated[
        str, typer.Option(help="Runtime: litert, litert_int8, saved_model, keras, onnx, or all.")
    ] = "all",
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Size of the input picture.")] = "480x640",
    repeats: Annotated[int, typer.Option(min=1, help="Number of timed calls.")] = 100,
    threads: Annotated[int, typer.Option(min=1, help="Threads per runtime.")] = 2,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure latency, throughput, start-up time and memory of a model, each runtime in a new process."""
    folder, size_hw = model_folder(model), parse_size(size)
    from cnn_suite.benchmark import benchmark_model, render

    with stdout_kept_clean(as_json):
        figures = benchmark_model(folder, runtime=runtime, size_hw=size_hw, repeats=repeats, threads=threads)
    show(figures, as_json, lambda: render(figures))


app.command()(doctor)
app.command()(data)


@app.command(name="find-rate")
def find_rate(
    config: Config,
    overrides: Overrides = None,
    steps: Annotated[int, typer.Option(min=10, help="Number of batches, each with a higher rate.")] = 100,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Plot loss over rate into this .png file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Suggest a learning rate: the one at which the loss falls fastest in a short trial."""
    from cnn_suite.config import load_config

    if plot is not None:
        check_suffix("--plot", plot, PLOT_SUFFIXES)
    settings = load_config(config, overrides or [])
    with imports_muted(debug):
        from cnn_suite.train import try_rates

    with stdout_kept_clean(as_json):
        finding = try_rates(settings, steps=steps, plot=plot)
    told = {"suggestion": finding.suggestion, "reason": finding.reason, "stopped": finding.stopped}
    show(finding.as_dict(), as_json, lambda: as_lines({name: value for name, value in told.items() if value}))


@app.command()
def models(as_json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """List the networks that can be built by name, with parameter counts and multiply-adds."""
    from cnn_suite.catalogue import as_table, networks

    show([asdict(entry) for entry in networks()], as_json, as_table)


@app.command()
def summary(
    network: Annotated[str, typer.Argument(help="Builder name, model folder or .keras file.", show_default=False)],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Arguments of the builder: groups=2.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="HEIGHTxWIDTH", help="Input size.", show_default="the network's")] = "",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Summarise a network layer by layer: output shape, activation size, parameters, multiply-adds."""
    size_hw = parse_size(size) if size else None
    network, given = named_network(network, options or [])
    with imports_muted(debug):
        from cnn_suite.summary import as_rows, render, summarise

    sums = summarise(network, size_hw, given)
    show(as_rows(sums), as_json, lambda: render(sums))


@app.command()
def patches(
    model: Annotated[
        str, typer.Argument(help="Run folder, model folder, or the name of one in saved_models/.", show_default=False)
    ],
    layer: Annotated[str, typer.Argument(help="Layer with a feature map, or block/tensor.", show_default=False)],
    output: Annotated[Path, typer.Option(metavar="FILE", help="Picture to write (.png).", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Data set to use.", show_default="the training configuration's"),
    ] = None,
    units: Annotated[
        str, typer.Option(metavar="N,N,...", help="Channels of the layer.", show_default="the first 25")
    ] = "",
    pictures: Annotated[int, typer.Option(min=1, help="Number of pictures to use.")] = 500,
    count: Annotated[int, typer.Option(min=1, help="Patches per unit.")] = 9,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show the picture patches that activate each unit of a layer most."""
    numbers = parse_units(units)
    check_suffix("--output", output, PICTURE_OUTPUT_SUFFIXES)
    source = Path(model) if Path(model).exists() else model_folder(model)
    with imports_muted(debug):
        from cnn_suite.patches import write_patches

    with stdout_kept_clean(as_json):
        found = write_patches(source, layer, output, data=data, units=numbers, pictures=pictures, count=count)
    told = {"output": found["output"], "pictures": found["pictures"], "units": len(found["units"])}
    show(found, as_json, lambda: as_lines(told))


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name listed by `cnn-suite weights`.", show_default=False)],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Use this file, or folder of files, instead of downloading.", exists=True
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Download known pretrained weights and verify them; detectors are converted into model folders."""
    from cnn_suite.known_weights import KNOWN
    from cnn_suite.nearest_names import did_you_mean_or_all

    if name not in KNOWN:
        raise UsageFault(f"Unknown weights {name!r}.{did_you_mean_or_all(name, KNOWN)}")
    from cnn_suite.pull import pull as pull_weights

    with stdout_kept_clean(as_json), progress(f"Downloading {name}", quiet) as on_progress:
        path = pull_weights(
            name, source=source, quiet=quiet, on_progress=on_progress, while_importing=imports_muted(debug)
        )
    show({"name": name, "path": path}, as_json, lambda: f"{name}: {path}")


@app.command()
def weights(as_json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """List the known pretrained weights: size, licence, metrics, and which of them are downloaded."""
    from cnn_suite.pull import as_text, weights_table

    show(weights_table(), as_json, as_text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; errors become one to three plain lines on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    verb = " ".join(["cnn-suite", *[word for word in words[:1] if word in verbs]])
    try:
        with signals_interrupt():
            status = app(args=words or ["--help"], prog_name="cnn-suite", standalone_mode=False)
    except Exception as error:
        if "--debug" in words:
            raise
        print(f"{verb}: {in_three_lines(error, verb)}", file=sys.stderr)
        return 2 if is_usage(error) else 1
    if status == 130:
        print(f"{verb}: interrupted.", file=sys.stderr)
    return (status or 0) if words else 2


if __name__ == "__main__":
    sys.exit(main())
