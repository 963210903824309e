"""Why nothing (or not everything) was detected in a picture: the network's best guesses and what removed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn_suite.runtime.detection.detector import Candidates, Detector, suppressed

_DARK, _FLAT = 16, 2.0  # mean grey level and standard deviation, of 255, under which a picture shows nothing


@dataclass(frozen=True)
class Guess:
    """One candidate box in words and numbers."""

    label: str
    score: float
    objectness: float
    class_probability: float
    xyxy_px: tuple[float, float, float, float]

    def __str__(self) -> str:
        x0, y0, x1, y1 = (round(value) for value in self.xyxy_px)
        return (
            f"{self.label} {self.score:.3f} = objectness {self.objectness:.3f} x class {self.class_probability:.3f} "
            f"at ({x0}, {y0}) to ({x1}, {y1})"
        )


@dataclass(frozen=True)
class Explanation:
    """How many boxes each filter left, the best guesses, and what is odd about the picture.

    Args:
        picture_faults: Sentences about the picture; empty when nothing is odd.
        candidates: Boxes the network proposed.
        confident: Of these, with a score of at least the confidence threshold.
        distinct: Of these, not suppressed as a double of a better one.
        returned: Of these, within the number allowed.
        best_objectness: Highest objectness of all candidates.
        best_class: Highest class probability of all candidates.
        guesses: The best candidates by score, without duplicates.
        confidence: The confidence threshold in use.
    """

    picture_faults: tuple[str, ...]
    candidates: int
    confident: int
    distinct: int
    returned: int
    best_objectness: float
    best_class: float
    guesses: tuple[Guess, ...]
    confidence: float

    def lines(self) -> list[str]:
        """The explanation in plain sentences."""
        found = "nothing was detected" if not self.returned else f"{self.returned} detected"
        lines = [f"explain: {found}; boxes proposed: {self.candidates}"
                 f" -> with confidence of at least {self.confidence:g}: {self.confident}"
                 f" -> without duplicates: {self.distinct} -> within the maximum number: {self.returned}"]  # fmt: skip
        lines += [f"  picture: {fault}" for fault in self.picture_faults]
        lines.append(f"  best objectness {self.best_objectness:.4f}, best class probability {self.best_class:.4f}")
        lines += [f"  best guess: {guess}" for guess in self.guesses]
        return lines + [f"  {self._verdict()}"]

    def _verdict(self) -> str:
        best = self.guesses[0].score if self.guesses else 0.0
        if self.confident:
            return (
                f"The confidence threshold removed {self.candidates - self.confident} boxes, duplicate suppression "
                f"{self.confident - self.distinct}, the maximum number of detections {self.distinct - self.returned}."
            )
        if best >= 0.01:
            return f"The confidence threshold removed everything; --confidence {best * 0.99:.3g} shows the best guess."
        return "The network itself finds nothing here: no threshold would help. Was it trained on such pictures?"


def explain(
    detector: Detector,
    image_rgb: np.ndarray,
    confidence: float | None = None,
    iou: float | None = None,
    max_detections: int | None = None,
    *,
    guesses: int = 3,
) -> Explanation:
    """Explains what the detector does with one picture; the arguments are those of the detector."""
    confidence, iou, max_detections = detector.chosen_thresholds(confidence, iou, max_detections)
    candidates = detector.candidates(image_rgb)
    distinct = suppressed(candidates, detector.labels, confidence, iou, len(candidates.objectness))
    return Explanation(
        picture_faults=tuple(picture_faults(image_rgb)),
        candidates=len(candidates.objectness),
        confident=int((candidates.scores >= confidence).sum()),
        distinct=len(distinct),
        returned=min(len(distinct), max_detections),
        best_objectness=float(candidates.objectness.max(initial=0)),
        best_class=float(candidates.class_probabilities.max(initial=0)),
        guesses=_best_guesses(candidates, detector.labels, iou, guesses),
        confidence=confidence,
    )


def picture_faults(image_rgb: np.ndarray) -> list[str]:
    """What is odd about a picture as a detector's input."""
    height, width = image_rgb.shape[:2]
    low, high, mean, spread = image_rgb.min(), image_rgb.max(), image_rgb.mean(), image_rgb.std()
    faults = []
    if low == high:
        faults.append(f"every pixel is {low}: the lens is covered, or the source delivers no picture.")
    elif high <= 1:
        faults.append("all values are 0 or 1: pictures must be raw 0..255, not scaled to 0..1.")
    elif mean < _DARK:
        faults.append(f"it is almost black (mean {mean:.0f} of 255): use more light, or remove the lens cap.")
    elif spread < _FLAT:
        faults.append(f"it is almost a single colour (standard deviation {spread:.1f} of 255).")
    if min(height, width) < 32:
        faults.append(f"it is only {width} x {height} pixels.")
    return faults


def _best_guesses(candidates: Candidates, labels: tuple[str, ...], iou: float, count: int) -> tuple[Guess, ...]:
    top = np.argsort(-candidates.scores, kind="stable")[:1000]
    best = suppressed(Candidates(*(part[top] for part in candidates)), labels, 0.0, iou, count)
    guesses = []
    for box, score, name, class_id in zip(best.xyxy_px, best.confidence, best.names, best.class_id, strict=True):
        same = top[(candidates.xyxy_px[top] == box).all(axis=1) & (candidates.class_id[top] == class_id)][0]
        probability = float(candidates.class_probabilities[same, class_id])
        objectness = float(candidates.objectness[same])
        guesses.append(Guess(name, float(score), objectness, probability, tuple(box.tolist())))
    return tuple(guesses)
