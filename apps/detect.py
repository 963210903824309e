"""Detects objects in a webcam, pictures, videos or a stream with a model written by `cnn-suite export`.

python apps/detect.py                                   faces, from camera 0
python apps/detect.py --source demo                     faces, without a camera
python apps/detect.py --model yolo-fastest-1.1-xl       80 everyday classes; downloaded on first use
python apps/detect.py --source street.mp4 --track --line 0.5,0,0.5,1 --headless --results street.jsonl
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, fraction, run_app, whole_number

if TYPE_CHECKING:
    from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter

_EPILOG = """keys in the window: q or Esc quit, space pause, s save the picture, h help; closing the window quits.
Lines and zones are in unit coordinates: 0,0 is the top left corner of the picture and 1,1 the bottom right; an object's
position is the centre of its box. Exit status: 0 done, 1 camera, file or model failed, 2 wrong usage."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="detect", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="face_yolo")
    parser.add_argument("--confidence", type=fraction, metavar="P", help="minimum score [default: the model's]")
    parser.add_argument("--iou", type=fraction, metavar="P", help="boxes that overlap by more than this are duplicates "
                        "[default: the model's]")  # fmt: skip
    parser.add_argument("--max-detections", type=whole_number, metavar="N", help="maximum number of objects per frame "
                        "[default: the model's]")  # fmt: skip
    parser.add_argument("--track", action="store_true", help="give every object a persistent number")
    parser.add_argument("--explain", action="store_true", help="if nothing is found, say why")
    parser.add_argument("--line", action="append", default=[], metavar="X0,Y0,X1,Y1",
                        help="count objects that cross this line (may be repeated; implies --track)")  # fmt: skip
    parser.add_argument("--zone", action="append", default=[], metavar="X0,Y0,X1,Y1,X2,Y2,...",
                        help="count objects inside this polygon (may be repeated)")  # fmt: skip
    parser.add_argument("--snapshot", metavar="FILE", help="save the annotated frame with the most detections")
    parser.add_argument("--runtime", choices=("litert", "saved_model"), default="litert",
                        help="model runtime; saved_model imports TensorFlow [default: %(default)s]")  # fmt: skip
    parser.add_argument("--threads", type=whole_number, default=2, metavar="N", help="LiteRT threads "
                        "[default: %(default)s]")  # fmt: skip
    return parser


def _counters(arguments: argparse.Namespace) -> tuple[list[LineCounter], list[ZoneCounter]]:
    from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter, parse_points

    lines, zones = [], []
    for text in arguments.line:
        points = parse_points(text, "--line")
        if len(points) != 2:
            raise ValueError(f"--line needs two points x0,y0,x1,y1. Received {text!r}.")
        lines.append(LineCounter(*points))
    for text in arguments.zone:
        zones.append(ZoneCounter(parse_points(text, "--zone")))
    return lines, zones


def main(arguments: argparse.Namespace) -> int:
    """Runs the app; heavy modules are imported here, after the command line has been validated."""
    try:
        lines, zones = _counters(arguments)
    except ValueError as fault:
        print(f"detect: {fault}", file=sys.stderr)
        return 2
    from cnn_suite.runtime.detection.detection_run import DetectionRun, Thresholds
    from cnn_suite.runtime.detection.detector import load_detector
    from cnn_suite.runtime.detection.tracker import IouTracker
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.media.frames import open_source
    from cnn_suite.runtime.media.run_output import open_output
    from cnn_suite.runtime.model_files.pulled import find_or_pull
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.quiet_imports import imports_muted
    from cnn_suite.runtime.window import open_window

    window = open_window("detect", headless=arguments.headless, output=arguments.output)
    folder = find_or_pull(arguments.model, quiet=arguments.quiet)
    with imports_muted(arguments.debug or arguments.runtime == "litert"):  # only a SavedModel imports TensorFlow
        detector = load_detector(folder, runtime=arguments.runtime, threads=arguments.threads)
    source = open_source(arguments.source, endless_demo=window is not None)
    run = DetectionRun(
        detector,
        Thresholds(arguments.confidence, arguments.iou, arguments.max_detections),
        tracker=IouTracker() if arguments.track or lines else None,
        lines=lines,
        zones=zones,
        explains=arguments.explain,
        output=open_output(arguments, source, shown=window is not None),
    )
    pipeline = Pipeline(source, run.detect, mirror=arguments.mirror)
    run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
