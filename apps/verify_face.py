"""Says who is in front of a webcam, in pictures, videos or a stream, by a gallery of enrolled people.

python apps/verify_face.py --enrol Ada                        look into the camera for a few seconds
python apps/verify_face.py                                    who of the enrolled, or unknown
python apps/verify_face.py --claim Ada                        is this Ada?
python apps/verify_face.py --source party.mp4 --headless --results party.jsonl
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, run_app
from cnn_suite.runtime.gallery_opening import PASSPHRASE, open_gallery

if TYPE_CHECKING:
    from cnn_suite.runtime.face_encoder import FaceEncoder
    from cnn_suite.runtime.gallery import Gallery
    from cnn_suite.runtime.recognition import Recogniser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify_face", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="face_embedding")
    parser.add_argument("--gallery", type=Path, default=Path("people.gallery"), metavar="FILE",
                        help="the enrolled people [%(default)s]")  # fmt: skip
    parser.add_argument("--detector", default="auto", help="auto, yunet, a detector's name or folder, or a YuNet .onnx")
    parser.add_argument("--threshold", type=float, metavar="D", help="largest squared distance [the model's own]")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--enrol", metavar="NAME", help="enrol the person in front of the camera")
    modes.add_argument("--claim", metavar="NAME", help="only say whether a face is this person's")
    parser.add_argument("--liveness", action="store_true", help="ask for turns of the head; stops photographs, not "
                        "films of a person")  # fmt: skip
    parser.add_argument("--encrypted", action="store_true", help=f"ask for a passphrase, or take {PASSPHRASE}")
    parser.add_argument("--snapshot", metavar="FILE", help="save the frame in which most was found")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of the models [%(default)s]")
    return parser


def _recogniser(
    arguments: argparse.Namespace, encoder: FaceEncoder, gallery: Gallery, *, single: bool
) -> Recogniser:
    from cnn_suite.runtime.face_search import FaceIndex
    from cnn_suite.runtime.face_threshold import threshold_of
    from cnn_suite.runtime.recognition import Recogniser

    threshold = arguments.threshold if arguments.threshold is not None else threshold_of(encoder.encoder.card).distance
    votes = {"frames": 1, "least": 1} if single else {}
    return Recogniser(encoder, FaceIndex(*gallery.encodings()), threshold, claimed=arguments.claim, **votes)


def _watchers(arguments: argparse.Namespace, gallery: Gallery, recogniser: Recogniser) -> list[Callable]:
    from cnn_suite.runtime.camera_enrolment import CameraEnrolment
    from cnn_suite.runtime.face_watchers import LivenessWatcher, enrolment_gate

    watchers: list[Callable] = [LivenessWatcher()] if arguments.liveness else []
    if arguments.enrol:
        name = arguments.enrol
        gate = enrolment_gate(name, recogniser.enrolled, recogniser.threshold)
        watchers.append(CameraEnrolment(name, gate, lambda encodings: gallery.enrol(name, encodings)))
    return watchers


def main(arguments: argparse.Namespace) -> int:
    """Runs the app; everything heavy is imported here, after the command line is known to be good."""
    from cnn_suite.runtime.face_encoder import FaceEncoder, load_encoder
    from cnn_suite.runtime.face_pipeline import load_finder
    from cnn_suite.runtime.face_run import FaceRun
    from cnn_suite.runtime.frames import open_source
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.pulled import find_or_pull
    from cnn_suite.runtime.run_output import open_output
    from cnn_suite.runtime.window import open_window

    folder = find_or_pull(arguments.model, quiet=arguments.quiet)
    network = load_encoder(folder, threads=arguments.threads)
    encoder = FaceEncoder(load_finder(arguments.detector, threads=arguments.threads), network)
    with open_gallery(arguments.gallery, network, arguments.encrypted, create=bool(arguments.enrol)) as gallery:
        window = open_window("verify_face", headless=arguments.headless, output=arguments.output)
        source = open_source(arguments.source, endless_demo=window is not None)
        recogniser = _recogniser(arguments, encoder, gallery, single=source.still)
        run = FaceRun(
            watchers=_watchers(arguments, gallery, recogniser),
            output=open_output(arguments, source, shown=window is not None),
        )
        pipeline = Pipeline(source, lambda frame: recogniser(frame.image_rgb), mirror=arguments.mirror)
        run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
