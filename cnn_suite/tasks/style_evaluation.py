"""Evaluation of style networks: J and its terms for photographs painted by the exported model, per style."""

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.config import load_config
from cnn_suite.config_style import StyleConfig
from cnn_suite.data.photo_crops import read_photos
from cnn_suite.metrics.style_sheet import write_sheet
from cnn_suite.progress import shown
from cnn_suite.runtime.media.picture_arrays import reduced
from cnn_suite.runtime.style.stylizer import load_stylizer
from cnn_suite.tasks.evaluation_request import Asked, Timed

LONGEST_SIDE = 480
MOST_SHOWN = 8  # photographs of the sheet
PROTOCOL = f"J as in the training, its mean over photographs of {LONGEST_SIDE} px"
RECORDED = ("photos", "loss", "per_style")
HEADLINE = ("loss", "per_style")


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a network's model folder on a folder of photographs; `Asked` describes the request.

    The paintings and the perceptual network are those of the training, where its configuration says they are.

    Returns:
        `photos`, the mean `loss`, `per_style` with `loss`, `content`, `style` and `variation` of every style, and the
        latency of one picture.

    Raises:
        FileNotFoundError: If there are no photographs, or a painting or the perceptual network's weights are missing.
    """
    return _measured(folder, [str(data_path)], asked)


def evaluate_validation(
    folder: Path, config: StyleConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on all validation photographs of its configuration; nothing without any."""
    if not config.data.validation:
        return {}
    asked = Asked(runtime=runtime, report_folder=report_folder, quiet=quiet)
    return _measured(folder, config.data.validation, asked)


def _measured(folder: str | Path, photo_folders: Sequence[str], asked: Asked) -> dict[str, Any]:
    import tensorflow as tf

    from cnn_suite.tasks.style_loss import perceptual_loss

    config = load_config(Path(folder) / "config.yaml")
    assert isinstance(config, StyleConfig)  # a model folder's task and its configuration are written together
    found = [read_photos(each, config.data.smallest_side) for each in dict.fromkeys(photo_folders)]
    photos = [reduced(photo, LONGEST_SIDE) for photo in islice(chain.from_iterable(found), asked.limit)]
    network, cost = load_stylizer(folder, runtime=asked.runtime), perceptual_loss(config)
    rows: list[list[np.ndarray]] = []
    parts: list[list[np.ndarray]] = []
    timed = Timed(network)
    for photo in shown(photos, "Evaluating", asked.quiet):
        network(photo)  # a new size allocates, which is not timed
        timed(photo)
        rows.append([network(photo, row) for row in np.eye(len(network.labels))])
        batch = tf.constant(np.stack(rows[-1]), tf.float32)
        costs = cost.parts(tf.tile(tf.constant(photo[None], tf.float32), (len(batch), 1, 1, 1)), batch)
        parts.append([np.asarray(part) for part in costs])
    if asked.report_folder is not None:
        write_sheet(asked.report_folder / "styles.jpg", photos[:MOST_SHOWN], rows[:MOST_SHOWN])
    content, style, variation = np.mean(parts, axis=0)
    loss = config.training.alpha * content + config.training.beta * style + config.training.tv * variation
    columns = {"loss": loss, "content": content, "style": style, "variation": variation}
    return {
        "photos": len(photos),
        "loss": float(loss.mean()),
        "per_style": {
            label: {name: float(values[number]) for name, values in columns.items()}
            for number, label in enumerate(network.labels)
        },
        "latency_ms": timed.latency_ms(),
    }
