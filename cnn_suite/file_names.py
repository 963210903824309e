"""What is in a file by the end of its name: a picture or a video. Nothing heavy is imported, for the command line."""

from pathlib import PurePath

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_ONLY_READ = (".pgm", ".jfif")  # the first holds no colours, and OpenCV writes a JPEG under its other names alone
PICTURE_OUTPUT_SUFFIXES = tuple(suffix for suffix in PICTURE_SUFFIXES if suffix not in _ONLY_READ)
PLOT_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")  # of those that matplotlib writes
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv")
ANIMATION_SUFFIX = ".gif"  # a still picture as often as a film; OpenCV reads both and writes no film


def is_hidden(name: PurePath) -> bool:
    """Whether a file or one of its folders is hidden: thumbnails, checkpoints of notebooks, a Mac's second files."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def is_picture_name(name: str | PurePath) -> bool:
    """Whether a file of that name, in capitals or not, holds a picture."""
    return PurePath(name).suffix.lower() in PICTURE_SUFFIXES


def is_picture_output_name(name: str | PurePath) -> bool:
    """Whether a picture in colours can be written to a file of that name, in capitals or not."""
    return PurePath(name).suffix.lower() in PICTURE_OUTPUT_SUFFIXES


def is_video_name(name: str | PurePath) -> bool:
    """Whether a file of that name, in capitals or not, holds a video; an animation's is none."""
    return PurePath(name).suffix.lower() in VIDEO_SUFFIXES
