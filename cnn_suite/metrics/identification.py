"""Open-set identification: who of the enrolled people a picture shows, or nobody of them.

Every picture that is looked for, a probe, gets one candidate: the enrolled person with the picture nearest to it. Below
a threshold it is taken for that person; otherwise the answer is None, unknown. Mistakes are of three kinds: a stranger
taken for somebody (FPIR is the share of probes of strangers for which that is so), an enrolled person taken for
another, and one not recognised. DIR, the detection and identification rate, is the share of the enrolled people's
probes that are taken for the right person.

Ties count against us: a person as far away as another is ranked behind, and a distance equal to the threshold is not
below it. Intervals are those of Clopper and Pearson: one takes probes for independent, which several pictures of one
person are not; that of people does not (`intervals.people_interval`) and is the one to report. Both hold the gallery
for given.

Source: Grother and Ngan, NIST FRVT 1:N (FPIR, FNIR); Phillips et al. 2011, Evaluation Methods in Face Recognition
(detection and identification rate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from cnn_suite.metrics.intervals import clopper_pearson, people_interval
from cnn_suite.metrics.verification import checked_encodings, rows_and_distance, share_threshold


class Candidates(NamedTuple):
    """The nearest enrolled person of every probe, `(probes,)` each.

    `names` holds who that is and `distances` how far; `probe_names` who the probe shows, `enrolled` whether that person
    is enrolled. `ranks` is the place of the right person among `people`, from 1; 0 for a stranger, who has none. Rank 1
    with the distance below the threshold is right.
    """

    names: np.ndarray
    distances: np.ndarray
    probe_names: np.ndarray
    enrolled: np.ndarray
    ranks: np.ndarray
    people: int


@dataclass(frozen=True)
class OpenSetFigures:
    """What becomes of the probes at a threshold.

    `dir` and `fpir` are the rates, with their intervals at `confidence`: of independent probes, and of people. Of the
    `enrolled_probes`, so many are `recognised`, `mistaken` for another person, or `missed`; of the `stranger_probes`,
    so many are `accepted` as somebody. `strangers` is the number of people whom those show.
    """

    threshold: float
    confidence: float
    dir: float
    dir_interval: tuple[float, float]
    dir_interval_people: tuple[float, float]
    fpir: float
    fpir_interval: tuple[float, float]
    fpir_interval_people: tuple[float, float]
    people: int
    strangers: int
    enrolled_probes: int
    stranger_probes: int
    recognised: int
    mistaken: int
    missed: int
    accepted: int

    def as_dict(self) -> dict[str, Any]:
        """Everything as numbers and tuples, for JSON."""
        return asdict(self)


class RankOne(NamedTuple):
    """The share of the enrolled people's probes whose nearest person is the right one, whatever the distance."""

    rate: float
    interval: tuple[float, float]
    interval_people: tuple[float, float]
    probes: int


def candidates(
    gallery: np.ndarray,
    gallery_names: Sequence[Any] | np.ndarray,
    probes: np.ndarray,
    probe_names: Sequence[Any] | np.ndarray,
    measure: str = "squared",
) -> Candidates:
    """The nearest enrolled person of every probe. A person is as near as the nearest of its pictures.

    Args:
        gallery: Float `(pictures, size)`, the enrolled pictures, one or several a person.
        gallery_names: Who they show, `(pictures,)`: numbers or names.
        probes: Float `(probes, size)`. None of them should be in the gallery.
        probe_names: Who they show, `(probes,)`, of the same kind; also people who are not enrolled.
        measure: As for `all_pairs`.

    Raises:
        ValueError: As `all_pairs`, or if gallery and probes have encodings of different sizes.
    """
    gallery, gallery_names = checked_encodings(gallery, gallery_names, 1, ("gallery", "gallery_names"))
    probes, probe_names = checked_encodings(probes, probe_names, 1, ("probes", "probe_names"))
    if gallery.shape[1] != probes.shape[1]:
        raise ValueError(
            "`gallery` and `probes` must have encodings of one size, from the same network. "
            f"Received {gallery.shape[1]} and {probes.shape[1]}."
        )
    people, order, begins = _by_person(gallery_names)
    prepared, distance = rows_and_distance(measure)
    enrolled = np.isin(probe_names, people)
    own = np.searchsorted(people, probe_names).clip(max=len(people) - 1)
    rows, ranks = prepared(gallery)[order], np.zeros(len(probes), np.int64)
    best, nearest = np.empty(len(probes), np.int64), np.empty(len(probes))
    for number, probe in enumerate(prepared(probes)):  # one at a time: no probes x pictures x size array is made
        distances = np.minimum.reduceat(distance(rows - probe), begins)
        best[number] = distances.argmin()
        nearest[number] = distances[best[number]]
        if enrolled[number]:
            ranks[number] = np.count_nonzero(distances <= distances[own[number]])
    return Candidates(people[best], nearest, probe_names, enrolled, ranks, len(people))


def rank_one(found: Candidates, confidence: float = 0.95) -> RankOne:
    """How often the nearest person is the right one, for probes of enrolled people.

    Args:
        found: The probes' candidates.
        confidence: Of the interval.

    Raises:
        ValueError: If no probe is of an enrolled person, or as `clopper_pearson`.
    """
    _need_enrolled(found)
    right = found.ranks[found.enrolled] == 1
    return RankOne(*_rate(right, found.probe_names[found.enrolled], confidence), len(right))


def dir_at_fpir(found: Candidates, fpir: float = 0.01, confidence: float = 0.95) -> OpenSetFigures:
    """What becomes of the probes at the largest threshold that accepts at most the share `fpir` of the strangers.

    The threshold is a quantile of the strangers' smallest distances. With fewer than 1 / fpir probes of strangers it is
    the smallest of them all: none is accepted, and the interval says how little that shows.

    Args:
        found: The probes' candidates.
        fpir: The largest false positive identification rate, from 0 to 1.
        confidence: Of the intervals.

    Raises:
        ValueError: As `open_set_figures`, or if `fpir` does not lie in [0, 1].
    """
    if not 0 <= fpir <= 1:
        raise ValueError(f"`fpir` must lie in [0, 1]. Received {fpir}.")
    _need_strangers(found)
    threshold = share_threshold(found.distances[~found.enrolled], fpir)
    # Just above all distances everybody is accepted, so that a number does where there is no limit.
    return open_set_figures(found, min(threshold, float(np.nextafter(found.distances.max(), np.inf))), confidence)


def open_set_figures(found: Candidates, threshold: float, confidence: float = 0.95) -> OpenSetFigures:
    """What becomes of the probes at a threshold, such as one that `calibrate` found on other people.

    A threshold for pairs does not keep its rate here: a stranger is compared with everybody in the gallery, and
    accepted where one comparison of them all is a false accept.

    Args:
        found: The probes' candidates.
        threshold: Below it a probe is taken for the nearest person.
        confidence: Of the intervals.

    Raises:
        ValueError: If there are not both probes of enrolled people and of others, or as `clopper_pearson`.
    """
    enrolled = found.enrolled
    _need_enrolled(found)
    _need_strangers(found)
    taken = found.distances < threshold
    right, names = (taken & (found.ranks == 1))[enrolled], found.probe_names
    recognised, probes, strangers = int(right.sum()), int(enrolled.sum()), taken[~enrolled]
    mistaken = int(taken[enrolled].sum()) - recognised
    return OpenSetFigures(
        float(threshold),
        confidence,
        *_rate(right, names[enrolled], confidence),
        *_rate(strangers, names[~enrolled], confidence),
        found.people,
        len(np.unique(names[~enrolled])),
        probes,
        len(strangers),
        recognised,
        mistaken,
        probes - recognised - mistaken,
        int(strangers.sum()),
    )


def _rate(
    happened: np.ndarray, names: np.ndarray, confidence: float
) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """The share of the probes, its interval where they are independent, and that of people."""
    people = np.unique(names, return_inverse=True)[1]
    of_probes = clopper_pearson(int(happened.sum()), len(happened), confidence)
    return float(happened.mean()), of_probes, people_interval(happened, people, confidence)


def _by_person(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People in order, and the pictures' numbers sorted by person, with the place where each person begins."""
    people, begins = np.unique(np.sort(names), return_index=True)
    return people, np.argsort(names, kind="stable"), begins


def _need_enrolled(found: Candidates) -> None:
    if not found.enrolled.any():
        raise ValueError(
            "There must be probes of enrolled people. None of the names of "
            f"{len(found.enrolled)} probes is one of `gallery_names`."
        )


def _need_strangers(found: Candidates) -> None:
    if found.enrolled.all():
        raise ValueError(
            "There must be probes of people who are not enrolled. All names of "
            f"{len(found.enrolled)} probes are among `gallery_names`."
        )
