"""Which detection found which truth: the greedy matching of the COCO protocol.

Shapes: D detections, G truths, A area ranges, T IoU thresholds.

Source: Lin et al. 2014, Microsoft COCO: Common Objects in Context, and its reference evaluation program.
"""

from __future__ import annotations

import numpy as np

# The reference asks for min(threshold, 1 - 1e-10), so that a threshold of 1 survives rounding.
_HIGHEST_THRESHOLD = 1 - 1e-10


def match_greedily(
    overlap: np.ndarray, ignored: np.ndarray, shared: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Gives every detection, best first, the truth it overlaps most among those still free.

    A truth that counts is preferred to an ignored one, whatever the overlap; among equal overlaps the later truth wins;
    a crowd region may be given many times. All three are what the reference program does. A difficult object may be
    given many times too, as in PASCAL VOC's own evaluation.

    Args:
        overlap: Float `(D, G)`, rows in order of falling confidence.
        ignored: Bool `(A, G)`: truths that are neither to be found nor a mistake to find, one row an area range.
        shared: Bool `(G,)`, truths that may be given many times.
        thresholds: Float `(T,)`, the least overlap of a match.

    Returns:
        Int `(A, T, D)`: the index of the truth, or -1 for none.
    """
    required = np.minimum(np.asarray(thresholds, np.float64), _HIGHEST_THRESHOLD)
    given = np.full((len(ignored), len(required), len(overlap)), -1, np.int64)
    taken = np.zeros((len(ignored), len(required), overlap.shape[1]), bool)
    reachable = overlap >= required.min()  # (D, G)
    for detection in np.flatnonzero(reachable.any(axis=1)):  # most boxes of low confidence overlap nothing
        near = np.flatnonzero(reachable[detection])
        near = near[np.lexsort((-near, -overlap[detection, near]))]  # most overlap first, then the later truth
        free = (overlap[detection, near] >= required[:, None]) & (~taken[..., near] | shared[near])  # (A, T, near)
        counted = free & ~ignored[:, None, near]
        choice = np.where(counted.any(axis=-1, keepdims=True), counted, free)
        area, threshold = np.nonzero(choice.any(axis=-1))
        truth = near[choice.argmax(axis=-1)[area, threshold]]  # argmax: the first that is true
        given[area, threshold, detection] = truth
        taken[area, threshold, truth] = True
    return given
