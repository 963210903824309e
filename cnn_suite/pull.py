"""`cnn-suite pull` and `cnn-suite weights`: known pretrained weights, downloaded once and then read from the cache.

Files lie in the cache as they were published. A detector or an encoding network is also converted, once, into a
model folder, which is written elsewhere and moved to its place whole.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock

from cnn_suite.cache_folders import cache_home, files_folder, model_folder
from cnn_suite.known_weights import KNOWN, KnownWeights
from cnn_suite.nearest_names import did_you_mean_or_all
from cnn_suite.progress import OnProgress
from cnn_suite.weights.download import DownloadError, UnreachableError, download, is_whole, take


def pull(
    name: str,
    *,
    source: Path | None = None,
    quiet: bool = False,
    on_progress: OnProgress | None = None,
    while_importing: AbstractContextManager[Any] | None = None,
) -> Path:
    """Downloads known weights, or takes them from local files; does nothing if they are in the cache.

    Args:
        name: A row of the table.
        source: The file, or a folder with the row's files under their own names, that was downloaded manually.
        quiet: Print nothing about the conversion.
        on_progress: Called with the bytes that are there and the bytes of all the row's files.
        while_importing: Entered while TensorFlow is imported for a conversion; what it says then can be muted so.

    Returns:
        The model folder, where a row becomes one; else the file, or the folder of files where a row has several.

    Raises:
        ValueError: If there is no such row; the text names the closest.
        DownloadError: If a file cannot be downloaded or written, or its digest is wrong.
    """
    if name not in KNOWN:
        raise ValueError(f"Unknown weights {name!r}.{did_you_mean_or_all(name, KNOWN)}")
    row = KNOWN[name]
    place = place_of(row)
    if is_pulled(row):
        return place
    folder = files_folder(name)
    with _turn(folder):
        if source is not None:
            _take_all(row, source)
        else:
            _download_all(row, on_progress)
        if row.becomes_folder and not is_pulled(row):
            if not quiet and sys.stderr.isatty():
                print(
                    f"Converting {name} into a model folder; this is needed only once and takes a while.",
                    file=sys.stderr,
                )
            with while_importing or nullcontext():
                convert = import_module("cnn_suite.convert")
            _convert(row, convert)
    return place


def place_of(row: KnownWeights) -> Path:
    """Location of an entry's model folder, file or files once they are pulled."""
    if row.becomes_folder:
        return model_folder(row.name)
    return files_folder(row.name) / row.files[0].name if len(row.files) == 1 else files_folder(row.name)


def is_pulled(row: KnownWeights) -> bool:
    """Tells whether an entry is ready for use in the cache."""
    if row.becomes_folder:
        return (model_folder(row.name) / "card.json").is_file()
    return all(is_whole(file, files_folder(row.name) / file.name) for file in row.files)


def weights_table() -> list[dict[str, Any]]:
    """Every entry as plain values, with its location if it is pulled."""
    return [
        {
            "name": row.name,
            "task": row.task,
            "bytes": row.bytes,
            "pulled": is_pulled(row),
            "path": str(place_of(row)) if is_pulled(row) else None,
            "licence": row.licence,
            "trained_on": row.trained_on,
            "published": row.published,
            "measured": row.measured,
            "form": row.form,
            "files": [vars(file) for file in row.files],
        }
        for row in KNOWN.values()
    ]


def as_text() -> str:
    """The table as readable text, one entry per line, and the location of pulled files."""
    form = "{:<25} {:<15} {:>9}  {:<6} {:<29} {:<25} {}"
    lines = [form.format("name", "task", "size", "pulled", "licence", "trained on", "published figure")]
    for row in KNOWN.values():
        size = f"{row.bytes / 1e6:,.1f} MB"
        figure = row.published + (f"; measured here: {row.measured}" if row.measured else "")
        pulled = "yes" if is_pulled(row) else ""
        lines.append(form.format(row.name, row.task, size, pulled, row.licence, row.trained_on, figure).rstrip())
    return "\n".join([*lines, f"`cnn-suite pull NAME` downloads to {cache_home()} (CNN_SUITE_HOME)."])


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Holds the lock of an entry, so that two processes convert it only once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / "pull.lock").acquire()
    except OSError as error:
        raise DownloadError(
            f"Cannot write to the folder {folder}: {error.strerror}. Set another one with the environment variable "
            "CNN_SUITE_HOME."
        ) from error
    with held:
        yield


def _download_all(row: KnownWeights, on_progress: OnProgress | None) -> None:
    before = 0
    for file in row.files:

        def advance(done: int, _: int, before: int = before) -> None:
            if on_progress:
                on_progress(before + done, row.bytes)

        try:
            download(file, files_folder(row.name) / file.name, on_progress=advance)
        except UnreachableError as error:
            raise DownloadError(f"{error} {_by_hand(row)}") from error
        before += file.bytes


def _by_hand(row: KnownWeights) -> str:
    """Instructions for working offline: the URLs still missing and the command to run then."""
    missing = [file.address for file in row.files if not is_whole(file, files_folder(row.name) / file.name)]
    if len(row.files) == 1:
        return f"Download {missing[0]} manually, then run `cnn-suite pull {row.name} --from FILE`."
    return (
        f"Download {' and '.join(missing)} manually into a folder, then run `cnn-suite pull {row.name} --from FOLDER`."
    )


def _take_all(row: KnownWeights, source: Path) -> None:
    """Takes every file that the cache lacks; checks that all are there before it copies the first."""
    missing = [file for file in row.files if not is_whole(file, files_folder(row.name) / file.name)]
    if source.is_dir():
        at_hand = {file.name: source / file.name for file in missing}
    elif len(row.files) == 1:
        at_hand = {file.name: source for file in missing}
    else:
        names = ", ".join(file.name for file in row.files)
        raise DownloadError(f"{row.name} has {len(row.files)} files. Give a folder that contains them: {names}.")
    absent = [file for file in missing if not at_hand[file.name].is_file()]
    if absent:
        listed = ", ".join(f"{file.name} (from {file.address})" for file in absent)
        raise DownloadError(f"{source} does not contain {listed}.")
    for file in missing:
        take(file, at_hand[file.name], files_folder(row.name) / file.name)


def _convert(row: KnownWeights, convert: ModuleType) -> None:
    """Makes the model folder of a row, in a place where a killed process leaves nothing to be found."""
    files = [files_folder(row.name) / file.name for file in row.files]
    unfinished = cache_home() / "unfinished" / row.name
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed: this one has the lock
    try:
        unfinished.mkdir(parents=True)
        if row.form == "darknet":
            cfg, weights, names = files
            corrected = _corrected(row, cfg, unfinished)
            convert.convert_darknet(corrected, weights, unfinished / "model", names=names, name=row.name)
        else:
            convert.convert_mobileface(*files, unfinished / "model", name=row.name)
        place = model_folder(row.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)  # without its card it is not a model
        (unfinished / "model").rename(place)
    except OSError as error:
        raise DownloadError(f"Cannot write the model folder of {row.name}: {error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _corrected(row: KnownWeights, cfg: Path, folder: Path) -> Path:
    """The .cfg as its weights need it; the published file itself stays as it is."""
    if not row.corrections:
        return cfg
    text = cfg.read_text()
    for wrong, right in row.corrections:
        if text.count(wrong) != 1:
            raise DownloadError(
                f"{cfg.name} must contain the line `{wrong}` exactly once. Found it {text.count(wrong)} times."
            )
        text = text.replace(wrong, right)
    corrected = folder / cfg.name
    corrected.write_text(text)
    return corrected
