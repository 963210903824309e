"""The list of networks: its figures counted again on the networks, and its words."""

import re
from pathlib import Path

import keras
import pytest

from cnn_suite import models
from cnn_suite.catalogue import CATALOGUE, VARIANTS, as_table, networks
from cnn_suite.summary import summarise
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


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_figures_of_a_variant_are_those_of_the_network(name):
    entry, (builder, *options) = VARIANTS[name], name.split()
    sums = summarise(builder, options=options)
    assert (sums.input_shape, sums.parameters, sums.multiply_adds) == (
        entry.input_shape,
        entry.parameters,
        entry.multiply_adds,
    )
    keras.backend.clear_session()


def test_the_parameters_in_the_documentation_are_those_of_the_list():
    text = (Path(__file__).parents[1] / "docs" / "architectures.md").read_text()
    rows = re.findall(r"^\| `[^|]*\|[^|]*\|([^|]*)\|", text, re.MULTILINE)
    written = {int(figure.replace(",", "")) for row in rows for figure in re.findall(r"\d+(?:,\d{3})+", row)}
    assert len(written) > 20 and written <= {entry.parameters for entry in networks()}


def test_the_table_has_a_line_a_network():
    lines = as_table().splitlines()
    assert len(lines) == 1 + len(CATALOGUE) + len(VARIANTS)
    assert [line.split()[:2] for line in lines[2:4]] == [["lenet5", "variant=course"], ["alexnet", "227x227x3"]]
    assert "138,357,544" in next(line for line in lines if line.startswith("vgg16 "))
