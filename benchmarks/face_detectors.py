"""Our face detector compared with OpenCV's FaceDetectorYN: same pictures, input size and threads, run alternately.

    python benchmarks/face_detectors.py --pictures FOLDER --yunet FILE.onnx [--model saved_models/face_yolo]

Every picture is letterboxed once into a square of the input size, with grey borders, which both detectors receive.
FaceDetectorYN's boxes are the reference: recall is the fraction of them matched by one of ours with an IoU of at least
0.5; a false box is one of ours that matches none of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from alternating import alternate, summary, table

from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import Detector, load_detector

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
YUNET_NMS_IOU, YUNET_TOP_K = 0.3, 5000  # OpenCV's defaults


def main() -> None:
    options = _options()
    cv2.setNumThreads(options.threads)
    squares = {str(file): square(read(file), options.size) for file in picture_files(options.pictures)}
    yunet = cv2.FaceDetectorYN.create(
        str(options.yunet), "", (options.size, options.size), options.yunet_confidence, YUNET_NMS_IOU, YUNET_TOP_K
    )
    ours = load_detector(options.model, threads=options.threads)
    result: dict[str, Any] = {
        "model": options.model.name,
        "pictures": len(squares),
        "size": options.size,
        "threads": options.threads,
        "opencv": cv2.__version__,
        "confidence": ours.thresholds["confidence"] if options.confidence is None else options.confidence,
        "yunet_confidence": options.yunet_confidence,
        **agreement(ours, yunet, squares, options.confidence),
        "timing": timing(ours, yunet, list(squares.values()), options.rounds),
    }
    print(json.dumps(result) if options.json else report(result))
    if options.record:
        record(options, result)


def record(options: argparse.Namespace, result: dict[str, Any]) -> None:
    """Write the agreement (not the timing) and the command that reproduces it into the model's card."""
    card = ModelCard.read(options.model)
    names = ("pictures", "size", "opencv", "confidence", "yunet_confidence", "reference_boxes", "recall")
    figures = {name: result[name] for name in (*names, "false_boxes_a_picture")}
    command = f"python benchmarks/face_detectors.py --pictures {options.pictures} --yunet {options.yunet.name}"
    metrics = card.metrics | {options.pictures.name: figures | {"command": command}}
    replace(card, metrics=metrics).write(options.model)


def picture_files(folder: Path) -> list[Path]:
    """All pictures under a folder, sorted by name."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if not files:
        sys.exit(f"No pictures ({', '.join(sorted(ENDINGS))}) under {folder}.")
    return files


def read(file: Path) -> np.ndarray:
    """Read a picture as BGR, or stop: a benchmark on fewer pictures than requested would be misleading."""
    image = cv2.imread(str(file))
    if image is None:
        sys.exit(f"Cannot read the picture {file}.")
    return image


def square(image_bgr: np.ndarray, size: int) -> np.ndarray:
    """Letterbox a picture into a grey square, keeping its aspect ratio."""
    height, width = image_bgr.shape[:2]
    scale = size / max(height, width)
    fitted = cv2.resize(image_bgr, (max(1, round(width * scale)), max(1, round(height * scale))))
    canvas = np.full((size, size, 3), 114, np.uint8)
    top, left = (size - fitted.shape[0]) // 2, (size - fitted.shape[1]) // 2
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return canvas


def agreement(
    ours: Detector, yunet: Any, squares: dict[str, np.ndarray], confidence: float | None
) -> dict[str, Any]:
    """Count the reference boxes matched by ours, and our boxes that match none, over all pictures."""
    references = covered = false = 0
    missed_in, false_in = [], []
    for name, image in squares.items():
        expected = yunet_boxes(yunet, image)
        found = ours(np.ascontiguousarray(image[..., ::-1]), confidence=confidence).xyxy_px
        pairs = matches(found, expected)
        references, covered, false = references + len(expected), covered + pairs, false + len(found) - pairs
        missed_in += [name] if pairs < len(expected) else []
        false_in += [name] if pairs < len(found) else []
    return {
        "reference_boxes": references,
        "recall": covered / references if references else None,
        "false_boxes_a_picture": false / len(squares),
        "pictures_with_a_miss": missed_in,
        "pictures_with_a_false_box": false_in,
    }


def yunet_boxes(yunet: Any, image_bgr: np.ndarray) -> np.ndarray:
    """FaceDetectorYN's boxes as xyxy in pixels."""
    _, faces = yunet.detect(image_bgr)
    boxes = np.zeros((0, 4), np.float32) if faces is None else np.array(faces[:, :4], np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def matches(found: np.ndarray, expected: np.ndarray, threshold: float = 0.5) -> int:
    """Number of one-to-one matches with at least that IoU; each of `found`, in order, takes its best free partner."""
    overlaps = iou(found, expected)
    pairs = 0
    for row in range(len(found)):
        if len(expected) and overlaps[row].max() >= threshold:
            overlaps[:, overlaps[row].argmax()] = -1
            pairs += 1
    return pairs


def timing(ours: Detector, yunet: Any, squares: list[np.ndarray], rounds: int) -> dict[str, dict[str, float]]:
    """Run both detectors alternately on the same pictures; each includes its conversion from BGR."""
    turns = {"yunet": 0, "ours": 0}

    def next_square(name: str) -> np.ndarray:
        turns[name] += 1
        return squares[turns[name] % len(squares)]

    def run_ours() -> Any:
        return ours(cv2.cvtColor(next_square("ours"), cv2.COLOR_BGR2RGB))

    contestants = {"FaceDetectorYN": lambda: yunet.detect(next_square("yunet")), "ours": run_ours}
    return summary(alternate(contestants, rounds=rounds))


def report(result: dict[str, Any]) -> str:
    """Format the result as text."""
    recall = "no reference boxes" if result["recall"] is None else f"{result['recall']:.4f}"
    lines = [
        f"{result['model']} against FaceDetectorYN (OpenCV {result['opencv']}), {result['pictures']} pictures, "
        f"{result['size']} px, {result['threads']} threads",
        "",
        f"recall at IoU 0.5      {recall} of {result['reference_boxes']} boxes",
        f"false boxes a picture  {result['false_boxes_a_picture']:.4f}",
        *[f"missed in  {name}" for name in result["pictures_with_a_miss"]],
        *[f"false in   {name}" for name in result["pictures_with_a_false_box"]],
        "",
        table(result["timing"]),
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures, including sub-folders")
    parser.add_argument("--yunet", type=Path, required=True, help="FaceDetectorYN's ONNX file")
    parser.add_argument("--model", type=Path, default=Path("saved_models/face_yolo"), help="our model folder")
    parser.add_argument("--confidence", type=float, help="our threshold [default: the model's]")
    parser.add_argument("--yunet-confidence", type=float, default=0.9, help="FaceDetectorYN's threshold")
    parser.add_argument("--size", type=int, default=320, help="side length of the square input")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40, help="number of rounds, with four counted calls each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--record", action="store_true", help="write the agreement into the model's card")
    options = parser.parse_args()
    for path in (options.pictures, options.yunet, options.model):
        if not path.exists():
            parser.error(f"{path} does not exist.")
    return options


if __name__ == "__main__":
    main()
