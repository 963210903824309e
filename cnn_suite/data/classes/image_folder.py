"""Class folders: `root/class/picture` or `root/split/class/picture`, on disk or in a zip, read without unpacking."""

import logging
import threading
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from cnn_suite.data.classes.class_folders import places
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.data.classes.unread_files import UNREAD_FIX, Unread, unread_message, unread_of
from cnn_suite.data.picture_files import decode_rgb, files_under
from cnn_suite.file_names import is_hidden, is_picture_name

_LARGEST_BYTES = 2**28  # of one picture file: a member that unpacks to more is no picture

_log = logging.getLogger(__name__)


def is_image_folder(path: Path) -> bool:
    """Whether `path` is a folder with sub-folders of pictures, or a zip file of them."""
    if path.is_file():
        return zipfile.is_zipfile(path)
    return path.is_dir() and any(map(is_picture_name, _files(path)))


def read_image_folder(path: Path, labels: Sequence[str] | None = None) -> ClassificationData:
    """Reads class folders, and logs a warning about files in them that are not read (see `read_with_unread`).

    Args:
        path: Folder or zip, whose folders mean what `class_folders.places` says.
        labels: Class names in order; defaults to the sorted folder names, in Unicode's composed form (NFC).

    Raises:
        ValueError: If there are no class folders, it is not clear which they are, a zip is damaged, or a folder is none
            of `labels`.
    """
    data, unread = read_with_unread(path, labels)
    if unread:
        _log.warning("%s: %s. %s", path, unread_message(unread), UNREAD_FIX)
    return data


def read_with_unread(path: Path, labels: Sequence[str] | None = None) -> tuple[ClassificationData, Unread]:
    """What `read_image_folder` returns, and the files that are not read, without hidden ones and notes."""
    if path.is_file():
        visible, content = _zip_members(path)
    else:
        visible, content = sorted(_files(path)), lambda name: (path / name).read_bytes()
    files = [file for file in visible if is_picture_name(file)]
    unread = unread_of(file for file in visible if not is_picture_name(file))
    if not files:
        also = f" {unread_message(unread)}. {UNREAD_FIX}" if unread else ""
        raise ValueError(f"{path} contains no pictures in class folders, such as {path}/cat/0001.jpg.{also}")
    number = {_composed(label): index for index, label in enumerate(labels or ())}
    found = places([PurePosixPath(_composed(str(file))) for file in files], path, number)
    classes = sorted({place.label for place in found})
    names = tuple(labels) if labels else tuple(classes)
    number = number or {label: index for index, label in enumerate(classes)}
    unknown = [name for name in classes if name not in number]
    if unknown:
        raise ValueError(
            f"{path} has the folder {unknown[0]!r}, which is not in data.labels: {', '.join(names)}. "
            "Add it to data.labels, or remove the folder."
        )
    members: dict[str, list[PurePosixPath]] = defaultdict(list)
    class_ids: dict[str, list[int]] = defaultdict(list)
    for file, place in zip(files, found, strict=True):
        members[place.split].append(file)
        class_ids[place.split].append(number[place.label])
    splits = {split: _pictures(path, members[split], class_ids[split], content) for split in members}
    return ClassificationData(names, splits, path), unread


def _is_visible(name: PurePosixPath) -> bool:
    return len(name.parts) > 1 and not is_hidden(name)


def _composed(name: str) -> str:
    """Equal names in equal characters: a Mac's are often decomposed, an accent after its letter."""
    return unicodedata.normalize("NFC", name)


def _files(folder: Path) -> Iterator[PurePosixPath]:
    """Visible files in sub-folders, relative to the folder."""
    for file in files_under(folder):
        name = PurePosixPath(file.relative_to(folder).as_posix())
        if _is_visible(name):
            yield name


def _zip_members(path: Path) -> tuple[list[PurePosixPath], Callable[[PurePosixPath], bytes]]:
    """Visible files in folders of a zip, and what reads one of them."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not a readable zip file ({error}). Copy it again.") from error
    members = {PurePosixPath(_member_name(info)): info for info in archive.infolist() if not info.is_dir()}
    members = {name: info for name, info in sorted(members.items()) if _is_visible(name)}
    lock = threading.Lock()  # one file position for all threads that decode

    def content(name: PurePosixPath) -> bytes:
        info = members[name]
        if info.file_size > _LARGEST_BYTES:
            raise ValueError(f"{path / name} unpacks to {info.file_size} bytes, too many for a picture. Remove it.")
        try:
            with lock:
                return archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: encrypted
            raise ValueError(f"{path / name} cannot be read from the zip file ({error}). Copy it again.") from error

    return list(members), content


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a member, also of one in UTF-8 that is not marked so, as a Mac's Archive Utility writes them.

    The standard says code page 437 where the mark (bit 11 of the flags) is not set, and so it was decoded; what was
    meant so is hardly ever UTF-8 by accident.
    """
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _pictures(
    path: Path,
    members: Sequence[PurePosixPath],
    class_ids: Sequence[int],
    content: Callable[[PurePosixPath], bytes],
) -> LabelledPictures:
    names = [str(path / member) for member in members]
    return LabelledPictures(
        names,
        np.asarray(class_ids, np.int32),
        lambda index: decode_rgb(content(members[index]), names[index]),
        lambda index: content(members[index]),
    )
