"""Exact search among enrolled people, compared with its building blocks and a naive version, alternating in one run.

    python benchmarks/face_search.py [--encodings 1000000] [--people 250000] [--dimensions 128] [--threads 2]

Encodings are random and of unit length: a stranger's nearest neighbours then have similar distances, the hardest case
for the candidate list. "one product" reads the gallery once, a lower bound for any exhaustive search on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any


def main() -> None:
    options = _options()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(options.threads))  # read when NumPy is imported
    import numpy as np
    from alternating import alternate, summary, table

    from cnn_suite.runtime.faces.face_search import FaceIndex

    rng = np.random.default_rng(0)
    matrix = _units(rng, options.encodings, options.dimensions)
    names = [f"P {number}" for number in rng.integers(0, options.people, options.encodings)]
    index, queries = FaceIndex(matrix, names), _units(rng, 64, options.dimensions)
    turn = iter(range(sys.maxsize))
    products = np.empty(len(matrix), np.float32)

    def query() -> Any:
        return queries[next(turn) % len(queries)]

    def plain() -> Any:
        cosines = matrix @ query()
        best = np.argpartition(-cosines, options.k)[: options.k]
        return best[np.argsort(-cosines[best])]

    contestants = {
        "nearest person": lambda: index.nearest(query()[None], 1),
        f"nearest {options.k} people": lambda: index.nearest(query()[None], options.k),
        "16 queries at once": lambda: index.nearest(queries[:16], 1),
        "one product": lambda: np.dot(matrix, query(), out=products),
        f"product and argpartition, {options.k} rows": plain,
    }
    result = {
        "encodings": options.encodings,
        "people": index.people,
        "dimensions": options.dimensions,
        "megabytes": matrix.nbytes / 1e6,
        "threads": os.environ["OPENBLAS_NUM_THREADS"],
        "timing": summary(alternate(contestants, rounds=options.rounds, warm_up=2)),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['encodings']:,} encodings of {result['dimensions']} numbers ({result['megabytes']:.0f} MB), "
            f"{result['people']:,} people, {result['threads']} threads\n\n{table(result['timing'])}"
        )


def _units(rng: Any, count: int, dimensions: int) -> Any:
    """Random float32 rows of unit length, made in place."""
    rows = rng.standard_normal((count, dimensions), dtype="float32")
    rows /= (rows * rows).sum(axis=1, keepdims=True) ** 0.5
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encodings", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=250_000, help="number of people that share the encodings")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--k", type=int, default=5, help="number of nearest people in the second contestant")
    parser.add_argument("--threads", type=int, default=2, help="threads of the matrix product")
    parser.add_argument("--rounds", type=int, default=20, help="number of rounds, with four counted calls each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if min(options.encodings, options.people, options.dimensions, options.k, options.threads, options.rounds) < 1:
        parser.error("every number must be at least 1.")
    return options


if __name__ == "__main__":
    main()
