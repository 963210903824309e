"""Whether the exported forms of a detector say the same as the network they came from."""

from collections.abc import Callable, Sequence

import numpy as np

from cnn_suite.ops.numpy_boxes import iou

LARGEST_BOX_DIFFERENCE_PX = 0.5
LARGEST_SCORE_DIFFERENCE = 1e-3
COUNTED_SCORE = 0.01  # below it two equal boxes may change places

Answer = dict[str, np.ndarray]


class ParityError(RuntimeError):
    """An exported file that does not answer like the network."""


def parity(
    reference: Callable[[np.ndarray], Answer],
    others: dict[str, Callable[[np.ndarray], Answer]],
    pictures: Sequence[np.ndarray],
) -> dict[str, dict[str, float]]:
    """Largest differences of other runtimes from the reference.

    Args:
        reference: From uint8 pictures `(1, height, width, 3)` to the outputs of the detection signature.
        others: Name of a runtime to a function of the same kind.
        pictures: Uint8 `(height, width, 3)`, best of different sizes.

    Returns:
        For every runtime `box_px`, `score` (largest differences), `unmatched` (boxes without a partner of their
        class) and `boxes` (how many were compared).
    """
    result = {name: {"box_px": 0.0, "score": 0.0, "unmatched": 0, "boxes": 0} for name in others}
    for picture in pictures:
        expected = reference(picture[None])
        for name, answer in others.items():
            found = _differences(expected, answer(picture[None]))
            total = result[name]
            total["box_px"] = max(total["box_px"], found[0])
            total["score"] = max(total["score"], found[1])
            total["unmatched"] += found[2]
            total["boxes"] += found[3]
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
            or found["unmatched"] > 0
        ):
            raise ParityError(
                f"The {name} file differs from the network: boxes by {found['box_px']:.3f} px (at most "
                f"{LARGEST_BOX_DIFFERENCE_PX}), scores by {found['score']:.5f} (at most {LARGEST_SCORE_DIFFERENCE}), "
                f"{found['unmatched']} of {found['boxes']} boxes without a partner. Do not deploy it."
            )


def _differences(expected: Answer, found: Answer) -> tuple[float, float, int, int]:
    boxes, scores, classes = _counted(expected, COUNTED_SCORE)
    other_boxes, other_scores, other_classes = _counted(found, 0.0)
    if len(boxes) == 0:
        return 0.0, 0.0, 0, 0
    if len(other_boxes) == 0:
        return 0.0, 0.0, len(boxes), len(boxes)
    overlap = iou(boxes, other_boxes) - (classes[:, None] != other_classes[None])
    partner = overlap.argmax(axis=1)
    matched = overlap.max(axis=1) > 0.5
    box = np.abs(boxes - other_boxes[partner]).max(axis=1)[matched]
    score = np.abs(scores - other_scores[partner])[matched]
    return float(box.max(initial=0)), float(score.max(initial=0)), int((~matched).sum()), len(boxes)


def _counted(answer: Answer, floor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    boxes, scores, classes = (np.asarray(answer[name])[0] for name in ("boxes", "scores", "classes"))
    kept = (np.arange(len(scores)) < int(np.asarray(answer["count"])[0])) & (scores >= floor)
    return boxes[kept], scores[kept], classes[kept]
