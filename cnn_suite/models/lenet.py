"""LeNet-5, the digit recognition network: two convolutions, two poolings, three dense layers.

Names: `conv1`, `pool1`, `conv2`, `pool2`, `flatten`, `fc3`, `fc4`, `predictions`, as in the notes' table.
"""

from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.variant_table import variant_row

IMAGE_SHAPE = (28, 28, 1)


class Variant(NamedTuple):
    """One form of the network."""

    filters: tuple[int, int]
    first_padding: str
    activation: str
    pooling: type[layers.Layer]
    dense_activation: str
    smallest: int  # with it the second pooling ends in one pixel


VARIANTS = {
    "notes": Variant((6, 16), "same", "sigmoid", layers.AveragePooling2D, "tanh", 12),
    "relu": Variant((6, 16), "same", "relu", layers.MaxPooling2D, "relu", 12),
    "course": Variant((8, 16), "valid", "relu", layers.MaxPooling2D, "relu", 16),
}


def lenet5(
    image_shape: ImageShape = IMAGE_SHAPE,
    classes: int = 10,
    *,
    variant: str = "notes",
    include_top: bool = True,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str = "lenet5",
) -> keras.Model:
    """LeNet-5 for small pictures, 61,706 parameters for digits of 28x28.

    Args:
        image_shape: Height, width and channels; sides may be None without top.
        classes: Number of classes.
        variant: "notes" (sigmoid in the convolutional blocks, average pooling, tanh in the dense layers), "relu" (ReLU
            and max pooling, else the same) or "course" (ReLU and max pooling, first convolution with 8 filters and
            without padding: 62,958 parameters for 32x32x3).
        include_top: False to end with the feature map of the second pooling.
        dropout: Dropout rate of the 84 features.
        classifier_activation: None for logits.
        name: Name of the model.

    Returns:
        Model from 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.

    Source: LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition, figure 2. Deviations, those of
    the notes' table: pictures of 28x28 padded by the first convolution instead of 32x32; the second convolution sees
    all six maps instead of the subsets of table I there (2,416 parameters instead of 1,516); pooling without trainable
    factor and bias; softmax instead of radial basis functions.
    """
    row = variant_row(VARIANTS, variant, name)
    image, x = image_input(image_shape, row.smallest, "unit", name, free=not include_top)
    dense_start = "he_normal" if row.dense_activation == "relu" else "glorot_uniform"
    # Four times Glorot's weights make up for the sigmoid's slope of 1/4: without, the first epoch learns nothing.
    start = dense_start if row.activation == "relu" else keras.initializers.VarianceScaling(16.0, "fan_avg", "uniform")
    for number, (filters, padding) in enumerate(zip(row.filters, (row.first_padding, "valid")), 1):
        convolution = layers.Conv2D(
            filters, 5, padding=padding, activation=row.activation, kernel_initializer=start, name=f"conv{number}"
        )
        x = row.pooling(2, name=f"pool{number}")(convolution(x))
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        for units, dense in ((120, "fc3"), (84, "fc4")):
            x = layers.Dense(units, activation=row.dense_activation, kernel_initializer=dense_start, name=dense)(x)
        x = classifier(x, classes, dropout, classifier_activation)
    return keras.Model(image, x, name=name)
