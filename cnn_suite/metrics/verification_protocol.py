"""The protocol of Labeled Faces in the Wild: pairs in folds, a threshold from the others for each, mean and error.

A threshold that was chosen on the pairs it is measured on flatters. Here every fold is measured at the threshold that
is best on the other folds, whose people are others. The standard error is that of the mean over the folds.

What is learned from outside data must be said with the figure, because results are comparable only within one
protocol: a result carries the full name of its own, and prints it.

Source: Huang et al. 2007, Labeled Faces in the Wild, section 5 (view 2, estimated mean accuracy and standard error);
Huang and Learned-Miller 2014, Updates and New Reporting Procedures (the protocols' names); Schroff et al. 2015,
FaceNet, section 4 (VAL at FAR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnn_suite.metrics.verification import best_accuracy, checked_pairs, tar_at_far


class PicturePair(NamedTuple):
    """Two pictures, each a person's name and the picture's number (from 1), and the fold they belong to (from 0)."""

    first: tuple[str, int]
    second: tuple[str, int]
    fold: int

    @property
    def same(self) -> bool:
        """Whether both show the same person."""
        return self.first[0] == self.second[0]


@dataclass(frozen=True)
class ProtocolResult:
    """Results of a protocol with folds, in the order of the folds.

    `val` is the fraction of one person's pairs that are accepted at a threshold that accepts at most the share
    `requested_far` of the other folds' pairs of different people; `far` is the share it really accepts of the held-out
    ones. A fold of LFW has 300 of them, in which a FAR of 0.001 is a third of a pair: what is measured there says
    little about so rare a mistake. For that is `cnn_suite.metrics.verification_threshold.calibrate`.
    """

    protocol: str
    accuracy: float
    accuracy_standard_error: float
    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]
    requested_far: float
    val: float
    val_standard_error: float
    far: float
    vals: tuple[float, ...]
    fars: tuple[float, ...]
    val_thresholds: tuple[float, ...]
    genuine: int
    impostors: int

    def __str__(self) -> str:
        return (
            f"{self.protocol}: accuracy {self.accuracy:.4f} +- {self.accuracy_standard_error:.4f}, VAL {self.val:.4f} "
            f"+- {self.val_standard_error:.4f} at FAR {self.far:.5f} (requested {self.requested_far:g}), mean and "
            f"standard error over folds, {self.genuine:,} pairs of the same person, {self.impostors:,} of different "
            "people"
        )


def read_pairs(path: Path | str) -> list[PicturePair]:
    """Reads a pairs file of LFW: pairs.txt, pairsDevTrain.txt, pairsDevTest.txt, or one's own of that kind.

    The first line says how many folds there are and how many pairs of either kind in each (`10 300`), or only the
    latter (`1100`), for one fold. In each fold first come pairs of one person, `name i j`, then pairs of two, `name i
    other j`. Columns are parted by tabs; where a line has none, by spaces.

    Args:
        path: The file, text in UTF-8.

    Returns:
        The pairs in the order of the file.

    Raises:
        ValueError: If a line is not of that form, or there are more or fewer than the first says. Says which line.
        FileNotFoundError: If the file does not exist.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise ValueError(f"{path}, line {line} must be UTF-8 text. Received the byte {byte:#04x}.") from error
    lines = text.rstrip().split("\n")
    folds, count = _header(path, lines[0])
    expected = folds * 2 * count
    if len(lines) - 1 != expected:
        raise ValueError(
            f"{path} must have {expected} pairs after its first line, {lines[0].strip()!r}: {folds} folds of "
            f"{count} of the same person and {count} of two people. Received {len(lines) - 1}; the last is in line "
            f"{len(lines)}."
        )
    return [_pair(path, number + 2, line, number, count) for number, line in enumerate(lines[1:])]


def picture_file(name: str, number: int) -> str:
    """Where LFW keeps a picture, below its folder: `Tony_Blair/Tony_Blair_0001.jpg`."""
    return f"{name}/{name}_{number:04d}.jpg"


def lfw_protocol(
    distances: np.ndarray, same: np.ndarray, folds: np.ndarray, *, far: float = 1e-3, data: str = "LFW view 2"
) -> ProtocolResult:
    """Accuracy and VAL at FAR, each fold evaluated at the threshold of the other folds.

    For the accuracy that is the threshold that tells most of the other folds' pairs right, and of several that tell as
    many the smallest, which accepts the fewest; for VAL that of `tar_at_far`. Thresholds are distances of pairs, no
    grid.

    Args:
        distances: Float `(pairs,)`.
        same: Bool `(pairs,)`, whether the pair is of one person.
        folds: Whole numbers `(pairs,)`, the fold of each pair. No person should be in two of them.
        far: The largest false accept rate of the other folds.
        data: What the pairs are, the beginning of the protocol's name. For pairs that are not LFW's it must say so.

    Raises:
        ValueError: As `tar_at_far`, also for a fold without both kinds of pairs, or if there are not two folds.
    """
    distances, same = checked_pairs(distances, same)
    numbers, places = _checked_folds(folds, len(distances))
    rows = []
    for place, number in enumerate(numbers):
        held, other = places == place, places != place
        _need_both_kinds(number, same[held])
        best = best_accuracy(distances[other], same[other])
        point = tar_at_far(distances[other], same[other], far)
        accepted = distances[held] < point.threshold
        accuracy = np.mean((distances[held] < best.threshold) == same[held])
        val, false = accepted[same[held]].mean(), accepted[~same[held]].mean()
        rows.append((accuracy, best.threshold, val, false, point.threshold))
    columns = [tuple(map(float, column)) for column in zip(*rows)]
    accuracies, thresholds, vals, fars, val_thresholds = columns
    return ProtocolResult(
        f"{data}, {len(numbers)} folds, unrestricted, labelled outside data",
        *_mean_and_error(accuracies),
        accuracies,
        thresholds,
        far,
        *_mean_and_error(vals),
        float(np.mean(fars)),
        vals,
        fars,
        val_thresholds,
        int(same.sum()),
        int((~same).sum()),
    )


def person_folds(labels: Sequence[Any] | np.ndarray, folds: int, *, seed: int = 0) -> np.ndarray:
    """Puts pictures into folds so that all pictures of a person are in one.

    People are shuffled, ordered by their number of pictures, and dealt to and fro, so that folds differ by at most one
    person and have about as many pictures, as far as their people's allow.

    Of all pairs of the pictures, those within a fold measure; pairs between folds belong to none of them.

    Args:
        labels: Who each picture shows, `(n,)`: numbers or names.
        folds: How many, at least 2.
        seed: Of the shuffling.

    Returns:
        Whole numbers `(n,)` from 0 to `folds - 1`.

    Raises:
        ValueError: If there are fewer than two folds, or fewer people than folds.
    """
    _, people, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if not 2 <= folds <= len(counts):
        raise ValueError(
            f"`folds` must be at least 2 and at most the number of people, {len(counts)}. Received {folds}."
        )
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    to_and_fro = np.concatenate([np.arange(folds), np.arange(folds)[::-1]])
    fold_of_person = np.empty(len(counts), np.int64)
    fold_of_person[order] = np.resize(to_and_fro, len(counts))
    return fold_of_person[people.ravel()]


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _checked_folds(folds: Any, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """The folds' numbers, and the place of each pair's fold among them."""
    folds = np.asarray(folds)
    if folds.shape != (pairs,) or folds.dtype.kind not in "iu":
        raise ValueError(
            f"`folds` must be whole numbers of shape ({pairs},), one per pair. "
            f"Received {folds.dtype} of shape {folds.shape}."
        )
    numbers, places = np.unique(folds, return_inverse=True)
    if len(numbers) < 2:
        raise ValueError(
            "`folds` must have at least 2 folds, because each is evaluated with a threshold from the others. Received "
            "1."
        )
    return numbers, places


def _need_both_kinds(fold: int, same: np.ndarray) -> None:
    if same.all() or not same.any():
        raise ValueError(
            f"Every fold must have pairs of the same person and pairs of different people. Fold {fold} has "
            f"{int(same.sum())} and {int((~same).sum())}. Use fewer folds."
        )


def _header(path: Path | str, line: str) -> tuple[int, int]:
    numbers = [_positive(field) for field in line.split()]
    if len(numbers) not in (1, 2) or None in numbers:
        raise ValueError(
            f"{path}, line 1 must give the number of folds and the number of pairs of each kind per fold, such as `10 "
            f"300`, or only the latter. Received {line!r}."
        )
    return (1, *numbers)[-2:]  # type: ignore[return-value]


def _pair(path: Path | str, line_number: int, line: str, number: int, count: int) -> PicturePair:
    """Pair `number` of the file, from 0."""
    fold, place = divmod(number, 2 * count)
    matched = place < count
    fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
    form = "`name i j`" if matched else "`name i other j`"
    where = f"{path}, line {line_number}"
    if len(fields) != (3 if matched else 4) or not all(fields):
        people = "one person" if matched else "two people"
        raise ValueError(
            f"{where} must be pair {place % count + 1} of {count} of {people} in fold {fold + 1}, {form}. "
            f"Received {line!r}."
        )
    first, i, second, j = fields if not matched else (fields[0], fields[1], fields[0], fields[2])
    numbers = _positive(i), _positive(j)
    if numbers[0] is None or numbers[1] is None:
        raise ValueError(f"{where} must number pictures from 1 up, {form}. Received {i!r} and {j!r}.")
    pair = PicturePair((first, numbers[0]), (second, numbers[1]), fold)
    if matched and numbers[0] == numbers[1] or not matched and first == second:
        fault = f"picture {i} of {first!r} twice" if matched else f"{first!r} twice"
        raise ValueError(f"{where} must name two {'pictures' if matched else 'people'}, {form}. Received {fault}.")
    return pair


def _positive(text: str) -> int | None:
    """The whole number that a text says, where it is one above 0."""
    return int(text) if text.isascii() and text.isdigit() and int(text) else None
