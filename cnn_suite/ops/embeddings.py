"""Distances between encodings, d(img1, img2).

Gradients are finite everywhere, also where two encodings are equal: there a root has none, and 0 is taken.

Distances are made of differences, never of inner products: an encoding is at distance 0 from itself exactly, and equal
encodings tie exactly, which the choice of triplets relies on. A matrix of distances holds n * m * size numbers on the
way: 8 MB for a batch of 128 encodings of 128 numbers.

Source: Schroff et al. 2015, FaceNet, section 3.1 (squared); Hermans et al. 2017, In Defense of the Triplet Loss
(Euclidean).
"""

import keras
from keras import ops

MEASURES = ("squared", "euclidean", "cosine")


def pairwise_distances(a, b=None, *, measure: str = "squared"):
    """The distance of every encoding of `a` to every encoding of `b`.

    Args:
        a: Encodings, float `(n, size)`.
        b: Encodings, float `(m, size)`; defaults to `a`.
        measure: "squared" for ||a - b||^2, "euclidean" for its root, "cosine" for 1 minus the cosine of the angle: half
            the squared distance of both made unit length. An encoding of zeros has no angle; it lies at 1/2 from
            every other one.

    Returns:
        Float `(n, m)`, in float32 at least.

    Raises:
        ValueError: If the measure is unknown, or shapes do not fit.

    Source: see the module.
    """
    a = _encodings(a, "a")
    b = a if b is None else _encodings(b, "b")
    a, b = _prepared(a, b, measure)
    return _distances(a[:, None] - b[None, :], measure)


def paired_distances(a, b, *, measure: str = "squared"):
    """The distance of every encoding of `a` to the one of `b` in the same row.

    Args:
        a: Encodings, float `(n, size)`.
        b: Encodings, float `(n, size)`.
        measure: As of `pairwise_distances`.

    Returns:
        Float `(n,)`, in float32 at least.

    Raises:
        ValueError: If the measure is unknown, or shapes do not fit.
    """
    a, b = _prepared(_encodings(a, "a"), _encodings(b, "b"), measure)
    if None not in (a.shape[0], b.shape[0]) and a.shape[0] != b.shape[0]:
        raise ValueError(
            f"`a` and `b` must have the same number of rows. Received {a.shape[0]} and {b.shape[0]}. For the "
            "distance of every row to every other, call `pairwise_distances`."
        )
    return _distances(a - b, measure)


def unit_length(x):
    """Every row divided by its length; a row of zeros stays as it is.

    Args:
        x: Float `(..., size)`.

    Returns:
        The same shape, with rows of length 1 and finite gradients.
    """
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(ops.where(squares > 0, squares, ops.ones_like(squares)))


def spread(embeddings):
    """Spread of encodings: the root mean squared distance from their mean.

    Args:
        embeddings: Float `(n, size)`.

    Returns:
        Float scalar: 0 if all are equal, nearly 1 if encodings of unit length point everywhere; the mean squared
        distance of two of them is twice its square.

    Raises:
        ValueError: If the shape does not fit.
    """
    embeddings = _encodings(embeddings, "embeddings")
    centred = embeddings - ops.mean(embeddings, axis=0, keepdims=True)
    return _root(ops.mean(ops.sum(ops.square(centred), axis=-1)))


def _encodings(rows, name: str):
    rows = ops.convert_to_tensor(rows)
    if len(rows.shape) != 2:
        raise ValueError(f"`{name}` must have shape (encodings, size). Received shape {tuple(rows.shape)}.")
    return ops.cast(rows, keras.backend.result_type(rows.dtype, "float32"))  # squares of float16 overflow from 256 on


def _prepared(a, b, measure: str):
    if measure not in MEASURES:
        raise ValueError(f"`measure` must be one of {', '.join(MEASURES)}. Received {measure!r}.")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"`a` and `b` must have rows of the same size. Received sizes {a.shape[1]} and {b.shape[1]}.")
    return (unit_length(a), unit_length(b)) if measure == "cosine" else (a, b)


def _distances(differences, measure: str):
    squared = ops.sum(ops.square(differences), axis=-1)
    if measure == "squared":
        return squared
    return _root(squared) if measure == "euclidean" else squared / 2


def _root(squared):
    """The square root, whose gradient at 0 is 0 instead of infinite."""
    positive = squared > 0
    # The inner `where` as well: infinity times 0 of the outer one alone would be NaN.
    return ops.where(positive, ops.sqrt(ops.where(positive, squared, ops.ones_like(squared))), 0.0)
