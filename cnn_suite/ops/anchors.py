"""Anchor boxes: k-means of box shapes under the distance 1 - IoU (Redmon & Farhadi 2016, YOLO9000, section 2).

NumPy only: anchors are found once, before a network exists.
"""

import numpy as np


def shape_iou(wh: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """IoU of every box shape with every anchor, both centred at 0.

    Args:
        wh: Float `(n, 2)`, widths and heights.
        anchors: Float `(k, 2)`, same unit.

    Returns:
        Float `(n, k)` in [0, 1].
    """
    overlap = np.minimum(wh[:, None, :], anchors[None, :, :]).prod(axis=-1)
    return overlap / (wh.prod(axis=-1)[:, None] + anchors.prod(axis=-1)[None, :] - overlap)


def anchor_fit(wh: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Best shape IoU of every box with any anchor, float `(n,)`: how well the anchors fit the data."""
    return shape_iou(np.asarray(wh, np.float64), np.asarray(anchors, np.float64)).max(axis=1)


def kmeans_anchors(wh: np.ndarray, k: int, *, seed: int = 0, restarts: int = 5, iterations: int = 300) -> np.ndarray:
    """`k` anchors that minimise the mean 1 - IoU to their boxes, smallest area first.

    k-means++ start, assignment by IoU, median update (which fits IoU at least as well as the mean), best of several
    restarts.

    Args:
        wh: Float `(n, 2)`, positive widths and heights in any one unit.
        k: Number of anchors, at most the number of different shapes.
        seed: Seed of the starts.
        restarts: Number of starts; the best by mean IoU is kept.
        iterations: Maximum number of updates per start.

    Returns:
        Float `(k, 2)` in the unit of `wh`, sorted by area.

    Raises:
        ValueError: If a side is not positive, or `k` is below 1 or above the number of different shapes.
    """
    if k < 1:
        raise ValueError(f"`k` must be at least 1. Received {k}.")
    wh = np.asarray(wh, np.float64).reshape(-1, 2)
    if len(wh) and not (wh > 0).all():
        raise ValueError(
            f"`wh` must contain positive widths and heights. Received a minimum of {wh.min()}. "
            "Run `cnn-suite doctor` on the data."
        )
    shapes = len(np.unique(wh, axis=0))
    if shapes < k:
        raise ValueError(
            f"`k` must be at most the number of different box shapes. Received k={k} and {shapes} shapes. "
            "Request fewer anchors or set them in the configuration."
        )
    generator = np.random.default_rng(seed)
    runs = [_lloyd(wh, _plus_plus_start(wh, k, generator), iterations) for _ in range(restarts)]
    best = max(runs, key=lambda anchors: anchor_fit(wh, anchors).mean())
    return best[np.argsort(best.prod(axis=1))]


def _plus_plus_start(wh: np.ndarray, k: int, generator: np.random.Generator) -> np.ndarray:
    chosen = [wh[generator.integers(len(wh))]]
    while len(chosen) < k:
        distance = (1 - anchor_fit(wh, np.stack(chosen))).clip(0) ** 2
        chosen.append(wh[generator.choice(len(wh), p=distance / distance.sum())])
    return np.stack(chosen)


def _lloyd(wh: np.ndarray, anchors: np.ndarray, iterations: int) -> np.ndarray:
    nearest = np.full(len(wh), -1)
    for _ in range(iterations):
        previous, nearest = nearest, shape_iou(wh, anchors).argmax(axis=1)
        if (nearest == previous).all():
            break
        anchors = np.stack([
            np.median(wh[nearest == j], axis=0) if (nearest == j).any() else anchors[j] for j in range(len(anchors))
        ])
    return anchors
