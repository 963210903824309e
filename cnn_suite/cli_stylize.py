"""The command line of style transfer, `cnn-suite stylize`: parse, call, report."""

from __future__ import annotations

import glob
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cnn_suite.cli_arguments import UsageFault, model_folder
from cnn_suite.cli_output import as_lines, imports_muted, progress, show, stdout_kept_clean
from cnn_suite.file_names import is_video_name
from cnn_suite.style_transfer.settings import TransferSettings

_DEFAULTS = TransferSettings()
_MOST_START_UP_S = 3.0  # of Python and the command line: within a longer-lived program the budget begins with the call
_INTERRUPTED = 130
_OF_BOTH = ("photo", "output", "strength", "colours", "size", "as_json", "quiet", "debug")
_OF_MODEL = ("model", "style", "runtime", "threads")
_OF_PICTURE = (
    "mask", "seconds", "start", "optimizer", "scales", "seed", "checkpoint", "resume", "frames", "preview"
)  # fmt: skip
_OPTIMISE, _MODEL, _VIDEO = "Optimise", "With a trained network", "Of a video"


def _option(help: str, *names: str, panel: str = _OPTIMISE, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)


def stylize(
    context: typer.Context,
    photo: Annotated[
        str,
        typer.Argument(
            metavar="PHOTO", help="Photograph or video; with --model also a folder or a pattern.", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Picture or video to write; a folder for several.", show_default=False)
    ],
    paintings: Annotated[
        list[Path] | None, typer.Argument(metavar="PAINTING...", help="Whose style it gets.", show_default=False)
    ] = None,
    size: Annotated[int | None, typer.Option(help="Longest side; with --model what the network sees.")] = None,
    strength: Annotated[float, typer.Option(min=0, help="How much painting; with --model from 0 to 1.")] = 1.0,
    colours: Annotated[
        str, typer.Option(help="none; or keep the photograph's: luma, histogram, covariance.")
    ] = _DEFAULTS.colours,
    seconds: Annotated[float | None, _option("The best picture in this time.")] = None,
    iterations: Annotated[
        int | None, _option("Steps: 300, or what time allows; 200 for a video's first frame.", show_default=False)
    ] = None,
    weights: Annotated[str, _option("How much each painting counts: 2,1.", metavar="W,W...")] = "",
    mask: Annotated[list[Path] | None, _option("Where a painting is used; once for each.", metavar="FILE")] = None,
    start: Annotated[str, _option("content, style_mean or noise.")] = _DEFAULTS.start,
    optimizer: Annotated[str, _option("adam or lbfgs.")] = _DEFAULTS.optimizer,
    learning_rate: Annotated[float, _option("Adam's, in grey levels.")] = _DEFAULTS.learning_rate,
    scales: Annotated[int | None, _option("Sizes it goes through; as many as it needs.", show_default=False)] = None,
    painting_scale: Annotated[float, _option("Size of the paintings: less for finer strokes.")] = 1.0,
    tile: Annotated[int | None, _option("Pixels of a tile; 0: never; where it is large.", show_default=False)] = None,
    seed: Annotated[int, _option("Of the noise.")] = _DEFAULTS.seed,
    backbone: Annotated[str, _option("squeezenet, vgg16 or vgg19.")] = "squeezenet",
    backbone_weights: Annotated[Path | None, _option("Its weights file; the pulled one.", metavar="FILE")] = None,
    pooling: Annotated[str, _option("max or average.")] = "max",
    alpha: Annotated[float, _option("Weight of the content.")] = _DEFAULTS.alpha,
    beta: Annotated[float, _option("Weight of the style.")] = _DEFAULTS.beta,
    tv: Annotated[float, _option("Weight of smoothness.")] = _DEFAULTS.tv,
    normalisation: Annotated[str, _option("Of the costs: energy, gatys or notes.")] = _DEFAULTS.normalisation,
    checkpoint: Annotated[Path | None, _option("Keep there what is needed to go on later.", metavar="FILE")] = None,
    resume: Annotated[bool, _option("Go on from the checkpoint.", "--resume")] = False,
    frames: Annotated[Path | None, _option("Write a video of how it comes to be.", metavar="VIDEO")] = None,
    preview: Annotated[bool, _option("Show it in a window while it is painted.", "--preview")] = False,
    max_frames: Annotated[
        int | None, _option("End after so many; all.", panel=_VIDEO, min=1, show_default=False)
    ] = None,
    model: Annotated[str, _option("Model folder, or the name of one in saved_models/.", panel=_MODEL)] = "",
    style: Annotated[str, _option("A style of the model, or several.", panel=_MODEL, metavar="NAME[=W],...")] = "",
    runtime: Annotated[str, _option("litert or saved_model.", panel=_MODEL)] = "litert",
    threads: Annotated[int, _option("Of LiteRT.", panel=_MODEL, min=1)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Paint a photograph or a video in the style of paintings, or with --model by a network trained for a style."""
    started = time.monotonic() - min(_process_age_s(), _MOST_START_UP_S)
    _check_options(context, photo, paintings or [], model)
    if model:
        _with_model(context)
        return
    try:
        settings = TransferSettings(**{name: context.params[name] for name in _DEFAULTS.as_dict()})
    except ValueError as error:
        raise UsageFault(_as_options(str(error))) from error
    if is_video_name(photo):
        _video(context, settings, started)
        return
    if optimizer == "lbfgs":
        # SciPy's threads and TensorFlow's wait for each other: on 2 cores an iteration takes four times as long.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from cnn_suite.stylize import Beside, stylize_picture

    with stdout_kept_clean(as_json), progress("Painting", quiet) as on_progress:
        figures = stylize_picture(
            photo,
            paintings or [],
            output,
            settings,
            painting_weights=_numbers(weights),
            masks=mask or [],
            backbone=backbone,
            weights=backbone_weights,
            pooling=pooling,
            beside=Beside(checkpoint, resume, frames, preview, on_progress),
            started=started,
            while_importing=imports_muted(debug),
        )
    show(figures, as_json, lambda: as_lines(figures))
    if figures["ended"] == "interrupted":
        print(_told_interruption(output, checkpoint), file=sys.stderr)
        raise typer.Exit(_INTERRUPTED)


def _video(context: typer.Context, settings: TransferSettings, started: float) -> None:
    options = context.params
    from cnn_suite.stylize_video import stylize_video

    with stdout_kept_clean(options["as_json"]), progress("Painting", options["quiet"]) as on_progress:
        figures = stylize_video(
            options["photo"],
            options["paintings"],
            options["output"],
            settings,
            painting_weights=_numbers(options["weights"]),
            weights=options["backbone_weights"],
            on_progress=on_progress,
            started=started,
            while_importing=imports_muted(options["debug"]),
            **{name: options[name] for name in ("max_frames", "backbone", "pooling")},
        )
    show(figures, options["as_json"], lambda: as_lines(figures))
    if figures["ended"] == "interrupted":
        print(f"Interrupted: {figures['output']} holds the {figures['frames']} frames so far.", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED)


def _with_model(context: typer.Context) -> None:
    options = context.params
    folder = model_folder(options["model"])
    with imports_muted(options["debug"]):
        from cnn_suite.stylize_batch import stylize_with_model

    with stdout_kept_clean(options["as_json"]), progress("Painting", options["quiet"]) as on_progress:
        figures = stylize_with_model(
            folder,
            options["photo"],
            options["output"],
            style=options["style"] or None,
            on_progress=on_progress,
            **{name: options[name] for name in ("strength", "colours", "size", "runtime", "threads")},
        )
    show(figures, options["as_json"], lambda: as_lines(figures))
    if figures["faults"]:
        raise typer.Exit(1)


def _check_options(context: typer.Context, photo: str, paintings: list[Path], model: str) -> None:
    """Refuse what does not go together, and pictures that are not there."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name) if parameter.name else None
        if source is not None and source.name == "COMMANDLINE":
            _check_option(parameter.name or "", parameter.opts[0], photo, model)
    if model:
        _check_with_model(photo, paintings)
        return
    if not paintings:
        raise UsageFault("A photograph needs a painting: `cnn-suite stylize PHOTO PAINTING --output FILE`; or --model.")
    if not Path(photo).is_file():
        raise UsageFault(f"There is no {'video' if is_video_name(photo) else 'picture'} {photo}.")
    for path in [*paintings, *(context.params["mask"] or [])]:
        if not path.is_file():
            raise UsageFault(f"There is no picture {path}.")


def _check_option(name: str, option: str, photo: str, model: str) -> None:
    """Refuse an option of another of the three ways to paint."""
    if model and name not in {*_OF_BOTH, *_OF_MODEL, "paintings"}:
        raise UsageFault(f"{option} does not go with --model: the network is trained already. Leave one of them out.")
    if not model and name in _OF_MODEL:
        raise UsageFault(f"{option} needs --model. Leave it out, or name a model.")
    if name == "max_frames" and not is_video_name(photo):
        raise UsageFault(f"{option} is for videos, and {photo} is none. Leave it out.")
    if name in _OF_PICTURE and is_video_name(photo):
        raise UsageFault(f"{option} is for pictures, and {photo} is a video. Leave it out.")


def _check_with_model(photo: str, paintings: list[Path]) -> None:
    if paintings:
        raise UsageFault(f"--model brings its styles with it. Leave the painting {paintings[0]} out, or --model.")
    if is_video_name(photo):
        raise UsageFault(f"With --model pictures are painted. `python apps/stylize.py --source {photo}` paints videos.")
    if not (Path(photo).exists() or glob.has_magic(photo)):
        raise UsageFault(f"There is no picture, folder or pattern {photo!r}.")


def _process_age_s() -> float:
    """How long ago this program was started; where the system does not tell, the processor's time is about that."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])  # field 22 of proc(5)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()


def _numbers(text: str) -> list[float] | None:
    if not text:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageFault(f"--weights takes numbers separated by commas, such as 2,1. Received {text!r}.") from error


def _as_options(text: str) -> str:
    """An error about settings in the words of the command line: --painting-scale for `painting_scale`."""
    parts = text.split("`")
    return "".join(f"--{part.replace('_', '-')}" if number % 2 else part for number, part in enumerate(parts))


def _told_interruption(output: Path, checkpoint: Path | None) -> str:
    further = f" Go on with --checkpoint {checkpoint} --resume." if checkpoint else ""
    return f"Interrupted: {output} is the best picture so far.{further}"
