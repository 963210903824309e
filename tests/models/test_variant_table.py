"""Rows by the name of a variant."""

import pytest

from cnn_suite.models.variant_table import variant_row


def test_the_row_of_a_variant_and_an_unknown_one():
    assert variant_row({"small": 1, "large": 2}, "large", "net") == 2
    with pytest.raises(ValueError, match="`variant` of net must be one of small, large. Received 'huge'"):
        variant_row({"small": 1, "large": 2}, "huge", "net")
