"""A few of many, evenly chosen."""

import numpy as np


def evenly_chosen(count: int, total: int) -> list[int]:
    """Up to `count` of the numbers below `total`, in order, the first and the last among them."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int)).tolist()
