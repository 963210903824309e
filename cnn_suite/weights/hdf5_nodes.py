"""Groups, arrays and lists of names in an HDF5 file of weights, each refused where the file has something else."""

import h5py
import numpy as np


def group_at(parent: h5py.Group, name: str) -> h5py.Group:
    """A group by name.

    Raises:
        KeyError: If there is nothing of that name.
        ValueError: If it is an array.
    """
    node = parent[name]
    if not isinstance(node, h5py.Group):
        raise ValueError(f"{node.name} should be a group, and is an array of shape {node.shape}")
    return node


def array_at(parent: h5py.Group, name: str) -> np.ndarray:
    """An array by name.

    Raises:
        KeyError: If there is nothing of that name.
        ValueError: If it is a group, or holds no numbers.
    """
    node = parent[name]
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu":
        raise ValueError(f"{node.name} should be an array of numbers, and is {node}")
    return np.asarray(node)


def names_at(group: h5py.Group, name: str) -> list[str]:
    """A list of names among the attributes, which Keras splits into `name0`, `name1`, ... where it is long.

    Returns:
        The names; none where there is no such attribute.

    Raises:
        ValueError: If it is no list of names.
    """
    parts = [name] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(f"{name}{len(parts)}")
    values = [value for part in parts for value in np.atleast_1d(group.attrs[part]).tolist()]
    if not all(isinstance(value, bytes | str) for value in values):
        raise ValueError(f"{name} of {group.name} should be a list of names, and is {values}")
    return [value.decode() if isinstance(value, bytes) else value for value in values]
