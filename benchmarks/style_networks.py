"""A style network compared with optimisation within a time budget: speed, J, and flicker.

    python benchmarks/style_networks.py MODEL PHOTO [--size 480x320] [--seconds 30] [--video FILE]

For both, J is the training objective of the network, with the same photograph, paintings and perceptual network. The
paintings and weights are read from the paths in the model's config.yaml. Flicker is measured for frames painted
independently and for blended frames.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    options = _options()
    width, height = (int(side) for side in options.size.split("x"))
    from cnn_suite.data.picture_files import read_rgb
    from cnn_suite.runtime.media.picture_arrays import resized
    from cnn_suite.runtime.style.stylizer import load_stylizer

    photo = resized(read_rgb(options.photo), (height, width))
    network = load_stylizer(options.model, threads=options.threads)
    result: dict[str, Any] = {"model": str(options.model), "size": options.size}
    result |= _speed(network, photo, options.rounds)
    if options.video:
        result["flicker"] = _flicker(network, options.video, options.frames, max(width, height))
    result["styles"] = _against_optimised(network, photo, options)
    print(json.dumps(result, indent=None if options.json else 2))


def _speed(network: Any, photo: np.ndarray, rounds: int) -> dict[str, float]:
    for _ in range(3):
        network(photo)
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        network(photo)
        taken.append(time.perf_counter() - start)
    median = float(np.median(taken))
    return {"median_ms": median * 1e3, "p90_ms": float(np.percentile(taken, 90)) * 1e3, "frames_per_second": 1 / median}


def _flicker(network: Any, video: Path, frames: int, longest_side: int) -> dict[str, float]:
    from cnn_suite.runtime.media.frames import open_source
    from cnn_suite.runtime.style.flicker import Flicker
    from cnn_suite.runtime.style.steady import SteadyStylizer

    steady = SteadyStylizer(lambda image: network(image, longest_side=longest_side))
    alone, together = Flicker(), Flicker()
    for frame in open_source(str(video)):
        if frame.index >= frames:
            break
        painted = steady(frame.image_rgb)
        together.add(painted, steady.motion)
        alone.add(steady.stylized, steady.motion)
    return {
        "frame_by_frame": alone.mean or 0.0,
        "steady": together.mean or 0.0,
        "ratio": (together.mean or 0.0) / (alone.mean or 1.0),
    }


def _against_optimised(network: Any, photo: np.ndarray, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    import cv2
    import tensorflow as tf

    from cnn_suite.config import load_config
    from cnn_suite.data.picture_files import read_rgb
    from cnn_suite.style_transfer.perception import load_perception
    from cnn_suite.style_transfer.settings import TransferSettings
    from cnn_suite.style_transfer.targets import resized_painting
    from cnn_suite.stylize import stylize_picture
    from cnn_suite.tasks.style_loss import PerceptualLoss

    config = load_config(options.model / "config.yaml")
    training = config.training
    perception = load_perception(**config.perception.model_dump())
    found = {}
    for number, painting in enumerate(config.data.paintings):
        art = resized_painting(read_rgb(painting.path), painting.size)
        cost = PerceptualLoss(perception, [art], [painting.strength], training.alpha, training.beta, training.tv)
        mixture = np.eye(len(config.data.paintings))[number]
        pictures = {"network": network(photo, mixture)}
        with tempfile.TemporaryDirectory() as folder:
            before, after = Path(folder, "photo.png"), Path(folder, "painted.png")
            cv2.imwrite(str(before), photo[..., ::-1])
            settings = TransferSettings(
                alpha=training.alpha, beta=training.beta * painting.strength, tv=training.tv, seconds=options.seconds,
                painting_scale=painting.size / max(photo.shape), iterations=None,
            )  # fmt: skip
            figures = stylize_picture(before, [painting.path], after, settings, perception=perception)
            pictures["optimised"] = read_rgb(after)
        row: dict[str, float] = {"iterations": figures["iterations"], "seconds": figures["seconds"]}
        for name, picture in pictures.items():
            pair = [tf.constant(image[None], tf.float32) for image in (photo, picture)]
            row[name] = float(cost(*pair)[0])
            row |= {f"{name}_{part}": float(value[0]) for part, value in cost.parts(*pair)._asdict().items()}
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.pictures / f"{painting.name}_{name}.png"), picture[..., ::-1])
        found[painting.name] = row | {"ratio": row["network"] / row["optimised"]}
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--size", default="480x320", metavar="WIDTHxHEIGHT")
    parser.add_argument("--seconds", type=float, default=30.0, help="time budget of the optimisation")
    parser.add_argument("--video", type=Path, help="video to measure the flicker of")
    parser.add_argument("--frames", type=int, default=120, help="maximum number of video frames")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write both pictures into this folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
