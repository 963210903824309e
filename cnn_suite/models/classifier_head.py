"""The head of every classifier: dropout and a dense layer with a probability for every class."""

from keras import layers

from cnn_suite.models.inner_dropout import dropped_out


def classifier(x, classes: int, dropout: float, activation: str | None = "softmax", name: str = "predictions"):
    """Class probabilities of pooled features.

    Args:
        x: Features `(batch, channels)`.
        classes: Number of classes.
        dropout: Dropout rate.
        activation: "softmax" for probabilities, None for logits.
        name: Name of the dense layer.

    Returns:
        `(batch, classes)`, always float32: a softmax with 8 bits of mantissa does not train.

    Raises:
        ValueError: If `classes` or `dropout` is invalid.
    """
    check_classes(classes)
    x = dropped_out(x, dropout, "dropout")
    return layers.Dense(classes, activation=activation, name=name, dtype="float32")(x)


def check_classes(classes: int) -> None:
    """Validates the number of classes.

    Raises:
        ValueError: If it is not at least 1.
    """
    if not isinstance(classes, int) or classes < 1:
        raise ValueError(f"`classes` must be a whole number of at least 1. Received {classes!r}.")
