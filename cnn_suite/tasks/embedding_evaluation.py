"""Evaluation of encoding networks: how well distances tell whether two aligned faces are the same person."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.config_embedding import EmbeddingConfig
from cnn_suite.data.faces.aligned_faces import SPLITS, read_aligned_faces
from cnn_suite.metrics.verification import all_pairs, best_accuracy, equal_error_rate, tar_at_far
from cnn_suite.progress import shown
from cnn_suite.runtime.faces.face_encoder import load_encoder
from cnn_suite.tasks.evaluation_request import Asked, Timed

PROTOCOL = "all pairs of aligned faces, threshold of the best accuracy on the same pairs"
RECORDED = ("faces", "people", "pairs", "accuracy", "eer", "tar_at_far")
HEADLINE = ("accuracy", "eer", "tar_at_far")
FAR = (1e-2, 1e-3)


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a network's model folder; `Asked` describes the request.

    Returns:
        `faces`, `people`, `pairs`, then `accuracy`, `eer` and `tar_at_far` on all pairs, and the latency of one face.

    Raises:
        FileNotFoundError: If there are no faces at the path.
        ValueError: If the split is unknown or has fewer than two people.
    """
    if asked.split_or_test not in SPLITS:
        raise ValueError(f"There is no split {asked.split_or_test!r} of people. Choose {', '.join(SPLITS)}.")
    return _figures(folder, data_path, (asked.split_or_test,), asked)


def _figures(folder: str | Path, data_path: str | Path, splits: Sequence[str], asked: Asked) -> dict[str, Any]:
    encoder = load_encoder(folder, runtime=asked.runtime)
    faces = read_aligned_faces(data_path, splits, encoder.size)
    count = len(faces) if asked.limit is None else min(asked.limit, len(faces))
    timed = Timed(encoder.encode_aligned)
    encodings = np.array([timed(faces.still(number)[0]) for number in shown(range(count), "Evaluating", asked.quiet)])
    people = faces.people[: len(encodings)]
    if len(set(people)) < 2:
        raise ValueError(f"There are not two people of {' or '.join(splits)} in {data_path}.")
    pairs = all_pairs(encodings, people)
    return {
        "faces": len(encodings),
        "people": len(set(people)),
        "pairs": len(pairs.same),
        "accuracy": best_accuracy(*pairs).accuracy,
        "eer": equal_error_rate(*pairs).rate,
        "tar_at_far": {f"{far:g}": tar_at_far(*pairs, far).tar for far in FAR},
        "latency_ms": timed.latency_ms(),
    }


def evaluate_validation(
    folder: Path, config: EmbeddingConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on the validation people of its configuration; an empty dictionary without any."""
    if not config.data.validation:
        return {}
    return _figures(folder, config.data.path, config.data.validation, Asked(runtime=runtime, quiet=quiet))
