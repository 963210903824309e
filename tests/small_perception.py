"""For tests of style transfer: perceptual networks of few random weights, and small pictures."""

import keras
import numpy as np
from keras import layers

from cnn_suite.style_transfer.perception import Perception

SMALLEST = 12
FORMS = ("valid", "same")


def small_network(form="valid", *, activation="relu", pooling=layers.MaxPooling2D, seed=0):
    """Strides of 4 in all. "valid" is built like SqueezeNet: unpadded strides, then two kernels beside each other;
    "same" like VGG with one strided convolution: zeros round every map, whose place depends on the size."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0, name="scale")(image)
    more = {"activation": activation, "kernel_initializer": "he_normal", "bias_initializer": "random_normal"}
    if form == "valid":
        x = layers.Conv2D(6, 3, 2, name="conv1", **more)(x)
        x = pooling(3, 2, name="pool1")(x)
        branches = [layers.Conv2D(4, k, padding="same", name=f"expand{k}", **more)(x) for k in (1, 3)]
        x = layers.Concatenate(name="last")(branches)
    else:
        x = layers.Conv2D(5, 3, padding="same", name="conv1", **more)(x)
        x = layers.Conv2D(6, 3, 2, padding="same", name="strided", **more)(x)
        x = pooling(2, name="pool1")(x)
        x = layers.Conv2D(8, 3, padding="same", name="last", **more)(x)
    return keras.Model(image, x, name=f"small_{form}")


def small_perception(form="valid", *, content=None, style=None, **more):
    """Content in the last layer, style in the first and the last, with different weights."""
    model = small_network(form, **more)
    return Perception(model, content or {"last": 1.0}, style or {"conv1": 1.0, "last": 0.5}, smallest=SMALLEST)


def tiny_perception(seed: int = 0) -> Perception:
    """Two convolutions at full size and half size; the same weights for the same seed."""
    x = inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    for number, (filters, strides) in enumerate(((6, 1), (8, 2), (8, 1)), 1):
        initializer = keras.initializers.HeNormal(seed=seed + number)
        x = layers.Conv2D(
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
