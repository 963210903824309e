"""Dropout between layers: only where something is left out, and only of a share."""

import keras
import pytest

from cnn_suite.models.inner_dropout import dropped_out


def test_dropout_is_a_layer_only_where_something_is_left_out():
    x = keras.Input((3,))
    assert dropped_out(x, 0.0, "drop") is x
    layer = dropped_out(x, 0.25, "drop")._keras_history.operation
    assert (layer.name, layer.rate) == ("drop", 0.25)
    for share in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"`dropout` must be at least 0 and less than 1. Received {share}"):
            dropped_out(x, share, "drop")
