"""Backend-dependent code. Keras runs on TensorFlow, or on JAX (`KERAS_BACKEND=jax`) for training only."""

import keras

from cnn_suite.config import ConfigError


def jit_compile(configured: bool) -> bool:
    """Whether XLA compiles the steps of `fit`: as configured, and always on JAX, which needs it to compile at all."""
    return configured or keras.backend.backend() == "jax"


def require_tensorflow(what: str, instead: str) -> None:
    """Raises an error if Keras does not run on the TensorFlow backend.

    Args:
        what: What needs TensorFlow, as the subject of a sentence.
        instead: What to do instead, as a sentence.

    Raises:
        ConfigError: If Keras runs on another backend.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ConfigError(f"{what} needs Keras's TensorFlow backend. Received KERAS_BACKEND={backend}. {instead}")
