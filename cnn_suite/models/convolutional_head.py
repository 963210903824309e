"""A classifier head without a dense layer: a map for every class, averaged over the picture."""

import keras
from keras import layers

from cnn_suite.models.classifier_head import check_classes


def convolutional_classifier(x, classes: int, activation: str | None = "softmax", name: str = "predictions_conv"):
    """Class probabilities of a feature map: 1x1 convolution with one filter per class, ReLU, average, softmax.

    Args:
        x: Feature map `(batch, height, width, channels)`.
        classes: Number of classes.
        activation: "softmax" for probabilities, None for logits. These are 0 or more, as the ReLU stands before the
            average in both papers.
        name: Name of the convolution.

    Returns:
        `(batch, classes)`, float32 in every precision.

    Raises:
        ValueError: If there is no class.

    Source: Lin et al. 2014, Network in Network, section 3.2, global average pooling; the small deviation
    of the weights is that of both papers' Caffe files, whose biases start at 0.
    """
    check_classes(classes)
    convolution = layers.Conv2D(
        classes,
        1,
        activation="relu",
        # All maps start alike and positive: a class whose map begins below 0 gets no gradient through the ReLU.
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer="ones",
        name=name,
        dtype="float32",
    )
    x = layers.GlobalAveragePooling2D(name="avg_pool", dtype="float32")(convolution(x))
    return layers.Activation(activation or "linear", name="predictions", dtype="float32")(x)
