"""What all apps share: flags, exit statuses, and plain error messages.

Statuses: 0 done, 1 the work met a fault (camera, file, model), 2 wrong usage, which a source or model that does not
exist is too. Nothing heavy is imported, so that `--help` is immediate.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable

from cnn_suite.runtime.interrupts import signals_interrupt
from cnn_suite.runtime.model_files.not_there import NotThereError

_QUIET_LIBRARIES = {
    "OPENCV_LOG_LEVEL": "SILENT",  # our own messages say what is wrong
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "QT_LOGGING_RULES": "*.debug=false;*.warning=false",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def add_shared_flags(parser: argparse.ArgumentParser, *, model: str) -> None:
    """Adds the flags shared by all apps; `model` is the default model."""
    parser.add_argument("--source", default="0", help="camera index, picture, folder, 'glob', video file, rtsp:// or "
                        "http:// URL, or demo (a moving view of photographs) [default: camera 0]")  # fmt: skip
    parser.add_argument("--model", default=model, help="model folder, or a name in saved_models/ or "
                        "`cnn-suite weights` [default: %(default)s]")  # fmt: skip
    parser.add_argument("--output", metavar="PATH", help="annotated video (.mp4, .avi, ...) or folder of pictures")
    parser.add_argument("--results", metavar="FILE", help=".jsonl (a line per frame) or .csv (a line per detection)")
    parser.add_argument("--headless", action="store_true", help="open no window")
    parser.add_argument("--max-frames", type=whole_number, metavar="N", help="stop after N frames")
    parser.add_argument("--mirror", action="store_true", help="flip the picture horizontally, like a mirror")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and the messages of libraries")


def run_app(main: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser) -> int:
    """Parses the command line, runs `main`, and returns the exit status."""
    arguments = parser.parse_args()
    if not arguments.debug:
        for name, value in _QUIET_LIBRARIES.items():
            os.environ.setdefault(name, value)
    try:
        with signals_interrupt():
            return main(arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except Exception as fault:
        if arguments.debug:
            traceback.print_exc()
        else:
            print(f"{parser.prog}: {' '.join(str(fault).split()) or type(fault).__name__}", file=sys.stderr)
        return 2 if isinstance(fault, NotThereError) else 1


def number_between(least: float, most: float) -> Callable[[str], float]:
    """An argparse type: a number in [least, most]."""

    def number(text: str) -> float:
        """The number."""
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least:g} to {most:g}. Received {text!r}.")
        return value

    return number


fraction = number_between(0, 1)


def whole_number(text: str) -> int:
    """An argparse type for positive whole numbers."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more. Received {text!r}.")
    return int(text)
