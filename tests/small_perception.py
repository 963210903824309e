"""For tests of style transfer: perceptual networks of few random weights, with strides, poolings and branches."""

import keras
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
