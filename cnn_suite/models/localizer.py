"""A network that names and places the one object of a picture: any classifier's body with the head of the course.

The head sees the body's feature map with a weight for every cell, which global average pooling would make alike, so
that it can tell where something is.

After Sermanet et al. 2013, OverFeat, section 4, whose regression network has two dense layers on the feature map too.
"""

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.models.classifier_head import check_classes
from cnn_suite.models.inner_dropout import dropped_out

CELLS = 8  # of the feature map, per side at most
MAPS = 16


def localizer(
    body: keras.Model, classes: int, *, hidden: int = 128, dropout: float = 0.0, name: str | None = None
) -> keras.Model:
    """A localizer on a body.

    Args:
        body: From pictures of one size to a feature map `(batch, height, width, channels)`: a builder of
            `cnn_suite.models` with `include_top=False`.
        classes: Number of classes, without the background.
        hidden: Units between the feature map and the answer.
        dropout: Rate of the dropout in front of the answer.
        name: Name of the model; the body's and "localizer" by default.

    Returns:
        Model from RGB 0..255 to float32 `(batch, 5 + classes)`: the logit of an object, the middle x, y and the height
        and width of its box in units of the picture, and a logit for every class; `ops.localization` has the loss's
        targets and the decoding.

    Raises:
        ValueError: If `classes`, `hidden` or `dropout` is invalid, or the body gives no feature map of a known size.
    """
    check_classes(classes)
    if not isinstance(hidden, int) or hidden < 1:
        raise ValueError(f"`hidden` must be a whole number of at least 1. Received {hidden!r}.")
    shape = getattr(body.output, "shape", ())
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(
            "`body` must give one feature map (batch, height, width, channels) of a known size. "
            f"{body.name} gives {tuple(shape)}. Build it with include_top=False and a fixed image_shape."
        )
    x, pool = body.output, -(-max(shape[1:3]) // CELLS)
    if pool > 1:
        x = layers.AveragePooling2D(pool, padding="same", name="cells_pool")(x)
    x = layers.Conv2D(MAPS, 1, use_bias=False, kernel_initializer="he_normal", name="cells_conv")(x)
    x = FusedBatchNormalization(momentum=0.97, name="cells_norm")(x)
    x = layers.ReLU(name="cells_relu")(x)
    x = layers.Flatten(name="cells")(x)
    x = layers.Dense(hidden, activation="relu", kernel_initializer="he_normal", name="hidden")(x)
    x = dropped_out(x, dropout, "dropout")
    small = keras.initializers.RandomNormal(stddev=0.01)
    x = layers.Dense(5 + classes, kernel_initializer=small, dtype="float32", name="from_middle")(x)
    middle = [0.0] + [0.5] * 4 + [0.0] * classes  # training begins with half of the picture, in its middle
    x = layers.Rescaling(1.0, middle, dtype="float32", name="localization")(x)
    return keras.Model(body.input, x, name=name or f"{body.name}_localizer")
