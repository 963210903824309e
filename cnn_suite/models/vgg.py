"""VGG of Simonyan & Zisserman 2014: stacks of 3x3 convolutions between poolings, then three dense layers.

Layers are named as in keras.applications (`block1_conv1`, `block1_pool`, `fc1`, `predictions`), whose weights for
configurations D (VGG-16) and E (VGG-19) can be loaded.
"""

from pathlib import Path

import keras
from keras import layers

from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.inner_dropout import dropped_out
from cnn_suite.weights.keras_applications import load_keras_applications

IMAGENET_SHAPE = (224, 224, 3)
FILTERS = (64, 128, 256, 512, 512)

# Convolutions of each of the five blocks: columns A, B, D and E of the paper's table 1.
CONVOLUTIONS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def vgg(
    convolutions: tuple[int, ...],
    image_shape: ImageShape = IMAGENET_SHAPE,
    classes: int = 1000,
    *,
    include_top: bool = True,
    dropout: float = 0.5,
    classifier_activation: str | None = "softmax",
    weights: str | Path | None = None,
    name: str = "vgg",
) -> keras.Model:
    """A VGG network.

    Args:
        convolutions: Convolutions of each of the five blocks.
        image_shape: Height, width and channels, sides of at least 32; None for a free side where there is no top.
        classes: Number of classes.
        include_top: False to end with the last pooling.
        dropout: Share left out in training after each of the two hidden dense layers.
        classifier_activation: None for logits.
        weights: A weights file of keras.applications (vgg16 and vgg19), with or without top as `include_top`.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.
        FileNotFoundError: If the weights file does not exist.

    Source: Simonyan & Zisserman 2014, Very Deep Convolutional Networks for Large-Scale Image Recognition, table 1 and
    section 3.1. Deviation: weights use Glorot initialisation, as the paper's own footnote recommends; its experiments
    copied the first layers of a trained VGG-11. (He's rule would keep the deviation of raw pixels, about 70, up to the
    logits.)
    """
    image, x = image_input(image_shape, 32, "caffe", name, free=not include_top)
    for block, (filters, count) in enumerate(zip(FILTERS, convolutions), 1):
        for number in range(1, count + 1):
            label = f"block{block}_conv{number}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=label)(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    if include_top:
        x = _dense_layers(layers.Flatten(name="flatten")(x), dropout)
        x = classifier(x, classes, dropout, classifier_activation)
    model = keras.Model(image, x, name=name)
    if weights is not None:
        load_keras_applications(model, weights)
    return model


def _dense_layers(x, dropout: float):
    """Both hidden dense layers; the dropout after the second belongs to the classifier."""
    x = layers.Dense(4096, activation="relu", name="fc1")(x)
    x = dropped_out(x, dropout, "fc1_dropout")
    return layers.Dense(4096, activation="relu", name="fc2")(x)


def _named(name: str, image_shape: ImageShape, classes: int, /, **options) -> keras.Model:
    return vgg(CONVOLUTIONS[name], image_shape, classes, **{"name": name, **options})


def vgg11(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """VGG-11, configuration A, 1-1-2-2-2 convolutions; `options` as of `vgg`."""
    return _named("vgg11", image_shape, classes, **options)


def vgg13(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """VGG-13, configuration B, 2-2-2-2-2 convolutions; `options` as of `vgg`."""
    return _named("vgg13", image_shape, classes, **options)


def vgg16(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """VGG-16, configuration D, 2-2-3-3-3 convolutions; `options` as of `vgg`."""
    return _named("vgg16", image_shape, classes, **options)


def vgg19(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """VGG-19, configuration E, 2-2-4-4-4 convolutions; `options` as of `vgg`."""
    return _named("vgg19", image_shape, classes, **options)
