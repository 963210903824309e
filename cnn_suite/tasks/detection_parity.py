"""Checks that the exported formats of a detector give the same results as the original network.

Equal candidates, but not always the same choice of them: where two boxes of one object have scores that differ in the
sixth digit, rounding decides which of them the suppression keeps. So a form is right if every box it gives is a box of
the network, none of them suppresses another, and nothing is left out that they do not suppress.
"""

from collections.abc import Sequence

import numpy as np

from cnn_suite.config_detection import Export
from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.parity import Answer, ParityError, Runtime

LARGEST_BOX_DIFFERENCE_PX = 0.5
LARGEST_SCORE_DIFFERENCE = 1e-3
COUNTED_SCORE = 0.01
ROUNDING_OF_IOU = 0.01  # graphs suppress in float32, on boxes that are moved apart class by class

def parity(
    reference: Runtime, others: dict[str, Runtime], pictures: Sequence[np.ndarray], settings: Export
) -> dict[str, dict[str, float]]:
    """Largest differences of other runtimes from the reference.

    Args:
        reference: The network: from the name of a signature and uint8 pictures `(1, height, width, 3)` to its outputs.
        others: Name of a runtime to a function of the same kind.
        pictures: Uint8 `(height, width, 3)`, best of different sizes.
        settings: Thresholds of the graph.

    Returns:
        For every runtime `box_px` and `score` (largest differences from the network, of boxes and of candidates),
        `wrong` (boxes that the network does not have, has only once, or that are missing), `boxes` and `candidates`
        (how many were compared).
    """
    result: dict[str, dict[str, float]] = {
        name: {"box_px": 0.0, "score": 0.0, "wrong": 0, "boxes": 0, "candidates": 0} for name in others
    }
    for picture in pictures:
        expected = _answer(reference, "serving_default", picture)
        proposed = _answer(reference, "candidates", picture)
        for name, answer in others.items():
            total = result[name]
            _compare_boxes(total, expected, proposed, _answer(answer, "serving_default", picture), settings)
            _compare_candidates(total, proposed, _answer(answer, "candidates", picture))
    return result


def check(differences: dict[str, dict[str, float]]) -> None:
    """Refuses an export whose runtimes differ by more than half a pixel or a thousandth of the score.

    Raises:
        ParityError: If one does.
    """
    for name, found in differences.items():
        if (
            found["box_px"] > LARGEST_BOX_DIFFERENCE_PX
            or found["score"] > LARGEST_SCORE_DIFFERENCE
            or found["wrong"] > 0
        ):
            raise ParityError(
                f"The {name} file differs from the network: boxes by {found['box_px']:.3f} px (at most "
                f"{LARGEST_BOX_DIFFERENCE_PX}), scores by {found['score']:.5f} (at most {LARGEST_SCORE_DIFFERENCE}), "
                f"{found['wrong']} boxes foreign, double or missing among {found['boxes']}. Do not deploy it."
            )


def agreement(
    reference: Runtime, other: Runtime, pictures: Sequence[np.ndarray], confidence: float
) -> dict[str, float]:
    """How near a form that is meant to differ, such as an 8-bit one, comes to the network.

    Args:
        reference: As in `parity`.
        other: The form to compare.
        pictures: Uint8 `(height, width, 3)`.
        confidence: Boxes below are not counted.

    Returns:
        `boxes` (of the network), `missing` and `extra` (boxes without a partner of their class at IoU 0.5 in the other
        answer, whatever its score), mean and largest differences between partners (`mean_box_px`, `box_px`,
        `mean_score`, `score`), and `confidence`.
    """
    boxes, scores, counts = [np.zeros(0)], [np.zeros(0)], np.zeros(3, int)
    for picture in pictures:
        expected, found = (_answer(runtime, "serving_default", picture) for runtime in (reference, other))
        (rows, partners), (back, _) = _partners(expected, found, confidence), _partners(found, expected, confidence)
        sure = [int((answer["scores"] >= confidence).sum()) for answer in (expected, found)]
        boxes.append(np.abs(expected["boxes"][rows] - found["boxes"][partners]).max(axis=1, initial=0))
        scores.append(np.abs(expected["scores"][rows] - found["scores"][partners]))
        counts += (sure[0], sure[0] - len(rows), sure[1] - len(back))
    return (
        dict(zip(("boxes", "missing", "extra"), counts.tolist(), strict=True))
        | _summary("box_px", np.concatenate(boxes))
        | _summary("score", np.concatenate(scores))
        | {"confidence": confidence}
    )


def _summary(name: str, differences: np.ndarray) -> dict[str, float]:
    mean = float(differences.mean()) if len(differences) else 0.0
    return {f"mean_{name}": mean, name: float(differences.max(initial=0))}


def _answer(runtime: Runtime, signature: str, picture: np.ndarray) -> Answer:
    """The outputs for one picture, without its batch axis and what lies past `count`; empty without the signature."""
    outputs = runtime(signature, picture[None]) or {}
    one = {name: np.asarray(outputs[name])[0] for name in outputs}
    if "count" not in one:
        return one
    count = int(one.pop("count"))
    return {name: one[name][:count] for name in one} | {"full": np.asarray(count == len(one["scores"]))}


def _compare_boxes(total: dict, expected: Answer, proposed: Answer, found: Answer, settings: Export) -> None:
    box, score, foreign = _nearest(found, proposed)
    total["box_px"] = max(total["box_px"], box)
    total["score"] = max(total["score"], score)
    total["wrong"] += foreign + _missing(expected, found, settings) + _doubles(found, settings.iou)
    total["boxes"] += int((expected["scores"] >= COUNTED_SCORE).sum())


def _compare_candidates(total: dict, proposed: Answer, found: Answer) -> None:
    if not found:
        return
    for name, part in (("boxes", "box_px"), ("objectness", "score"), ("class_probabilities", "score")):
        difference = np.abs(found[name] - proposed[name]).max(initial=0)
        total[part] = float("inf") if np.isnan(difference) else max(total[part], float(difference))
    total["candidates"] += len(proposed["boxes"])


def _overlaps(first: Answer, second: Answer) -> np.ndarray:
    """IoU of boxes of one class, 0 between classes, `(n, m)`."""
    return iou(first["boxes"], second["boxes"]) * (first["classes"][:, None] == second["classes"][None])


def _nearest(found: Answer, proposed: Answer) -> tuple[float, float, int]:
    """Largest differences from the nearest candidates, and how many boxes are near to none."""
    if len(found["scores"]) == 0:
        return 0.0, 0.0, 0
    scores = proposed["objectness"] * proposed["class_probabilities"].T[found["classes"]]  # (n, N): as their class
    score = np.abs(found["scores"][:, None] - scores)
    box = np.abs(found["boxes"][:, None] - proposed["boxes"][None]).max(axis=-1)
    nearest = np.maximum(box / LARGEST_BOX_DIFFERENCE_PX, score / LARGEST_SCORE_DIFFERENCE).argmin(axis=1)
    rows = np.arange(len(nearest))
    box, score = box[rows, nearest], score[rows, nearest]
    near = (box <= LARGEST_BOX_DIFFERENCE_PX) & (score <= LARGEST_SCORE_DIFFERENCE)  # false for what is no number
    return float(box.max()), float(score.max()), int((~near).sum())


def _missing(expected: Answer, found: Answer, settings: Export) -> int:
    """Boxes of the network that are not found, are suppressed by no box found, and did not fall off a full list."""
    as_good = found["scores"][None] >= expected["scores"][:, None] - LARGEST_SCORE_DIFFERENCE
    covered = ((_overlaps(expected, found) > settings.iou - ROUNDING_OF_IOU) & as_good).any(axis=1)
    counted = expected["scores"] >= max(COUNTED_SCORE, settings.score_floor + LARGEST_SCORE_DIFFERENCE)
    if found["full"]:
        counted &= expected["scores"] > found["scores"].min(initial=1) + LARGEST_SCORE_DIFFERENCE
    return int((counted & ~covered).sum())


def _doubles(found: Answer, iou_threshold: float) -> int:
    """Boxes that a better one should have suppressed."""
    counted = found["scores"] >= COUNTED_SCORE
    double = np.triu(_overlaps(found, found), 1) > iou_threshold + ROUNDING_OF_IOU
    return int((double.any(axis=0) & counted).sum())


def _partners(first: Answer, second: Answer, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the boxes of `first` that count and have a partner in `second`, and of that partner."""
    if len(second["scores"]) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    overlap = _overlaps(first, second)
    rows = np.flatnonzero((overlap.max(axis=1) > 0.5) & (first["scores"] >= confidence))
    return rows, overlap[rows].argmax(axis=1)
