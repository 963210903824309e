"""Recognises people in a webcam, pictures, videos or a stream, from a gallery of enrolled people.

python apps/verify_face.py --enrol Ada                        look into the camera for a few seconds
python apps/verify_face.py                                    name enrolled people, others are unknown
python apps/verify_face.py --claim Ada                        is this Ada?
python apps/verify_face.py --source party.mp4 --headless --results party.jsonl
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_suite.runtime.app import add_shared_flags, number_between, run_app, whole_number
from cnn_suite.runtime.faces.gallery_opening import PASSPHRASE, open_gallery

if TYPE_CHECKING:
    from cnn_suite.runtime.faces.camera_enrolment import CameraEnrolment
    from cnn_suite.runtime.faces.face_encoder import FaceEncoder
    from cnn_suite.runtime.faces.face_watchers import LivenessWatcher
    from cnn_suite.runtime.faces.gallery import Gallery
    from cnn_suite.runtime.faces.new_gallery import NewGallery
    from cnn_suite.runtime.faces.recognition import Recogniser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify_face", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_shared_flags(parser, model="face_embedding")
    parser.add_argument("--gallery", type=Path, default=Path("people.gallery"), metavar="FILE",
                        help="gallery of enrolled people [default: %(default)s]")  # fmt: skip
    parser.add_argument("--detector", default="auto", help="auto, yunet, a detector's name or folder, or a YuNet .onnx "
                        "file [default: %(default)s]")  # fmt: skip
    parser.add_argument("--threshold", type=number_between(0, 4), metavar="D",
                        help="accept faces below this squared distance [default: the model's calibrated "
                        "threshold]")  # fmt: skip
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--enrol", type=_name, metavar="NAME", help="enrol the person in front of the camera")
    modes.add_argument("--claim", type=_name, metavar="NAME", help="only verify whether a face is this person's")
    parser.add_argument("--liveness", action="store_true", help="ask for head turns; stops photographs, not "
                        "videos of a person")  # fmt: skip
    parser.add_argument("--encrypted", action="store_true", help=f"use the passphrase in {PASSPHRASE}, or ask for one")
    parser.add_argument("--snapshot", metavar="FILE", help="save the frame with the most faces")
    parser.add_argument("--threads", type=whole_number, default=2, metavar="N",
                        help="LiteRT threads [default: %(default)s]")  # fmt: skip
    return parser


def _name(text: str) -> str:
    """An argparse type: the name of a person, as galleries keep it."""
    from cnn_suite.runtime.faces.gallery_records import GalleryError, checked_name

    try:
        return checked_name(text)
    except GalleryError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _recogniser(
    arguments: argparse.Namespace, encoder: FaceEncoder, gallery: Gallery | NewGallery, *, single: bool
) -> Recogniser:
    from cnn_suite.runtime.faces.face_search import FaceIndex
    from cnn_suite.runtime.faces.face_threshold import threshold_of
    from cnn_suite.runtime.faces.recognition import Recogniser

    threshold = arguments.threshold if arguments.threshold is not None else threshold_of(encoder.encoder.card).distance
    votes = {"frames": 1, "least": 1} if single else {}
    return Recogniser(encoder, FaceIndex(*gallery.encodings()), threshold, claimed=arguments.claim, **votes)


def _enrolment(
    name: str, gallery: Gallery | NewGallery, recogniser: Recogniser, liveness: LivenessWatcher | None
) -> CameraEnrolment:
    from cnn_suite.runtime.faces.camera_enrolment import CameraEnrolment, enrolment_gate
    from cnn_suite.runtime.faces.enrolment_identity import EnrolmentIdentity

    identity = EnrolmentIdentity(name, recogniser.enrolled, recogniser.threshold)
    gate = enrolment_gate(identity, liveness)
    return CameraEnrolment(identity, gate, lambda encodings: gallery.enrol(name, encodings))


def main(arguments: argparse.Namespace) -> int:
    """Runs the app; heavy modules are imported here, after the command line has been validated."""
    from cnn_suite.runtime.faces.face_encoder import FaceEncoder, load_encoder
    from cnn_suite.runtime.faces.face_pipeline import load_finder
    from cnn_suite.runtime.faces.face_run import FaceRun
    from cnn_suite.runtime.faces.face_watchers import LivenessWatcher
    from cnn_suite.runtime.loop import run_to_the_end
    from cnn_suite.runtime.media.frames import open_source
    from cnn_suite.runtime.media.run_output import open_output
    from cnn_suite.runtime.model_files.pulled import find_or_pull
    from cnn_suite.runtime.pipeline import Pipeline
    from cnn_suite.runtime.window import open_window

    folder = find_or_pull(arguments.model, quiet=arguments.quiet)
    network = load_encoder(folder, threads=arguments.threads)
    encoder = FaceEncoder(load_finder(arguments.detector, threads=arguments.threads), network)
    with open_gallery(arguments.gallery, network, arguments.encrypted, create=bool(arguments.enrol)) as gallery:
        window = open_window("verify_face", headless=arguments.headless, output=arguments.output)
        source = open_source(arguments.source, endless_demo=window is not None)
        if arguments.enrol and source.still:
            raise ValueError("--enrol takes a camera or a video. From pictures: cnn-suite face enrol NAME PICTURES...")
        recogniser = _recogniser(arguments, encoder, gallery, single=source.still)
        liveness = LivenessWatcher(recogniser.threshold) if arguments.liveness else None
        enrolment = _enrolment(arguments.enrol, gallery, recogniser, liveness) if arguments.enrol else None
        run = FaceRun(
            watchers=[watcher for watcher in (liveness, enrolment) if watcher is not None],
            mirror=arguments.mirror,
            output=open_output(arguments, source, shown=window is not None),
        )
        pipeline = Pipeline(source, lambda frame: recogniser(frame.image_rgb))
        run_to_the_end(pipeline, run, window=window, max_frames=arguments.max_frames, quiet=arguments.quiet)
        if enrolment is not None:
            enrolment.check_done()
    return 0


if __name__ == "__main__":
    sys.exit(run_app(main, _parser()))
