"""What depends on the backend that Keras runs on: TensorFlow, or JAX (`KERAS_BACKEND=jax`), on which networks train."""

import keras

from cnn_suite.config import ConfigError


def jit_compile(configured: bool) -> bool:
    """Whether XLA compiles the steps of `fit`: as configured, and always for JAX, which would not compile them else."""
    return configured or keras.backend.backend() == "jax"


def require_tensorflow(what: str, instead: str) -> None:
    """Rejects what is made of TensorFlow's graphs where Keras runs on another backend.

    Args:
        what: What that is, as the subject of a sentence.
        instead: What to do, as a sentence.

    Raises:
        ConfigError: If Keras runs on another backend.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ConfigError(f"{what} needs Keras's TensorFlow backend. Received KERAS_BACKEND={backend}. {instead}")
