"""Latency per frame: the exported graph in LiteRT compared with OpenCV's DNN runtime on the same network.

    python benchmarks/detector_latency.py saved_models/face_yolo [--picture FILE] [--size 480x640] [--json]

Three contestants run alternately in one process with the same number of threads:
the whole graph of model.tflite (from uint8 picture to boxes, with letterbox, network, decoding and NMS inside),
the bare network of model.keras in LiteRT, and the bare network in OpenCV.
The bare network is written as a static LiteRT file by a separate process, so that this one never imports TensorFlow.
OpenCV's importer does not support TILE, which Keras's upsampling is converted to; an equivalent nearest resize
is written instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from alternating import alternate, summary, table

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    options = _options()
    if options.write_network:
        write_network(options.model / "model.keras", options.write_network)
        return
    picture, source = read_picture(options.picture, options.size)
    contestants: dict[str, Callable[[], Any]] = {
        "whole graph, LiteRT": _whole_graph(options.model / "model.tflite", picture, options.threads)
    }
    difference, refused = _add_networks(contestants, options)
    figures = summary(alternate(contestants, rounds=options.rounds))
    if options.json:
        result = {"model": str(options.model), "threads": options.threads, "picture": source}
        result |= {"size_hw": picture.shape[:2], "largest_difference": difference, "opencv_refused": refused}
        print(json.dumps(result | {"figures": figures}))
        return
    print(f"{options.model.name}, {source} at {picture.shape[0]}x{picture.shape[1]}, {options.threads} threads\n")
    print(table(figures))
    if refused:
        print(f"\nOpenCV cannot run this network: {refused}")
    else:
        print(f"\nLargest difference between the networks' raw outputs: {difference:.2g}")


def write_network(source: Path, folder: Path) -> None:
    """Convert the network of a .keras file to a LiteRT file with fixed shapes (uses TensorFlow)."""
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from cnn_suite.trained import load_trained

    model = load_trained(source).model
    size_hw = _network_size(model, source.parent)
    if isinstance(model.layers[-1], keras.layers.UnitNormalization):  # OpenCV's importer does not support SQUARE either
        model = keras.Model(model.input, model.layers[-1].input)

    class NearestResize(keras.layers.Layer):
        """Upsampling as a single resize operator."""

        def call(self, features: Any) -> Any:
            return tf.image.resize(features, (2 * features.shape[1], 2 * features.shape[2]), "nearest")

    def resized(layer: Any) -> Any:
        if isinstance(layer, keras.layers.UpSampling2D) and tuple(layer.size) == (2, 2):
            return NearestResize(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    image = keras.Input(batch_shape=(1, *size_hw, 3))
    fixed = keras.models.clone_model(model, input_tensors=image, clone_function=resized)
    fixed.set_weights(model.get_weights())
    spec = tf.TensorSpec((1, *size_hw, 3), tf.float32)
    function = tf.function(lambda images: fixed(images, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(function)
    (folder / "network.tflite").write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen], fixed).convert())


def _network_size(model: Any, folder: Path) -> tuple[int, int]:
    height, width = model.inputs[0].shape[1:3]
    if height is None or width is None:
        height, width = json.loads((folder / "card.json").read_text(encoding="utf-8"))["input"]["network_size_hw"]
    return int(height), int(width)


def _add_networks(
    contestants: dict[str, Callable[[], Any]], options: argparse.Namespace
) -> tuple[float | None, str]:
    """Add the bare network in LiteRT and OpenCV; return their largest difference, and OpenCV's error if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, __file__, str(options.model), "--write-network", folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"Writing the bare network failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        return _open_networks(Path(folder) / "network.tflite", contestants, options.threads)


def _open_networks(file: Path, contestants: dict[str, Callable[[], Any]], threads: int) -> tuple[float | None, str]:
    import cv2
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=threads)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).integers(0, 256, entry["shape"]).astype(np.float32)
    exits = [output["index"] for output in interpreter.get_output_details()]

    def in_litert() -> list[np.ndarray]:
        interpreter.set_tensor(entry["index"], image)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in exits]

    contestants["network alone, LiteRT"] = in_litert
    cv2.setNumThreads(threads)
    try:
        # OpenCV 5's new engine exposes only one of several outputs; OpenCV 4 has no engine option.
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        network = cv2.dnn.readNetFromTFLite(str(file), *engine)
        blob = cv2.dnn.blobFromImage(image[0])
        names = network.getUnconnectedOutLayersNames()

        def in_opencv() -> list[np.ndarray]:
            network.setInput(blob)
            return list(network.forward(names))

        difference = _largest_difference(in_litert(), in_opencv())
    except cv2.error as error:
        return None, str(error).strip().splitlines()[0]
    contestants["network alone, OpenCV DNN"] = in_opencv
    return difference, ""


def _largest_difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    by_size = {output.size: output.ravel() for output in theirs}
    return max(float(np.abs(output.ravel() - by_size[output.size]).max()) for output in ours)


def _whole_graph(file: Path, picture: np.ndarray, threads: int) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter

    # `runner` holds its interpreter; if a file has several signatures, the default is the first.
    runner = Interpreter(str(file), num_threads=threads).get_signature_runner("serving_default")
    return lambda: runner(images=picture[None])


def read_picture(file: Path | None, size: str) -> tuple[np.ndarray, str]:
    """The picture as RGB uint8 at the given size, and its description."""
    import cv2

    height, width = (int(part) for part in size.lower().split("x"))
    if file:
        image = cv2.imread(str(file))
        if image is None:
            sys.exit(f"Cannot read the picture {file}.")
        return cv2.cvtColor(cv2.resize(image, (width, height)), cv2.COLOR_BGR2RGB), file.name
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8), "random picture"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--picture", type=Path, help="input picture [default: random noise with a fixed seed]")
    parser.add_argument("--size", default="480x640", help="height x width of the picture")
    parser.add_argument("--rounds", type=int, default=40, help="number of rounds, with four counted calls each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write-network", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (options.model / "model.tflite").exists():
        parser.error(f"{options.model} contains no model.tflite. Write it with `cnn-suite export`.")
    return options


if __name__ == "__main__":
    main()
