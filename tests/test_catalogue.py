"""The list of networks: its figures counted again on the networks, and its words."""

import keras
import pytest

from cnn_suite import models
from cnn_suite.catalogue import CATALOGUE, as_table
from cnn_suite.sums import model_sums


def test_every_builder_is_in_the_list():
    assert sorted(CATALOGUE) == sorted(models.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_figures_are_those_of_the_network(name):
    entry = CATALOGUE[name]
    model = getattr(models, name)()
    sums = model_sums(model, entry.input_shape if None in model.input_shape[1:] else None)
    assert (sums.input_shape, sums.parameters, sums.multiply_adds) == (
        entry.input_shape,
        entry.parameters,
        entry.multiply_adds,
    )
    assert sum(row.parameters for row in sums.layers) == sums.parameters
    keras.backend.clear_session()


def test_the_table_has_a_line_a_network():
    lines = as_table().splitlines()
    assert len(lines) == 1 + len(CATALOGUE)
    assert "138,357,544" in next(line for line in lines if line.startswith("vgg16 "))
