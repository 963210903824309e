"""Step time of our networks compared with keras.applications, with the same weights, alternating in one process.

    python benchmarks/architectures.py [--models resnet50 mobilenet_v2] [--repeats 20] [--size 128] [--json]

Both do the same work: from RGB 0..255 to class scores, with preprocessing inside the compiled function. Timed are
inference with one and with eight pictures, and a training step with eight: forward pass, loss, gradients and the update
of SGD with momentum. Before timing, both are checked to give the same scores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from alternating import alternate, summary

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("vgg16", "vgg19", "resnet50", "resnet101", "resnet152", "mobilenet_v2")
KERAS, OURS = "keras.applications", "cnn_suite"
CLASSES = 1000
TOLERANCE = 1e-5  # as a fraction of the largest score

Scores = Callable[..., Any]


def main() -> None:
    options = _options()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(ROOT))
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    results = []
    for name in options.models:
        results += measured(name, options.size, options.repeats)
        tf.keras.utils.clear_session()
    if options.json:
        print(json.dumps({"size": options.size, "threads": options.threads, "results": results}))
        return
    print(f"{options.size}x{options.size} pictures, {options.threads} threads, load {os.getloadavg()[0]:.1f}\n")
    print(table(results))


def measured(name: str, size: int, repeats: int) -> list[dict[str, Any]]:
    """Timings of one network: inference with one and eight pictures, and a training step."""
    import tensorflow as tf

    networks, models = _networks(name, size)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.integers(0, 256, (8, size, size, 3)).astype(np.float32))
    labels = tf.constant(rng.integers(0, CLASSES, 8))
    difference = _largest_difference(networks, images)
    rows = []
    for batch in (1, 8):
        some = images[:batch]
        calls = {side: _inference(scores, some) for side, scores in networks.items()}
        rows.append((f"inference, {batch}", alternate(calls, rounds=repeats)))
    steps = {side: _training_step(networks[side], models[side], images, labels) for side in networks}
    rows.append(("training step, 8", alternate(steps, rounds=repeats, calls=2, warm_up=2)))
    return [
        {"model": name, "what": what, "difference": difference, "figures": summary(taken)} for what, taken in rows
    ]


def table(results: list[dict[str, Any]]) -> str:
    """Format as Markdown: the medians of both, and the ratio of ours to keras.applications."""
    lines = [f"| network | what | {KERAS}, median ms | {OURS}, median ms | ratio | largest difference |"]
    lines.append("|---|---|---|---|---|---|")
    for row in results:
        theirs, ours = row["figures"][KERAS], row["figures"][OURS]
        lines.append(
            f"| {row['model']} | {row['what']} | {theirs['median_ms']:.1f} | {ours['median_ms']:.1f} "
            f"| {ours['ratio']:.3f} | {row['difference']:.1g} |"
        )
    return "\n".join(lines)


def _networks(name: str, size: int) -> tuple[dict[str, Scores], dict[str, Any]]:
    """The scoring functions of both, and both models, ours with their weights."""
    import keras

    from cnn_suite import models

    builder, preprocess = {
        "vgg16": (keras.applications.VGG16, keras.applications.vgg16.preprocess_input),
        "vgg19": (keras.applications.VGG19, keras.applications.vgg19.preprocess_input),
        "resnet50": (keras.applications.ResNet50, keras.applications.resnet.preprocess_input),
        "resnet101": (keras.applications.ResNet101, keras.applications.resnet.preprocess_input),
        "resnet152": (keras.applications.ResNet152, keras.applications.resnet.preprocess_input),
        "mobilenet_v2": (keras.applications.MobileNetV2, keras.applications.mobilenet_v2.preprocess_input),
    }[name]
    shape = (size, size, 3)
    theirs = builder(input_shape=shape, weights=None, classes=CLASSES, classifier_activation=None)
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_weights(Path(folder) / "x.weights.h5")
        ours = getattr(models, name)(
            shape, CLASSES, dropout=0, classifier_activation=None, weights=Path(folder) / "x.weights.h5"
        )
    networks = {
        KERAS: lambda images, training: theirs(preprocess(images), training=training),
        OURS: lambda images, training: ours(images, training=training),
    }
    return networks, {KERAS: theirs, OURS: ours}


def _largest_difference(networks: dict[str, Scores], images: Any) -> float:
    theirs, ours = (np.asarray(networks[side](images, training=False)) for side in (KERAS, OURS))
    difference = float(np.abs(theirs - ours).max() / np.abs(theirs).max())
    if not difference <= TOLERANCE:
        sys.exit(f"The networks differ by {difference:.2g} of the largest score; timing is skipped.")
    return difference


def _inference(scores: Scores, images: Any) -> Callable[[], Any]:
    import tensorflow as tf

    compiled = tf.function(lambda images: scores(images, training=False))
    return lambda: compiled(images).numpy()


def _training_step(scores: Scores, model: Any, images: Any, labels: Any) -> Callable[[], Any]:
    import keras
    import tensorflow as tf

    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # So small that hundreds of steps on the same eight pictures do not change the work.
    optimizer = keras.optimizers.SGD(1e-6, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, scores(images, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return lambda: step(images, labels).numpy()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=20, help="number of rounds")
    parser.add_argument("--size", type=int, default=128, help="side length of the pictures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
