"""Latency of a Darknet detector from picture to boxes: its model folder in LiteRT compared with OpenCV's reader.

    cnn-suite pull yolo-fastest-1.1
    python benchmarks/darknet_latency.py yolo-fastest-1.1 yolo-fastest-1.1.weights [--picture FILE] [--json]

Both take the same uint8 picture and return boxes in its pixels after non-max suppression, with the same thresholds and
number of threads, alternating in one process. OpenCV uses its `DetectionModel` with the model folder's .cfg and the
.weights; it needs OpenCV 4, because OpenCV 5 has no Darknet reader.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from alternating import alternate, summary, table
from detector_latency import read_picture

from cnn_suite.results import Detections, ModelCard
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.runtime.model_files.model_folders import find_model

CONFIDENCE, IOU = 0.25, 0.45


def main() -> None:
    options = _options()
    picture, source = read_picture(options.picture, options.size)
    folder = find_model(options.model)
    detector = load_detector(folder, threads=options.threads)

    def ours() -> Detections:
        return detector(picture, confidence=CONFIDENCE, iou=IOU)

    theirs = opencv(folder, options.weights, picture, options.threads)
    contestants = {"LiteRT, model folder": ours, "OpenCV, Darknet reader": theirs}
    figures = summary(alternate(contestants, rounds=options.rounds))
    if options.json:
        found = {"model": folder.name, "picture": source, "threads": options.threads}
        print(json.dumps(found | {"boxes": [len(ours()), len(theirs()[0])], "figures": figures}))
        return
    print(f"{folder.name}, {source} at {picture.shape[0]}x{picture.shape[1]}, {options.threads} threads\n")
    print(table(figures))
    print(f"\nBoxes found: {len(ours())} and {len(theirs()[0])}")


def opencv(folder: Path, weights: Path, picture: np.ndarray, threads: int) -> Callable[[], Any]:
    """OpenCV's full pipeline from picture to class numbers, scores and boxes."""
    import cv2

    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        sys.exit(f"OpenCV {cv2.__version__} has no Darknet reader. Install opencv-python<5 for this comparison.")
    cv2.setNumThreads(threads)
    height, width = ModelCard.read(folder).input["network_size_hw"]
    model = cv2.dnn.DetectionModel(str(weights), str(folder / "network.cfg"))
    model.setInputParams(1 / 255, (width, height))
    return lambda: model.detect(picture, CONFIDENCE, IOU)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model folder, or name of a pulled model")
    parser.add_argument("weights", type=Path, help="the .weights file it was made from")
    parser.add_argument("--picture", type=Path, help="input picture [default: random noise with a fixed seed]")
    parser.add_argument("--size", default="480x640", help="height x width of the picture")
    parser.add_argument("--rounds", type=int, default=40, help="number of rounds, with four counted calls each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
