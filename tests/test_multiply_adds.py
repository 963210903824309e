"""Multiply-adds of layers that go over steps, by hand; tests/test_sums.py has those of every other kind."""

import keras
import pytest
from keras import layers

from cnn_suite.sums import model_sums

# 5 steps of 3 numbers into 4: a gate has 3x4 weights for the input and 4x4 for the state.
GATE = 3 * 4 + 4 * 4


def sums_of(layer, shape=(5, 3)):
    return model_sums(keras.Sequential([keras.Input(shape), layer]))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.SimpleRNN(4), 5 * GATE),
        (layers.GRU(4, return_sequences=True), 5 * 3 * GATE),
        (layers.LSTM(4, return_state=True), 5 * 4 * GATE),
        (layers.Bidirectional(layers.LSTM(4)), 2 * 5 * 4 * GATE),
        (layers.RNN([layers.LSTMCell(4), layers.SimpleRNNCell(2)]), 5 * (4 * GATE + 4 * 2 + 2 * 2)),
        (layers.TimeDistributed(layers.Dense(7)), 5 * 3 * 7),
    ],
    ids=lambda value: value.name if isinstance(value, layers.Layer) else "",
)
def test_a_layer_over_steps_uses_its_weights_once_a_step(layer, expected):
    found = sums_of(layer)
    assert found.multiply_adds == expected
    assert sum(row.parameters for row in found.layers) == found.parameters > 0


@pytest.mark.parametrize("after", [{}, {"return_sequences": True}])
def test_a_recurrent_convolution_uses_them_at_every_place_too(after):
    # 8x8 to 4x4 by strides of 2; four gates, each of 3x3 from 3 channels and 3x3 from 6 of the state
    found = sums_of(layers.ConvLSTM2D(6, 3, strides=2, padding="same", **after), (5, 8, 8, 3))
    assert found.multiply_adds == 5 * 4 * 4 * 4 * 9 * (3 * 6 + 6 * 6)


def test_a_network_over_steps_works_once_a_step():
    assert sums_of(layers.TimeDistributed(layers.Conv2D(4, 3)), (5, 8, 8, 3)).multiply_adds == 5 * 36 * 27 * 4
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    assert sums_of(layers.TimeDistributed(inner), (5, 8, 8, 3)).multiply_adds == 5 * model_sums(inner).multiply_adds
    assert sums_of(layers.TimeDistributed(layers.GRU(4)), (2, 5, 3)).multiply_adds == 2 * 5 * 3 * GATE


class Halving(layers.Layer):
    """A cell that Keras does not know."""

    state_size = output_size = 3

    def call(self, x, states):
        return x / 2, states


def test_a_cell_of_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="Multiply-adds of 'mine' cannot be counted: its cell Halving must have"):
        sums_of(layers.RNN(Halving(), name="mine"))
