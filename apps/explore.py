"""Shows what convolutional networks are made of, on a webcam, pictures, videos or a stream: edge filters, the feature
maps of a trained network layer by layer, and a classifier slid over the picture.

python apps/explore.py                                        camera 0; keys change the view
python apps/explore.py --source demo --view features          the same without a camera
python apps/explore.py --source cat.jpg --view windows:cat --output cat.png --headless
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, run_app, whole_number

if TYPE_CHECKING:
    from cnn_suite.runtime.explore_run import View

_EPILOG = """keys in the window: n and p next and previous view, e edges, f features, w windows; q or Esc quit, space
pause, s save the picture, h help.
Exit status: 0 done, 1 camera, file or model at fault, 2 wrong usage."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="explore", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="cifar10_resnet20")
    parser.add_argument("--view", default="edges", metavar="GROUP[:NAME]", help="edges, features or windows, or one of "
                        "them such as features:conv1_conv [%(default)s]")  # fmt: skip
    parser.add_argument("--windows", type=whole_number, default=3, metavar="N", help="windows along the smaller side "
                        "of the picture: more find smaller objects [%(default)s]")  # fmt: skip
    parser.add_argument("--snapshot", metavar="FILE", help="save the first frame's picture")
    return parser


def _views(arguments: argparse.Namespace) -> list[View]:
    """Every view that the model allows; edges need none."""
    from functools import partial

    from cnn_suite.cli_output import imports_muted
    from cnn_suite.runtime.edges import EDGE_FILTERS, edges
    from cnn_suite.runtime.explore_run import View
    from cnn_suite.runtime.pulled import find_or_pull

    with imports_muted(arguments.debug):
        from cnn_suite.network_picture import picture_for
        from cnn_suite.network_views import ClassWindows, feature_maps, map_layers
        from cnn_suite.trained import load_trained

    model, config, _ = load_trained(find_or_pull(arguments.model, quiet=arguments.quiet))
    views = [View("edges", name, partial(edges, kernel=kernel)) for name, kernel in EDGE_FILTERS.items()]
    prepared = picture_for(model, config)
    views += [View("features", layer, feature_maps(model, layer, prepared)) for layer in map_layers(model)]
    if config.task == "classification":
        windows = ClassWindows(model, config.data.labels, windows=arguments.windows)
        views += [View("windows", label, windows.view(label)) for label in windows.labels]
    return views


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
    from cnn_suite.runtime.frames import open_source
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.run_output import open_output
    from cnn_suite.runtime.window import open_window

    views = _views(arguments)
    try:
        chosen = _chosen(arguments.view, views)
    except ValueError as fault:
        print(f"explore: --view: {fault}", file=sys.stderr)
        return 2
    window = open_window("explore", headless=arguments.headless, output=arguments.output)
    source = open_source(arguments.source, endless_demo=window is not None)
    run = ExploreRun(views, chosen, output=open_output(arguments, source, shown=window is not None))
    if window is not None:
        window.keys, window.overlay = run.keys(), run.overlay
    pipeline = Pipeline(source, run.look, mirror=arguments.mirror)
    run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
