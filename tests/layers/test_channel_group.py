"""One group of channels: by hand, as one of `split`, refusals."""

import numpy as np
import pytest

from cnn_suite.layers.channel_group import ChannelGroup


def test_the_second_half_of_four_channels():
    x = np.arange(8.0).reshape(1, 1, 2, 4)
    np.testing.assert_array_equal(np.ravel(ChannelGroup(2, 1)(x)), [2, 3, 6, 7])


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_all_groups_together_are_the_map(groups):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 6)).astype("float32")
    parts = [np.asarray(ChannelGroup(groups, group)(x)) for group in range(groups)]
    assert ChannelGroup(groups, 0).compute_output_shape(x.shape) == parts[0].shape
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), x)


def test_half_precision_stays():
    assert ChannelGroup(2, 0, dtype="float16")(np.ones((1, 1, 1, 4), "float16")).dtype == "float16"


def test_a_group_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="`group` must be from 0 to 1, one of `groups`. Received 2."):
        ChannelGroup(2, 2)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="`groups` must divide the 5 channels. Received 2."):
        ChannelGroup(2, 0)(np.ones((1, 1, 1, 5)))
