"""Heavy libraries imported without what they say meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def imports_muted(debug: bool) -> Iterator[None]:
    """Suppress TensorFlow's output on stderr during its import, and its notes afterwards; errors are still shown.

    Its first lines come from C++ before any log level is read, so the file descriptor itself is turned away. JAX
    that Keras is set to run on and that is not installed is said to be so, with what installs it.

    Raises:
        ImportError: If the `jax` extra is missing and KERAS_BACKEND=jax.
    """
    try:
        with contextlib.nullcontext() if debug else _standard_error_away():
            yield
    except ModuleNotFoundError as error:
        if error.name != "jax":
            raise
        raise ImportError(
            "Keras is set to run on JAX, which is not installed: `pip install 'cnn_suite[jax]'`, or set "
            "KERAS_BACKEND=tensorflow."
        ) from error


@contextlib.contextmanager
def _standard_error_away() -> Iterator[None]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
