"""`cnn-suite stylize --model`: pictures through a network that was trained for a style, one or a whole folder."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cnn_suite.file_names import is_picture_name, is_picture_output_name
from cnn_suite.progress import OnProgress
from cnn_suite.runtime.media.output_paths import FilesInUse
from cnn_suite.runtime.media.pictures import pictures_in, pictures_matching
from cnn_suite.runtime.style.kept_colours import RESULT_MODES, with_colours_of
from cnn_suite.runtime.style.stylizer import Stylizer, check_longest_side, load_stylizer, parse_mixture
from cnn_suite.style_transfer.output_files import check_picture_output, write_whole
from cnn_suite.style_transfer.picture_input import read_artwork


def stylize_with_model(
    model: str | Path,
    source: str | Path,
    output: str | Path,
    *,
    style: str | None = None,
    strength: float = 1.0,
    colours: str = "none",
    size: int | None = None,
    runtime: str = "litert",
    threads: int = 2,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Paint a picture, or all pictures of a folder or pattern, with a trained network, and write them.

    Args:
        model: A model folder.
        source: A picture, a folder, or a pattern such as `"holiday/*.jpg"`.
        output: For one picture, a file; otherwise a folder, which gets a file of the same name for each.
        style: A style of the model, or several with weights: "wave,scream=0.5"; None for the first.
        strength: 0 for the photograph to 1 for the painting.
        colours: "none", or "luma" to keep the photograph's.
        size: The longest side that the network sees, 32 or more; None for the picture as it is.
        runtime: "litert" or "saved_model".
        threads: Of LiteRT.
        on_progress: Called with how many pictures are done, of how many.

    Returns:
        `output`, how many `pictures` were painted, and `faults`: those that could not be, with the reason.

    Raises:
        FileNotFoundError: If there is no such model or picture.
        ValueError: If the model, the style, the strength, the size, the colours or the only picture cannot be used.
        OSError: If something cannot be written.
    """
    if colours not in ("none", *RESULT_MODES):
        raise ValueError(f"`colours` must be 'luma' or 'none' for a style network. Received {colours!r}.")
    if not 0 <= strength <= 1:
        raise ValueError(f"`strength` must be between 0 and 1 for a style network. Received {strength}.")
    check_longest_side(size)
    stylizer = load_stylizer(model, runtime=runtime, threads=threads)
    mixture = None if style is None else parse_mixture(style, stylizer.labels)

    def painted(path: Path) -> np.ndarray:
        return _painted(stylizer, read_artwork(path), mixture, strength, colours, size)

    targets = _targets(source, Path(output))
    _check_targets(targets)
    faults: dict[str, str] = {}
    for done, (path, target) in enumerate(targets.items(), 1):
        try:
            picture = painted(path)
        except ValueError as error:
            if len(targets) == 1:
                raise
            faults[str(path)] = str(error)  # one damaged picture does not stop a thousand
        else:
            write_whole(target, picture)
        if on_progress is not None:
            on_progress(done, len(targets))
    single = next(iter(targets.values())) if Path(source).is_file() else Path(output)
    return {"output": single, "pictures": len(targets) - len(faults), "faults": faults}


def _painted(
    stylizer: Stylizer,
    photo: np.ndarray,
    mixture: Sequence[float] | None,
    strength: float,
    colours: str,
    size: int | None,
) -> np.ndarray:
    picture = stylizer(photo, mixture, longest_side=size)
    if colours in RESULT_MODES:
        picture = with_colours_of(picture, photo, colours)
    return picture if strength == 1 else cv2.addWeighted(picture, strength, photo, 1 - strength, 0)


def _targets(source: str | Path, output: Path) -> dict[Path, Path]:
    """Every picture and where its painting goes."""
    path = Path(source)
    if path.is_file():
        is_file = is_picture_name(output) and not output.is_dir()
        return {path: output if is_file else output / f"{path.stem}{_written_suffix(path)}"}
    if path.is_dir():
        pictures = pictures_in(path)
    elif glob.has_magic(str(source)):
        pictures = pictures_matching(str(source))
    else:
        raise FileNotFoundError(f"There is no picture, folder or pattern {source}.")
    if is_picture_name(output):
        raise ValueError(f"{source} matches {len(pictures)} pictures, so --output must be a folder. Received {output}.")
    found: dict[Path, Path] = {}
    taken: set[str] = set()
    for number, picture in enumerate(pictures):
        suffix = _written_suffix(picture)
        name = picture.stem + suffix
        if name in taken:  # a pattern may reach into folders with equal names
            name = f"{picture.stem}_{number:06d}{suffix}"
        taken.add(name)
        found[picture] = output / name
    return found


def _written_suffix(picture: Path) -> str:
    """The suffix of a painting whose file is named after its photograph's."""
    return picture.suffix if is_picture_output_name(picture) else ".png"


def _check_targets(targets: dict[Path, Path]) -> None:
    files = FilesInUse(targets)
    check_picture_output(next(iter(targets.values())), files)
    for target in targets.values():
        files.claim(target, "output")
