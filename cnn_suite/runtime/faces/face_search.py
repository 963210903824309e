"""Exact search for the nearest people to a face: best encoding of each person, by squared Euclidean distance.

For encodings of unit length `|x - q|^2 = 2 - 2 cos`, so that one product of the gallery's matrix with the query, which
is as fast as memory can be read (512 MB for a million encodings of 128 numbers), nearly tells the nearest. Nearly:
float32 rounds, and lengths are 1 only to their last digits. So every encoding that could be among the nearest by the
bound on these errors is measured again in float64, and the answer is the one that float64 gives for all of them.

The bound: a product of `d` terms summed in float32 in any order is off by at most `g * sum |x_i q_i| <= g |x| |q|` with
`g = d u / (1 - d u)` and `u = 2^-24` (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1); and
`|x - q|^2 = |x|^2 + |q|^2 - 2 x q`, where `|x|^2` lies within what was measured over the gallery.

Ties go to whom comes first in the gallery.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROWS_AT_ONCE = 2**16  # of the gallery for several queries, so that their products stay in the cache
_BLOCK = 256  # rows whose greatest product stands for them when candidates are looked for
_FAR_FROM_UNIT = 1e-2


@dataclass(frozen=True)
class Neighbour:
    """A person near a face.

    Args:
        name: The person's.
        distance: Squared Euclidean distance of the person's nearest encoding, 0 to 4.
        row: Which row of the gallery that is.
    """

    name: str
    distance: float
    row: int


class FaceIndex:
    """A search index of encodings; rebuild it after the gallery has changed.

    Args:
        matrix: Float32 `(n, dimensions)` of unit length, as `Gallery.encodings` gives it; kept, not copied, if it is
            contiguous.
        names: Name of the person of each row.

    Raises:
        ValueError: If the shapes do not fit, a number is not finite or a length is far from 1.
    """

    def __init__(self, matrix: np.ndarray, names: Sequence[str]) -> None:
        self._matrix = _rows("matrix", matrix)
        if len(names) != len(self._matrix):
            raise ValueError(f"`names` must have one entry per row, {len(self._matrix)}. Received {len(names)}.")
        self._names = list(dict.fromkeys(names))
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._person = np.fromiter((self._numbers[name] for name in names), np.intp, len(names))
        squares = np.einsum("ij,ij->i", self._matrix, self._matrix, dtype=np.float64) if len(names) else np.ones(1)
        _check_lengths("matrix", squares)
        self._squares = float(squares.min()), float(squares.max())
        self._products = np.empty(len(names), np.float32)  # new memory every time would cost more than the search
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._matrix)

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    @property
    def people(self) -> int:
        """The number of different people."""
        return len(self._names)

    def nearest(self, queries: np.ndarray, k: int = 1) -> list[list[Neighbour]]:
        """The `k` nearest people to each query, the nearest first; fewer if there are fewer.

        Args:
            queries: Float `(m, dimensions)` of unit length.
            k: Number of people.

        Raises:
            ValueError: If the shape, a number, a length or `k` is invalid.
        """
        if k < 1:
            raise ValueError(f"`k` must be at least 1 person. Received {k}.")
        queries = self._checked(queries)
        k = min(k, self.people)
        if not k:
            return [[] for _ in queries]
        if len(queries) == 1:
            with self._lock:
                np.dot(self._matrix, queries[0], out=self._products)
                rows = self._candidates(self._products, self._person, k)
            return [self._ranked(rows, queries[0], k)]
        return self._of_several(queries, k)

    def only(self, name: str) -> FaceIndex:
        """One person alone.

        Raises:
            LookupError: If nobody has the name.
        """
        if name not in self._numbers:
            known = ", ".join(self._names[:20]) or "nobody"
            raise LookupError(f"Nobody in the gallery is called {name!r}. Enrolled: {known}.")
        own = np.flatnonzero(self._person == self._numbers[name])
        return FaceIndex(self._matrix[own], [name] * len(own))

    def _checked(self, queries: np.ndarray) -> np.ndarray:
        queries = _rows("queries", queries)
        if queries.shape[1] != self._matrix.shape[1]:
            raise ValueError(
                f"`queries` must have {self._matrix.shape[1]} numbers, like the gallery. Received shape "
                f"{queries.shape}. Encode them with the gallery's model."
            )
        _check_lengths("queries", np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
        return queries

    def _of_several(self, queries: np.ndarray, k: int) -> list[list[Neighbour]]:
        """Parts of the gallery for all queries together, so that it is read once; each part names its candidates."""
        found: list[list[np.ndarray]] = [[] for _ in queries]
        for start in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            products = queries @ self._matrix[part].T  # (m, rows)
            for query, row in enumerate(products):
                found[query].append(start + self._candidates(row, self._person[part], k))
        return [self._ranked(np.concatenate(rows), query, k) for rows, query in zip(found, queries, strict=True)]

    def _candidates(self, products: np.ndarray, person: np.ndarray, k: int) -> np.ndarray:
        """Rows that could hold one of the `k` nearest people of these rows.

        The k-th best person's best product, `p`, is found first; nobody whose best is below `p` by more than the error
        of both can be nearer.
        """
        bound = _kth_best(products, person, k) - self._slack()
        return np.flatnonzero(products >= np.float32(bound))

    def _slack(self) -> float:
        """By how much the product of a nearer row can be less than that of a farther one."""
        least, most = self._squares
        terms = self._matrix.shape[1] * 2.0**-24
        of_product = terms / (1 - terms) * np.sqrt(most) * (1 + _FAR_FROM_UNIT)
        # The last term: the comparison itself is in float32.
        return 2 * of_product + (most - least) / 2 + 2.0**-22

    def _ranked(self, rows: np.ndarray, query: np.ndarray, k: int) -> list[Neighbour]:
        """The `k` nearest people among some rows, measured in float64."""
        distances = self._exact(rows, query)
        order = np.lexsort((rows, distances))
        _, first = np.unique(self._person[rows[order]], return_index=True)  # each person's nearest row
        best = order[np.sort(first)[:k]]
        return [
            Neighbour(self._names[self._person[row]], float(distance), int(row))
            for row, distance in zip(rows[best], distances[best], strict=True)
        ]

    def _exact(self, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
        distances = np.empty(len(rows))
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            differences = self._matrix[rows[part]].astype(np.float64) - query
            distances[part] = np.einsum("ij,ij->i", differences, differences)
        return distances


def squared_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Euclidean distance of two encodings, float `(dimensions,)` each."""
    return float(((np.asarray(a, np.float64) - b) ** 2).sum())


def _kth_best(products: np.ndarray, person: np.ndarray, k: int) -> float:
    """A product that at least `k` people reach, near the greatest such; the least of all if there are fewer people.

    To sort a million products takes longer than to compute them. The greatest of each block of rows is found quickly;
    the rows above the m-th greatest of these are few and hold the m best rows at least; if they are of fewer than `k`
    people, m grows.
    """
    if k == 1:
        return float(products.max())
    whole = len(products) // _BLOCK * _BLOCK
    greatest = np.append(products[:whole].reshape(-1, _BLOCK).max(axis=1), products[whole:])
    wanted = k
    while wanted < len(greatest):
        limit = np.partition(greatest, len(greatest) - wanted)[len(greatest) - wanted]
        rows = np.flatnonzero(products >= limit)
        best = _best_of_each(products[rows], person[rows])
        if len(best) >= k:
            return float(best[k - 1])
        wanted *= 4
    best = _best_of_each(products, person)
    return float(best[min(k, len(best)) - 1])


def _best_of_each(products: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The greatest product of each person, the greatest first."""
    order = np.argsort(-products, kind="stable")
    _, first = np.unique(person[order], return_index=True)
    return products[order[np.sort(first)]]


def _rows(name: str, rows: np.ndarray) -> np.ndarray:
    rows = np.ascontiguousarray(rows, np.float32)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(
            f"`{name}` must have shape (n, dimensions), one row per encoding. Received shape {rows.shape}."
        )
    return rows


def _check_lengths(name: str, squares: np.ndarray) -> None:
    if not np.isfinite(squares).all():
        raise ValueError(f"`{name}` must be finite. Received a NaN or an infinite value.")
    if len(squares) and np.abs(squares - 1).max() > _FAR_FROM_UNIT:
        wrong = int(np.argmax(np.abs(squares - 1)))
        raise ValueError(f"`{name}` must have length 1. Received length {np.sqrt(squares[wrong]):g} in row {wrong}.")
