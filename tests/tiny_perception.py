"""For tests of style transfer: a perceptual network of three random convolutions, and small pictures."""

import keras
import numpy as np

from cnn_suite.style_transfer.perception import Perception


def tiny_perception(seed: int = 0) -> Perception:
    """Two convolutions at full size and half size; the same weights for the same seed."""
    x = inputs = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    for number, (filters, strides) in enumerate(((6, 1), (8, 2), (8, 1)), 1):
        initializer = keras.initializers.HeNormal(seed=seed + number)
        x = keras.layers.Conv2D(
            filters, 3, strides, "same", activation="relu", kernel_initializer=initializer, name=f"conv{number}"
        )(x)
    model = keras.Model(inputs, x, name="tiny")
    return Perception(model, {"conv3": 1.0}, {"conv1": 1.0, "conv2": 1.0}, smallest=8)


def smooth_picture(seed: int, size_hw: tuple[int, int]) -> np.ndarray:
    """Random waves in random colours, uint8 `(height, width, 3)`."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]] / 8.0
    waves = [np.sin(rng.uniform(-2, 2) * rows + rng.uniform(-2, 2) * columns + rng.uniform(0, 6)) for _ in range(3)]
    return np.uint8(np.stack(waves, -1) * 110 + 128)
