"""Paints a webcam, pictures, videos or a stream in the style of paintings, with a trained style network.

python apps/stylize.py                                        camera 0; keys change the style
python apps/stylize.py --source demo                          without a camera
python apps/stylize.py --source cat.jpg --output painted.png --headless
python apps/stylize.py --source fox.mp4 --style wave,scream=0.5 --output fox_wave.mp4 --headless
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, fraction, run_app, whole_number

if TYPE_CHECKING:
    from cnn_suite.runtime.media.frames import FrameSource
    from cnn_suite.runtime.style.style_run import Look
    from cnn_suite.runtime.style.stylizer import Stylizer

_EPILOG = """keys in the window: n and p next and previous style, 1 to 9 select a style, m add a quarter of the next
style, c keep the colours, b show the original beside the result; q or Esc quit, space pause, s save the picture,
h help.
Exit status: 0 done, 1 camera, file or model failed, 2 wrong usage."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stylize", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="style_mixed")
    parser.add_argument("--style", metavar="NAME[=W],...", help="one of the model's styles, or several with weights "
                        "[default: the first]")  # fmt: skip
    parser.add_argument("--strength", type=fraction, default=1.0, metavar="S",
                        help="from 0, the photograph, to 1, the painting [default: %(default)s]")  # fmt: skip
    parser.add_argument("--keep-colours", action="store_true", help="change only the brightness, keep the colours")
    parser.add_argument("--side-by-side", action="store_true", help="put the original beside the result, also in files")
    parser.add_argument("--steady", action=argparse.BooleanOptionalAction, default=None,
                        help="blend every frame with the previous one to reduce flicker [default: on; off for "
                        "pictures]")  # fmt: skip
    parser.add_argument("--size", type=_size, metavar="N", help="longest side of the network's input: smaller is "
                        "faster, with broader strokes [default: unchanged]")  # fmt: skip
    parser.add_argument("--snapshot", metavar="FILE", help="save the first painted frame")
    parser.add_argument("--threads", type=whole_number, default=2, metavar="N", help="LiteRT threads "
                        "[default: %(default)s]")  # fmt: skip
    return parser


def _size(text: str) -> int:
    from cnn_suite.runtime.style.stylizer import SMALLEST_LONGEST_SIDE

    size = whole_number(text)
    if size < SMALLEST_LONGEST_SIDE:
        raise argparse.ArgumentTypeError(f"must be {SMALLEST_LONGEST_SIDE} pixels or more. Received {text!r}.")
    return size


def _look(arguments: argparse.Namespace, stylizer: Stylizer) -> Look:
    from cnn_suite.runtime.style.style_run import Look
    from cnn_suite.runtime.style.stylizer import parse_mixture

    first = Look.of_style(0, max(1, len(stylizer.labels))).weights
    weights = first if arguments.style is None else parse_mixture(arguments.style, stylizer.labels)
    return Look(weights, arguments.keep_colours, arguments.strength)


def _motion(arguments: argparse.Namespace, source: FrameSource) -> tuple[float, bool]:
    """The weight of the previous frame, and whether motion is estimated."""
    from cnn_suite.runtime.style.steady import BLEND

    steady = arguments.steady if arguments.steady is not None else not source.still
    is_film = not source.still and not source.live  # its flicker is reported either way
    return (BLEND if steady else 0.0), steady or is_film


def main(arguments: argparse.Namespace) -> int:
    """Runs the app; heavy modules are imported here, after the command line has been validated."""
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.media.frames import open_source
    from cnn_suite.runtime.media.run_output import open_output
    from cnn_suite.runtime.model_files.pulled import find_or_pull
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.style.style_run import StyleRun
    from cnn_suite.runtime.style.stylizer import load_stylizer
    from cnn_suite.runtime.window import open_window

    stylizer = load_stylizer(find_or_pull(arguments.model, quiet=arguments.quiet), threads=arguments.threads)
    try:
        look = _look(arguments, stylizer)
    except ValueError as fault:
        print(f"stylize: --style: {fault}", file=sys.stderr)
        return 2
    window = open_window("stylize", headless=arguments.headless, output=arguments.output)
    source = open_source(arguments.source, endless_demo=window is not None)
    blend, follows_motion = _motion(arguments, source)
    run = StyleRun(
        stylizer,
        look,
        blend=blend,
        follows_motion=follows_motion,
        longest_side=arguments.size,
        side_by_side=arguments.side_by_side,
        still=source.still,
        output=open_output(arguments, source, shown=window is not None),
    )
    if window is not None:
        window.keys, window.overlay = run.keys(), run.overlay
    pipeline = Pipeline(source, run.stylise, mirror=arguments.mirror)
    run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
