"""The three ways of `cnn-suite stylize` to paint: a picture optimised, a video optimised, or a trained network.

Each takes photograph, paintings, where to write, what goes on meanwhile, and its own options from the command line; it
refuses what does not go together, imports what is heavy, and returns the verb's figures.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from cnn_suite.cli_arguments import UsageFault, model_folder
from cnn_suite.file_names import is_video_name
from cnn_suite.progress import OnProgress
from cnn_suite.style_transfer.settings import TransferSettings

Figures = dict[str, Any]


class Meanwhile(NamedTuple):
    """What goes on around the work.

    Attributes:
        on_progress: Told how far it is.
        importing: Entered while TensorFlow is imported.
        started: When the time budget began, on the clock of `time.monotonic`.
    """

    on_progress: OnProgress | None
    importing: AbstractContextManager[Any]
    started: float


def optimise_picture(
    photo: str,
    paintings: Sequence[Path],
    output: Path,
    meanwhile: Meanwhile,
    *,
    weights: str,
    mask: Sequence[Path] | None,
    backbone: str,
    backbone_weights: Path | None,
    pooling: str,
    checkpoint: Path | None,
    resume: bool,
    frames: Path | None,
    preview: bool,
    **settings: Any,
) -> Figures:
    """Optimise the pixels of a photograph; `settings` are those of `TransferSettings`."""
    masks = mask or []
    _check_files("picture", photo, paintings, masks)
    checked, painting_weights = _settings(settings), _numbers(weights)
    if checked.optimizer == "lbfgs":
        # SciPy's threads and TensorFlow's wait for each other: on 2 cores an iteration takes four times as long.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from cnn_suite.stylize import Beside, stylize_picture

    return stylize_picture(
        photo,
        paintings,
        output,
        checked,
        painting_weights=painting_weights,
        masks=masks,
        backbone=backbone,
        weights=backbone_weights,
        pooling=pooling,
        beside=Beside(checkpoint, resume, frames, preview, meanwhile.on_progress),
        started=meanwhile.started,
        while_importing=meanwhile.importing,
    )


def optimise_video(
    photo: str,
    paintings: Sequence[Path],
    output: Path,
    meanwhile: Meanwhile,
    *,
    weights: str,
    backbone: str,
    backbone_weights: Path | None,
    pooling: str,
    max_frames: int | None,
    **settings: Any,
) -> Figures:
    """Optimise the frames of the video `photo`; `settings` are those of `TransferSettings`."""
    _check_files("video", photo, paintings)
    checked, painting_weights = _settings(settings), _numbers(weights)
    from cnn_suite.stylize_video import stylize_video

    return stylize_video(
        photo,
        paintings,
        output,
        checked,
        painting_weights=painting_weights,
        max_frames=max_frames,
        backbone=backbone,
        weights=backbone_weights,
        pooling=pooling,
        on_progress=meanwhile.on_progress,
        started=meanwhile.started,
        while_importing=meanwhile.importing,
    )


def paint_with_network(
    photo: str,
    paintings: Sequence[Path],
    output: Path,
    meanwhile: Meanwhile,
    *,
    model: str,
    style: str,
    size: int | None,
    strength: float,
    colours: str,
    runtime: str,
    threads: int,
) -> Figures:
    """Paint the picture `photo`, or those of a folder or pattern, with a trained network."""
    if paintings:
        raise UsageFault(f"A model already contains its styles. Remove the painting {paintings[0]}, or remove --model.")
    if is_video_name(photo):
        raise UsageFault(f"--model paints pictures only. `python apps/stylize.py --source {photo}` paints videos.")
    if not (Path(photo).exists() or glob.has_magic(photo)):
        raise UsageFault(f"There is no picture, folder or pattern {photo!r}. Check the path.")
    folder = model_folder(model)
    with meanwhile.importing:
        from cnn_suite.stylize_batch import stylize_with_model

    return stylize_with_model(
        folder,
        photo,
        output,
        style=style or None,
        strength=strength,
        colours=colours,
        size=size,
        runtime=runtime,
        threads=threads,
        on_progress=meanwhile.on_progress,
    )


def _check_files(kind: str, photo: str, paintings: Sequence[Path], masks: Sequence[Path] = ()) -> None:
    """Refuse a command without paintings, and files that are not there; `kind` is what `photo` should be."""
    if not paintings:
        raise UsageFault(
            "A painting is missing. Use `cnn-suite stylize PHOTO PAINTING --output FILE`, or choose a trained network "
            "with --model."
        )
    if not Path(photo).is_file():
        raise UsageFault(f"There is no {kind} {photo}. Check the path.")
    for path in (*paintings, *masks):
        if not path.is_file():
            raise UsageFault(f"There is no picture {path}. Check the path.")


def _settings(options: dict[str, Any]) -> TransferSettings:
    try:
        return TransferSettings(**options)
    except ValueError as error:
        raise UsageFault(_as_options(str(error))) from error


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
