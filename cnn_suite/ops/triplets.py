"""Triplets of a batch: an anchor, a positive (another picture of the same person) and a negative (of another person).

Chosen inside the batch, by distances that the batch has anyway ("online"), in shapes that depend on nothing but the
batch's size n:

rule         for every              positive     negative                                         `chosen`
all          anchor                 each         each                                             (n, n, n)
random       anchor and positive    given        any, evenly                                      (n, n)
semi_hard    anchor and positive    given        farther than the positive, by less than margin   (n, n)
hardest      anchor and positive    given        the nearest                                      (n, n)
batch_hard   anchor                 farthest     the nearest                                      (n,)

Of several at the same distance the first of the batch is taken. An anchor without a positive (its person has one
picture) or without a negative (nobody else is there) has no triplet.

Source: Schroff et al. 2015, FaceNet, section 3.2 (hardest and semi-hard negatives of all anchor-positive pairs);
Hermans et al. 2017, In Defense of the Triplet Loss, section 2 (batch all, batch hard, soft margin).
"""

from typing import Any, NamedTuple

import keras
from keras import ops

RULES = ("all", "random", "semi_hard", "hardest", "batch_hard")
CHOICES = ("nearest", "random")
FALLBACKS = ("skip", "largest", "nearest")
AVERAGES = ("chosen", "active")

PHASES = 1e4  # turns of the noise for a mean distance of 1: the fourth digit of the mean decides


class Triplets(NamedTuple):
    """Triplets, the first axis the anchor; all but `chosen` broadcast to its shape and mean nothing if it is false.

    Attributes:
        anchor_positive: Distance d(A, P), float, with gradients.
        anchor_negative: Distance d(A, N), float, with gradients.
        chosen: Whether it is a triplet, bool.
        positive: Place of the positive in the batch, int.
        negative: Place of the negative in the batch, int.
    """

    anchor_positive: Any
    anchor_negative: Any
    chosen: Any
    positive: Any
    negative: Any


def choose_triplets(
    distances,
    person_ids,
    *,
    rule: str = "semi_hard",
    margin: float = 0.2,
    choice: str = "nearest",
    fallback: str = "largest",
    seed: int = 0,
) -> Triplets:
    """The triplets of a batch that a rule names; gradients flow through the distances, not through the choice.

    Args:
        distances: Distances of a batch's encodings, float `(n, n)`, as of `pairwise_distances`.
        person_ids: Who each picture shows, int or float `(n,)`.
        rule: "all", "random", "semi_hard", "hardest" or "batch_hard": see the module.
        margin: Semi-hard: a negative must be farther than the positive by less than this.
        choice: Semi-hard: which of several negatives, the "nearest" or a "random" one.
        fallback: Semi-hard: what an anchor and positive get that have no such negative: "skip" for no triplet,
            "largest" for the farthest negative (TensorFlow Addons), "nearest" for the closest one.
        seed: Of what is chosen at random. There is no state: the same distances and seed give the same choice, so
            that a training which continues from a checkpoint chooses as if it had not stopped. Other distances give
            another choice, and so may another device or compiler.

    Returns:
        The triplets; `chosen` has the shape of the module's table.

    Raises:
        ValueError: If a rule, choice or fallback is unknown, or shapes do not fit.

    Source: see the module.
    """
    check_rule(rule, choice, fallback)
    distances, person_ids = _checked(distances, person_ids)
    same, different = _masks(person_ids)
    if rule == "all":
        return _all(distances, same, different)
    still = ops.stop_gradient(distances)
    if rule == "batch_hard":
        positive = ops.argmax(ops.where(same, still, -1.0), axis=1)
        chosen = ops.logical_and(ops.any(same, axis=1), ops.any(different, axis=1))
        negative = _nearest(still, different)
        return Triplets(_at(distances, positive), _at(distances, negative), chosen, positive, negative)
    exists = ops.any(different, axis=1, keepdims=True)
    if rule == "semi_hard":
        negative, exists = _semi_hard(still, different, exists, margin, choice, fallback, seed)
    elif rule == "random":
        negative = _drawn(different[:, None, :], _shares(still, seed))
    else:
        negative = ops.broadcast_to(_nearest(still, different)[:, None], ops.shape(distances))
    found = ops.take_along_axis(distances, negative, axis=1)
    return Triplets(distances, found, ops.logical_and(same, exists), _places(distances)[None, :], negative)


def triplet_costs(triplets: Triplets, *, margin: float = 0.2, soft: bool = False):
    """The cost of every triplet: L(A, P, N) = max(d(A, P) - d(A, N) + margin, 0).

    Args:
        triplets: Triplets of a batch.
        margin: Minimum difference between negative and positive distance.
        soft: ln(1 + exp(d(A, P) - d(A, N))) instead, which has no margin and never ends.

    Returns:
        Float of the shape of `triplets.chosen`, 0 if there is no triplet.

    Source: Schroff et al. 2015, FaceNet, section 3.1; Hermans et al. 2017, section 2, soft margin.
    """
    excess = triplets.anchor_positive - triplets.anchor_negative
    costs = ops.softplus(excess) if soft else ops.relu(excess + margin)
    return ops.where(triplets.chosen, costs, ops.zeros_like(costs))


def anchor_losses(costs, chosen, *, average: str = "chosen"):
    """The loss of every anchor, scaled so that the mean over the batch is the average over triplets.

    Args:
        costs: Float, the first axis the anchor, as of `triplet_costs`.
        chosen: Bool of the same shape.
        average: Over all "chosen" triplets, or only over "active" ones, whose cost is not 0.

    Returns:
        Float `(n,)`: n times an anchor's sum, divided by the number of triplets; 0 if a batch has none.

    Raises:
        ValueError: If the average is unknown.

    Source: Hermans et al. 2017: the mean over active triplets, as most of all are soon satisfied.
    """
    if average not in AVERAGES:
        raise ValueError(f"`average` must be one of {', '.join(AVERAGES)}. Received {average!r}.")
    counted = chosen if average == "chosen" else ops.logical_and(chosen, costs > 0)
    count = ops.maximum(ops.sum(ops.cast(counted, costs.dtype)), 1.0)
    sums = ops.sum(costs, axis=tuple(range(1, len(costs.shape)))) if len(costs.shape) > 1 else costs
    return sums * ops.cast(ops.shape(costs)[0], costs.dtype) / count


def active_share(distances, person_ids, *, margin: float = 0.2):
    """Which fraction of all triplets of a batch breaks the margin: 1 for equal encodings, 0 when all is learned.

    Args:
        distances: Float `(n, n)`.
        person_ids: Int or float `(n,)`.
        margin: By how much a negative must be farther than the positive; 0 for the order alone, where a tie is right.

    Returns:
        Float scalar; 0 if there is no triplet.
    """
    triplets = choose_triplets(distances, person_ids, rule="all")
    active = ops.cast(triplet_costs(triplets, margin=margin) > 0, "float32")
    return ops.sum(active) / ops.maximum(ops.sum(ops.cast(triplets.chosen, "float32")), 1.0)


def check_rule(rule: str, choice: str, fallback: str) -> None:
    """Validates the options of `choose_triplets`.

    Raises:
        ValueError: If one is unknown.
    """
    known = {"rule": (rule, RULES), "choice": (choice, CHOICES), "fallback": (fallback, FALLBACKS)}
    for name, (word, words) in known.items():
        if word not in words:
            raise ValueError(f"`{name}` must be one of {', '.join(words)}. Received {word!r}.")


def _checked(distances, person_ids):
    distances, person_ids = ops.convert_to_tensor(distances), ops.convert_to_tensor(person_ids)
    sides = {side for side in (*distances.shape, *person_ids.shape) if side is not None}
    if len(distances.shape) != 2 or len(person_ids.shape) != 1 or len(sides) > 1:
        raise ValueError(
            "`distances` must have shape (n, n) and `person_ids` (n,). "
            f"Received {tuple(distances.shape)} and {tuple(person_ids.shape)}."
        )
    return distances, person_ids


def _masks(person_ids):
    """Of every two pictures: whether they are two of one person, and whether they are of two people."""
    equal = ops.equal(person_ids[:, None], person_ids[None, :])
    places = _places(person_ids)
    itself = ops.equal(places[:, None], places[None, :])
    return ops.logical_and(equal, ops.logical_not(itself)), ops.logical_not(equal)


def _places(batch):
    return ops.arange(ops.shape(batch)[0])


def _all(distances, same, different) -> Triplets:
    places = _places(distances)
    return Triplets(
        distances[:, :, None],
        distances[:, None, :],
        ops.logical_and(same[:, :, None], different[:, None, :]),
        places[None, :, None],
        places[None, None, :],
    )


def _semi_hard(distances, different, exists, margin: float, choice: str, fallback: str, seed: int):
    positive, negative = distances[:, :, None], distances[:, None, :]
    inside = ops.logical_and(negative > positive, negative < positive + margin)
    inside = ops.logical_and(inside, different[:, None, :])
    found = _nearest(negative, inside) if choice == "nearest" else _drawn(inside, _shares(distances, seed))
    some = ops.any(inside, axis=-1)
    if fallback == "skip":
        return found, some
    other = _nearest(distances, different) if fallback == "nearest" else _farthest(distances, different)
    return ops.where(some, found, other[:, None]), exists


def _nearest(distances, candidates):
    """Place of the nearest candidate along the last axis; 0 if there is none."""
    return ops.argmin(ops.where(candidates, distances, float("inf")), axis=-1)


def _farthest(distances, candidates):
    return ops.argmax(ops.where(candidates, distances, -1.0), axis=-1)


def _at(distances, places):
    return ops.take_along_axis(distances, places[:, None], axis=1)[:, 0]


def _shares(distances, seed: int):
    """Numbers in [0, 1) for every anchor and positive: noise of the seed, turned by a phase of the batch's own."""
    noise = keras.random.uniform(ops.shape(distances), seed=seed)
    phase = PHASES * ops.mean(ops.cast(distances, "float32"))
    turned = noise + (phase - ops.floor(phase))
    return turned - ops.floor(turned)


def _drawn(candidates, shares):
    """Place of the candidate that lies at `shares` of the way through the candidates of the last axis; 0 for none."""
    numbered = ops.cumsum(ops.cast(candidates, "int32"), axis=-1)
    count = ops.max(numbered, axis=-1)
    wanted = ops.floor(shares * ops.cast(count, shares.dtype))
    wanted = ops.minimum(ops.cast(wanted, "int32"), count - 1)  # a share just below 1 may round up to the count
    return ops.argmax(ops.cast(numbered > wanted[..., None], "int32"), axis=-1)
