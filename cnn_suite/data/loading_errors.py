"""What reading a picture in the middle of a training says: its own words instead of a graph's.

Pictures that are not kept in memory are decoded by Python code inside of tf.data, whose errors come out of `fit` as
TensorFlow's, with the text somewhere between two tracebacks.
"""

import builtins
import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_OF_PYTHON = re.compile(r"\b(\w+Error): (.*?)\nTraceback \(most recent call last\)", re.DOTALL)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raises the error of a reader inside of tf.data as what it was: a ValueError or OSError with its text.

    Everything else, slips of code inside of the graph included, is raised as it comes.
    """
    try:
        yield
    except tf.errors.OpError as error:
        said = _OF_PYTHON.search(error.message or "")
        kind = getattr(builtins, said[1], None) if said else None
        if said is None or kind is None or not issubclass(kind, ValueError | OSError):
            raise
        advice = "Replace the picture or take it out of the data; `cnn-suite doctor` lists all of its kind."
        raise kind(f"{said[2].rstrip('.')}. {advice}") from error
