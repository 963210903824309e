"""Whether the input pipeline keeps the network busy: training on real batches compared with one batch in memory.

    python benchmarks/input_pipeline.py configs/cifar10_resnet20.yaml data.path=cifar10_train.zip [--rounds 8] [--json]

Both sides alternately train the configured network for a number of steps: one on the batches of a real training, read,
shuffled and augmented in the background, the other repeatedly on the first of these batches.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    options = _options()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(ROOT))
    figures = measured(options.config, options.overrides, options.rounds, options.steps)
    print(json.dumps(figures) if options.json else table(figures))


def measured(config_path: Path, overrides: list[str], rounds: int, steps: int) -> dict[str, Any]:
    """Pictures per second of both sides in every round, and the median of their ratios."""
    import tensorflow as tf

    from cnn_suite.config import load_config
    from cnn_suite.tasks import classification
    from cnn_suite.train import untrained

    config = load_config(config_path, [*overrides, "training.epochs=100000"])
    data = classification.datasets(config)
    config = classification.resolved(config, data)
    model = untrained(config, data)
    real = iter(classification.training_dataset(config, data, model))
    kept = tf.data.Dataset.from_tensors(next(real)).cache().repeat()
    sides = {"one batch in memory": iter(kept), "the real pipeline": real}
    for batches in sides.values():
        _pictures_a_second(model, batches, steps, config.data.batch_size)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            taken[name].append(_pictures_a_second(model, sides[name], steps, config.data.batch_size))
    memory, pipeline = (np.array(taken[name]) for name in sides)
    medians = {name: float(np.median(values)) for name, values in taken.items()}
    ratio = float(np.median(pipeline / memory))
    return {"pictures_a_second": medians, "ratio": ratio, "rounds": rounds, "steps": steps}


def table(figures: dict[str, Any]) -> str:
    """Format as Markdown: pictures per second of both sides, and their ratio."""
    lines = ["| batches | pictures a second |", "|---|---|"]
    lines += [f"| {name} | {value:.0f} |" for name, value in figures["pictures_a_second"].items()]
    return "\n".join([*lines, "", f"the real pipeline reaches {100 * figures['ratio']:.1f} % of the batch in memory"])


def _pictures_a_second(model: Any, batches: Any, steps: int, batch_size: int) -> float:
    """Runs the compiled step of `train_on_batch`, without the overhead of `fit`, on both sides."""
    start = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(*next(batches))
    return steps * batch_size / (time.perf_counter() - start)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="configuration file of a classifier")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="fields to override")
    parser.add_argument("--rounds", type=int, default=8, help="number of rounds")
    parser.add_argument("--steps", type=int, default=30, help="training steps per turn")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
