"""GoogLeNet: nine inception modules, seven million parameters, and two auxiliary branches for training.

Names: `conv1`, `pool1`, `norm1`, `conv2_reduce`, `conv2`, `norm2`, `pool2`, `inception_3a` ... `inception_5b`,
`avg_pool`, `predictions`; what is inside a module is reached as `inception_3a/5x5_reduce` (see
`cnn_suite.models.surgery.features_at`).
"""

from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.inception import InceptionModule
from cnn_suite.layers.local_response_norm import LocalResponseNormalization
from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input

IMAGE_SHAPE = (224, 224, 3)
SMALLEST = 1
SMALLEST_WITH_AUXILIARY = 65  # 4a is a sixteenth of the picture, rounded up, and their pooling needs 5 pixels

# How much each output counts in training: section 5 of the paper.
AUXILIARY_LOSS_WEIGHTS = {"predictions": 1.0, "auxiliary1": 0.3, "auxiliary2": 0.3}
AUXILIARY_DROPOUT = 0.7


class Module(NamedTuple):
    """A row of the paper's table 1: numbers of filters."""

    filters_1x1: int
    reduce_3x3: int
    filters_3x3: int
    reduce_5x5: int
    filters_5x5: int
    pool_projection: int


MODULES = {
    "3a": Module(64, 96, 128, 16, 32, 32),
    "3b": Module(128, 128, 192, 32, 96, 64),
    "4a": Module(192, 96, 208, 16, 48, 64),
    "4b": Module(160, 112, 224, 24, 64, 64),
    "4c": Module(128, 128, 256, 24, 64, 64),
    "4d": Module(112, 144, 288, 32, 64, 64),
    "4e": Module(256, 160, 320, 32, 128, 128),
    "5a": Module(256, 160, 320, 32, 128, 128),
    "5b": Module(384, 192, 384, 48, 128, 128),
}
POOL_AFTER = {"3b": "pool3", "4e": "pool4"}
BRANCH_AFTER = {"4a": "auxiliary1", "4d": "auxiliary2"}


def googlenet(
    image_shape: ImageShape = IMAGE_SHAPE,
    classes: int = 1000,
    *,
    auxiliary: bool = False,
    include_top: bool = True,
    dropout: float = 0.4,
    classifier_activation: str | None = "softmax",
    name: str = "googlenet",
) -> keras.Model:
    """GoogLeNet, the first inception network.

    Args:
        image_shape: Height, width and channels; None for a free side, but not with `auxiliary`.
        classes: Number of classes.
        auxiliary: Whether to include both auxiliary branches; needs sides of at least 65 pixels. Compile with
            `loss_weights=AUXILIARY_LOSS_WEIGHTS`, and use `without_auxiliary` on the trained model.
        include_top: False to end with the last feature map.
        dropout: Dropout rate of the pooled features.
        classifier_activation: None for logits.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)` (6,998,552
        parameters); with `auxiliary` to a dictionary of three such: predictions, auxiliary1, auxiliary2 (13,378,280).

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.

    Source: Szegedy et al. 2014, Going Deeper with Convolutions, table 1 and section 5. Deviations: the 7x7 average
    pooling takes the whole map, whatever its size; the paper gives no numbers for its local response normalisation:
    they are AlexNet's; pictures are scaled to mean 0 and deviation 1 per channel; weights use He initialisation.
    """
    smallest = SMALLEST_WITH_AUXILIARY if auxiliary else SMALLEST
    image, x = image_input(image_shape, smallest, "imagenet", f"{name} with auxiliary=True" if auxiliary else name)
    if auxiliary:
        _check_auxiliary(image_shape, include_top, name)
    x, outputs = _stem(x), {}
    for module, row in MODULES.items():
        x = InceptionModule(*row, name=f"inception_{module}")(x)
        if auxiliary and module in BRANCH_AFTER:
            branch = BRANCH_AFTER[module]
            outputs[branch] = _branch(x, classes, classifier_activation, branch)
        if module in POOL_AFTER:
            x = layers.MaxPooling2D(3, 2, padding="same", name=POOL_AFTER[module])(x)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = classifier(x, classes, dropout, classifier_activation)
    return keras.Model(image, {"predictions": x, **outputs} if auxiliary else x, name=name)


def without_auxiliary(model: keras.Model) -> keras.Model:
    """The trained network without its auxiliary branches, as it is exported.

    Args:
        model: A model of `googlenet`, as built or as loaded, with or without auxiliary branches.

    Returns:
        Model of the same layers and weights from the picture to class probabilities `(batch, classes)` alone.

    Raises:
        ValueError: If the model has no layer `predictions`.
    """
    if "predictions" not in [layer.name for layer in model.layers]:
        raise ValueError(
            f"{model.name} has no layer 'predictions' to keep. Expected a model of `googlenet` with its top; the last "
            f"layer of this one is {model.layers[-1].name!r}."
        )
    return keras.Model(model.input, model.get_layer("predictions").output, name=model.name)


def _check_auxiliary(image_shape: ImageShape, include_top: bool, name: str) -> None:
    if not include_top:
        raise ValueError(
            f"{name} cannot have auxiliary branches without top, because they are classifiers too. "
            "Received auxiliary=True, include_top=False. Change one of them."
        )
    if None in tuple(image_shape)[:2]:
        raise ValueError(
            f"`image_shape` of {name} must have fixed sides with auxiliary=True, because the dense layers of its "
            f"auxiliary branches have a weight per pixel. Received {tuple(image_shape)}. Give both sides, or use "
            "auxiliary=False."
        )


def _stem(x):
    x = _convolution(64, 7, 2, "conv1")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = _convolution(64, 1, 1, "conv2_reduce")(x)
    x = _convolution(192, 3, 1, "conv2")(x)
    x = LocalResponseNormalization(name="norm2")(x)
    return layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)


def _branch(x, classes: int, activation: str | None, name: str):
    """An auxiliary branch: section 5 of the paper, the list of its layers."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = _convolution(128, 1, 1, f"{name}_conv")(x)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", kernel_initializer="he_normal", name=f"{name}_fc")(x)
    x = layers.Dropout(AUXILIARY_DROPOUT, name=f"{name}_dropout")(x)
    return classifier(x, classes, 0.0, activation, name)


def _convolution(filters: int, kernel: int, strides: int, name: str) -> layers.Conv2D:
    return layers.Conv2D(
        filters, kernel, strides, padding="same", activation="relu", kernel_initializer="he_normal", name=name
    )
