"""Speed of face recognition: frames per second of the whole app, and one comparison against OpenCV's runtime.

    python benchmarks/face_recognition.py [--model face_embedding] [--detector face_yolo] [--enrolled 10000] [--json]

The first part writes a 640x480 video of a moving view over a photograph of a person, then reads, detects, aligns,
encodes, searches a gallery, tracks and votes, frame by frame, as `apps/verify_face.py --headless` does.
The second part compares two faces with the same detector, points and alignment, and the same encoding network in LiteRT
(the model folder) and in OpenCV's DNN, alternately.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from alternating import alternate, summary, table

from cnn_suite.runtime.faces.face_alignment import align_face
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.face_pipeline import load_face_encoder
from cnn_suite.runtime.faces.face_run import FaceRun
from cnn_suite.runtime.faces.face_search import FaceIndex
from cnn_suite.runtime.faces.recognition import Recogniser
from cnn_suite.runtime.loop import run_loop
from cnn_suite.runtime.media.demo_source import DemoSource
from cnn_suite.runtime.media.frames import open_source
from cnn_suite.runtime.model_files.model_folders import find_model
from cnn_suite.runtime.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[1]
ONE_FACE_FRAMES, TIMES = 60, 4  # of the demo, before a second face appears


def main() -> None:
    options = _options()
    encoder = load_face_encoder(options.model, options.detector, threads=options.threads)
    cv2.setNumThreads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        video = _video(Path(folder) / "person.mp4")
        rate, latency_ms, faces = frame_rate(encoder, video, options.enrolled)
        try:
            figures, refused = comparison(encoder, video, find_model(options.model), Path(folder), options), ""
        except cv2.error as error:
            figures, refused = {}, str(error).strip().splitlines()[0]
    result = {"frames_per_second": rate, "latency_ms": latency_ms, "faces_per_frame": faces}
    result |= {"comparison": figures, "opencv_refused": refused}
    if options.json:
        print(json.dumps({"model": options.model, "detector": options.detector, "enrolled": options.enrolled} | result))
        return
    print(f"{options.model}, {options.detector}, 640x480, {options.enrolled:,} enrolled, {options.threads} threads\n")
    print(f"{rate:.1f} frames a second, {latency_ms:.1f} ms a frame, {faces:.2f} faces a frame\n")
    if refused:
        print(f"OpenCV cannot run this network: {refused}")
    else:
        print("Two pictures compared (detection, alignment, encoding, distance):\n")
        print(table(figures))


def frame_rate(encoder: FaceEncoder, video: Path, enrolled: int) -> tuple[float, float, float]:
    """Frames per second, median milliseconds per frame, and faces per frame."""
    generator = np.random.default_rng(0)
    strangers = generator.normal(size=(enrolled, encoder.encoder.dimensions)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    recogniser = Recogniser(encoder, FaceIndex(strangers, [f"person {n}" for n in range(enrolled)]), 1.0)
    source, run, latencies, found = open_source(str(video)), FaceRun(), [], []
    pipeline = Pipeline(source, lambda frame: recogniser(frame.image_rgb))

    def handle(result: Any) -> np.ndarray:
        latencies.append(result.latency_s)
        found.append(len(result.value))
        return run.handle(result)

    start = time.perf_counter()
    with pipeline:
        run_loop(pipeline, handle, redraw=run.redraw)
    seconds = time.perf_counter() - start
    return len(found) / seconds, 1e3 * float(np.median(latencies)), float(np.mean(found))


def comparison(
    encoder: FaceEncoder, video: Path, folder: Path, temporary: Path, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Milliseconds per comparison with LiteRT, and with the encodings from OpenCV."""
    capture = cv2.VideoCapture(str(video))
    pictures = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(ONE_FACE_FRAMES)][::50]
    theirs = _in_opencv(folder, temporary)

    def distance(encode: Callable[[np.ndarray], np.ndarray]) -> float:
        encodings = []
        for picture in pictures:
            faces = encoder.finder(picture)
            encodings.append(encode(align_face(picture, faces.points_px[0], encoder.encoder.size)))
        return float(((encodings[0] - encodings[1]) ** 2).sum())

    ours = encoder.encoder.encode_aligned
    if abs(distance(ours) - distance(theirs)) > 1e-2:
        sys.exit(f"The runtimes disagree: {distance(ours):.4f} and {distance(theirs):.4f}.")
    contestants = {"LiteRT, model folder": lambda: distance(ours), "OpenCV DNN": lambda: distance(theirs)}
    return summary(alternate(contestants, rounds=options.rounds))


def _in_opencv(folder: Path, temporary: Path) -> Callable[[np.ndarray], np.ndarray]:
    """The bare network in OpenCV, normalised to unit length, with the mirror image if the model folder uses it."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("detector_latency.py")
    command = [sys.executable, str(script), str(folder), "--write-network", str(temporary)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"Writing the bare network failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    network = cv2.dnn.readNetFromTFLite(str(temporary / "network.tflite"), *engine)
    mirror = json.loads((folder / "card.json").read_text(encoding="utf-8"))["input"]["mirror"]

    def encoding(face: np.ndarray) -> np.ndarray:
        network.setInput(cv2.dnn.blobFromImage(face))
        found = network.forward().ravel()
        return found / np.linalg.norm(found)

    def encode(face: np.ndarray) -> np.ndarray:
        total = encoding(face) + encoding(np.ascontiguousarray(face[:, ::-1])) if mirror else encoding(face)
        return total / np.linalg.norm(total)

    return encode


def _video(path: Path) -> Path:
    """A moving view of a person, 640x480."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (640, 480))
    views = [cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR) for frame in islice(DemoSource(), ONE_FACE_FRAMES)]
    for view in views * TIMES:
        writer.write(view)
    writer.release()
    return path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="face_embedding", help="encoding network [default: %(default)s]")
    parser.add_argument(
        "--detector", default="face_yolo", help="detector, as in apps/verify_face.py [default: %(default)s]"
    )
    parser.add_argument("--enrolled", type=int, default=10_000, help="people in the gallery [default: %(default)s]")
    parser.add_argument("--rounds", type=int, default=20, help="number of rounds, with four counted calls each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
