"""Dropout between the layers of a network."""

from keras import layers


def dropped_out(x, dropout: float, name: str):
    """Applies dropout to features.

    Args:
        x: Features `(batch, ...)`.
        dropout: Share that is left out; with 0 there is no layer.
        name: Name of the layer.

    Returns:
        As `x`.

    Raises:
        ValueError: If `dropout` is invalid.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"`dropout` must be at least 0 and less than 1. Received {dropout}.")
    return layers.Dropout(dropout, name=name)(x) if dropout else x
