"""The end of every classifier: dropout and one dense layer with a probability for every class."""

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
        `(batch, classes)`, float32 in every precision: a softmax in 8 bits of mantissa trains nothing.

    Raises:
        ValueError: If there is no class, or the share is none.
    """
    check_classes(classes)
    x = dropped_out(x, dropout, "dropout")
    return layers.Dense(classes, activation=activation, name=name, dtype="float32")(x)


def check_classes(classes: int) -> None:
    """Rejects a number of classes that is none.

    Raises:
        ValueError: If it is not at least 1.
    """
    if not isinstance(classes, int) or classes < 1:
        raise ValueError(f"`classes` must be a whole number of at least 1. Received {classes!r}.")
