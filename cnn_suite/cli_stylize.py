"""The command line of style transfer, `cnn-suite stylize`: parse, call, report.

It paints in one of three ways. The panel that shows an option in `--help` says which of them the option is for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cnn_suite.cli_arguments import Debug, Json, Quiet, UsageFault
from cnn_suite.cli_output import as_lines, progress, show, stdout_kept_clean
from cnn_suite.cli_stylize_ways import (
    Figures,
    Meanwhile,
    optimise_picture,
    optimise_video,
    paint_with_network,
)
from cnn_suite.file_names import is_video_name
from cnn_suite.runtime.quiet_imports import imports_muted
from cnn_suite.style_transfer.settings import TransferSettings

_DEFAULTS = TransferSettings()
_MOST_START_UP_S = 3.0  # of Python and the command line: within a longer-lived program the budget begins with the call
_INTERRUPTED = 130


class Way(NamedTuple):
    """A way to paint: what a command does, as errors say it, and the function that does it with its options."""

    does: str
    paint: Callable[..., Figures]


_PICTURE = Way("optimises a picture", optimise_picture)
_VIDEO = Way("optimises a video", optimise_video)
_NETWORK = Way("paints with a trained network (--model)", paint_with_network)

_FOR_ALL, _FOR_OPTIMISING = "Painting", "Optimising a picture or a video"
_FOR_PICTURES, _FOR_VIDEOS = "Optimising a picture", "Optimising a video"
_FOR_NETWORKS = "Painting with a trained network (--model)"
_WAYS = {
    _FOR_ALL: (_PICTURE, _VIDEO, _NETWORK),
    _FOR_OPTIMISING: (_PICTURE, _VIDEO),
    _FOR_PICTURES: (_PICTURE,),
    _FOR_VIDEOS: (_VIDEO,),
    _FOR_NETWORKS: (_NETWORK,),
}


def _option(panel: str, help: str, *names: str, default: str | bool = True, **more: Any) -> Any:
    """An option of one panel in the help; `default` is its default in words, or whether to show the value."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=default, **more)


def stylize(
    context: typer.Context,
    photo: Annotated[
        str,
        typer.Argument(
            metavar="PHOTO", help="Photograph or video; with --model, also a folder or a pattern.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Picture or video to write; a folder for several pictures.", show_default=False
        ),
    ],
    paintings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PAINTING...", help="Paintings whose style to use.", show_default=False),
    ] = None,
    size: Annotated[
        int | None,
        _option(
            _FOR_ALL,
            "Longest side in pixels; with --model, of what the network sees.",
            default="that of the photograph",
        ),
    ] = None,
    strength: Annotated[
        float, _option(_FOR_ALL, "How much style: a factor of --beta; with --model, from 0 to 1.", min=0)
    ] = _DEFAULTS.strength,
    colours: Annotated[
        str,
        _option(
            _FOR_ALL,
            "Keep the photograph's colours by luma, histogram or covariance (with --model, luma only); or none.",
        ),
    ] = _DEFAULTS.colours,
    iterations: Annotated[
        int | None,
        _option(
            _FOR_OPTIMISING,
            "Number of steps; for a video, of its first frame.",
            default="300, or with --seconds as many as time allows; 200 for a video",
        ),
    ] = None,
    weights: Annotated[
        str, _option(_FOR_OPTIMISING, "Weight of each painting, such as 2,1.", metavar="W,W...", default="all equal")
    ] = "",
    learning_rate: Annotated[
        float, _option(_FOR_OPTIMISING, "Learning rate of Adam, in grey levels per step.")
    ] = _DEFAULTS.learning_rate,
    painting_scale: Annotated[
        float,
        _option(_FOR_OPTIMISING, "Size of the paintings relative to the photograph; smaller gives finer strokes."),
    ] = _DEFAULTS.painting_scale,
    tile: Annotated[
        int | None,
        _option(
            _FOR_OPTIMISING,
            "Work in tiles of this side in pixels, to save memory; 0 for no tiles.",
            default="512 for large pictures, else 0",
        ),
    ] = None,
    backbone: Annotated[
        str, _option(_FOR_OPTIMISING, "Network that compares the pictures: squeezenet, vgg16 or vgg19.")
    ] = "squeezenet",
    backbone_weights: Annotated[
        Path | None,
        _option(
            _FOR_OPTIMISING, "Weights file of that network.", metavar="FILE", default="downloaded by `cnn-suite pull`"
        ),
    ] = None,
    pooling: Annotated[str, _option(_FOR_OPTIMISING, "Pooling in that network: max or average.")] = "max",
    alpha: Annotated[float, _option(_FOR_OPTIMISING, "Weight of the content cost.")] = _DEFAULTS.alpha,
    beta: Annotated[float, _option(_FOR_OPTIMISING, "Weight of the style cost.")] = _DEFAULTS.beta,
    tv: Annotated[
        float, _option(_FOR_OPTIMISING, "Weight of the total variation cost, which keeps the picture smooth.")
    ] = _DEFAULTS.tv,
    normalisation: Annotated[
        str, _option(_FOR_OPTIMISING, "How to normalise the costs: energy, gatys or notes.")
    ] = _DEFAULTS.normalisation,
    seconds: Annotated[
        float | None, _option(_FOR_PICTURES, "Time limit for the whole command, in seconds.", default="no limit")
    ] = None,
    mask: Annotated[
        list[Path] | None,
        _option(
            _FOR_PICTURES,
            "Grey picture that is bright where a painting is used; give one for each painting.",
            metavar="FILE",
            default="everywhere",
        ),
    ] = None,
    start: Annotated[
        str, _option(_FOR_PICTURES, "What to start from: content (the photograph), style_mean or noise.")
    ] = _DEFAULTS.start,
    optimizer: Annotated[str, _option(_FOR_PICTURES, "Optimizer: adam or lbfgs.")] = _DEFAULTS.optimizer,
    scales: Annotated[
        int | None,
        _option(_FOR_PICTURES, "Number of sizes to paint at, coarsest first.", default="depends on the picture's size"),
    ] = None,
    seed: Annotated[int, _option(_FOR_PICTURES, "Random seed of --start noise.")] = _DEFAULTS.seed,
    checkpoint: Annotated[
        Path | None, _option(_FOR_PICTURES, "File that saves progress, for --resume.", metavar="FILE", default=False)
    ] = None,
    resume: Annotated[bool, _option(_FOR_PICTURES, "Continue from the checkpoint.", "--resume")] = False,
    frames: Annotated[
        Path | None, _option(_FOR_PICTURES, "Write a video of the painting process.", metavar="VIDEO", default=False)
    ] = None,
    preview: Annotated[bool, _option(_FOR_PICTURES, "Show the painting process in a window.", "--preview")] = False,
    max_frames: Annotated[
        int | None, _option(_FOR_VIDEOS, "Stop after this many frames.", min=1, default="the whole video")
    ] = None,
    model: Annotated[
        str, _option(_FOR_NETWORKS, "Model folder, or the name of one in saved_models/.", default=False)
    ] = "",
    style: Annotated[
        str,
        _option(
            _FOR_NETWORKS,
            "One of the model's styles, or several with weights.",
            metavar="NAME[=W],...",
            default="the first one",
        ),
    ] = "",
    runtime: Annotated[str, _option(_FOR_NETWORKS, "Runtime: litert or saved_model.")] = "litert",
    threads: Annotated[int, _option(_FOR_NETWORKS, "Number of threads for LiteRT.", min=1)] = 2,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Paint a photograph or a video in the style of paintings, or with --model by a network trained for a style."""
    started = time.monotonic() - min(_process_age_s(), _MOST_START_UP_S)
    way = _NETWORK if model else _VIDEO if is_video_name(photo) else _PICTURE
    options = _options_of(way, context)
    with stdout_kept_clean(as_json), progress("Painting", quiet) as on_progress:
        meanwhile = Meanwhile(on_progress, imports_muted(debug), started)
        figures = way.paint(photo, paintings or [], output, meanwhile, **options)
    show(figures, as_json, lambda: as_lines(figures))
    if figures.get("ended") == "interrupted":
        print(_told_interruption(figures, checkpoint), file=sys.stderr)
        raise typer.Exit(_INTERRUPTED)
    if figures.get("faults"):
        raise typer.Exit(1)


def _options_of(way: Way, context: typer.Context) -> dict[str, Any]:
    """The values of the options that are for a way to paint.

    Raises:
        UsageFault: If the command line has one that is not.
    """
    options = {}
    for parameter in context.command.params:
        name, ways = parameter.name or "", _WAYS.get(getattr(parameter, "rich_help_panel", None) or "", ())
        source = context.get_parameter_source(name)
        if way in ways:
            options[name] = context.params[name]
        elif ways and source is not None and source.name == "COMMANDLINE":
            flag, others = parameter.opts[0], " or ".join(other.does for other in ways)
            raise UsageFault(f"{flag} is only for a command that {others}. This one {way.does}. Remove {flag}.")
    return options


def _process_age_s() -> float:
    """How long ago this program was started; where the system does not tell, the processor's time is about that."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])  # field 22 of proc(5)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()


def _told_interruption(figures: Figures, checkpoint: Path | None) -> str:
    if "frames" in figures:
        return f"Interrupted: {figures['output']} contains the {figures['frames']} frames painted so far."
    further = f" To continue, add --checkpoint {checkpoint} --resume." if checkpoint else ""
    return f"Interrupted: {figures['output']} is the best picture so far.{further}"
