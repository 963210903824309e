"""Shows the inside of convolutional networks on a webcam, pictures, videos or a stream: edge filters, the feature maps
of a trained network layer by layer, a classifier applied as a sliding window, and which parts of a picture speak for a
class (class activation maps).

python apps/explore.py                                        camera 0; keys change the view
python apps/explore.py --source demo --view features          without a camera
python apps/explore.py --source cat.jpg --view windows:cat --output cat.png --headless
python apps/explore.py --source cat.jpg --view cam:cat        "cam" alone: for the class that is most likely
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, run_app, whole_number

if TYPE_CHECKING:
    from cnn_suite.runtime.explore_run import View

_EPILOG = """keys in the window: n and p next and previous view, e edges, f features, w windows, c cam; q or Esc
quit, space pause, s save the picture, h help.
Exit status: 0 done, 1 camera, file or model failed, 2 wrong usage."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="explore", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="cifar10_resnet20")
    parser.add_argument("--view", default="edges", metavar="GROUP[:NAME]", help="edges, features, windows or cam, or "
                        "one of them such as features:conv1_conv [default: %(default)s]")  # fmt: skip
    parser.add_argument("--windows", type=whole_number, default=3, metavar="N", help="windows along the smaller side "
                        "of the picture: more find smaller objects [default: %(default)s]")  # fmt: skip
    parser.add_argument("--snapshot", metavar="FILE", help="save the picture of the first frame")
    return parser


def _chosen(view: str, views: list[View]) -> int:
    """Number of the view of that name, or of the first of a group.

    Raises:
        ValueError: If there is none.
    """
    group, _, name = view.partition(":")
    for number, each in enumerate(views):
        if each.group == group and name in ("", each.name):
            return number
    known = [f"{each.group}:{each.name}" for each in views if each.group == group]
    raise ValueError(f"There is no view {view!r}. Known: {', '.join(known or dict.fromkeys(v.group for v in views))}.")


def main(arguments: argparse.Namespace) -> int:
    """Runs the app; everything heavy is imported here, after the command line is known to be good."""
    from cnn_suite.runtime.explore_run import ExploreRun
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.media.frames import open_source
    from cnn_suite.runtime.media.run_output import open_output
    from cnn_suite.runtime.model_files.pulled import find_or_pull
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.quiet_imports import imports_muted
    from cnn_suite.runtime.window import open_window

    folder = find_or_pull(arguments.model, quiet=arguments.quiet)
    with imports_muted(arguments.debug):
        from cnn_suite.exploration import views_of
    views = views_of(folder, windows=arguments.windows)
    try:
        chosen = _chosen(arguments.view, views)
    except ValueError as fault:
        print(f"explore: --view: {fault}", file=sys.stderr)
        return 2
    window = open_window("explore", headless=arguments.headless, output=arguments.output)
    source = open_source(arguments.source, endless_demo=window is not None)
    output = open_output(arguments, source, shown=window is not None)
    run = ExploreRun(views, chosen, still=source.still, output=output)
    if window is not None:
        window.keys, window.overlay = run.keys(), run.overlay
    pipeline = Pipeline(source, run.look, mirror=arguments.mirror)
    run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
