"""Edge filters on pictures, by the course's numbers and at their limits."""

import numpy as np
import pytest

from cnn_suite.runtime.edges import EDGE_FILTERS, edges


def grey(rows):
    return np.repeat(np.array(rows, np.uint8)[..., None], 3, axis=2)


# 6x6, bright at the left: only the two windows over the step answer, 3 * 10 of at most 3 * 255: 127.5 + 30 / 6 = 132.5.
def test_a_step_from_bright_to_dark_is_white_where_it_is():
    picture = edges(grey(np.tile([10, 10, 10, 0, 0, 0], (6, 1))), EDGE_FILTERS["plain, vertical"])
    np.testing.assert_array_equal(picture[3, :, 0], [128, 128, 132, 132, 128, 128])


@pytest.mark.parametrize("name", EDGE_FILTERS)
def test_the_strongest_edges_are_white_and_black(name):
    bright_first = np.zeros((8, 8), np.uint8)
    bright_first[:, :4] = 255
    if name.endswith("horizontal"):
        bright_first = bright_first.T
    found = edges(grey(bright_first), EDGE_FILTERS[name])
    assert found.max() == 255 and edges(grey(255 - bright_first), EDGE_FILTERS[name]).min() == 0
    assert found.shape == (8, 8, 3) and np.unique(found).tolist() == [128, 255]


def test_the_other_direction_is_not_seen():
    stripes = grey(np.tile([[0], [200]], (4, 8)))
    assert np.unique(edges(stripes, EDGE_FILTERS["Sobel, vertical"])).tolist() == [128]
