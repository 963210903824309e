"""Pieces glued onto a square: what they cover, their sizes and shapes, chance."""

import numpy as np
import pytest

from cnn_suite.data.collage import glue_pieces


def bright(side):
    return np.full((side, side, 3), 200, np.uint8)


def glued(seed=0, size=64, piece=bright):
    square = np.full((size, size, 3), 100, np.uint8)
    glue_pieces(square, piece, np.random.default_rng(seed))
    return square


def test_a_part_is_covered_and_the_rest_stays():
    covered = [np.mean(glued(seed) == 200) for seed in range(50)]
    assert 0.1 < np.mean(covered) < 0.8
    assert min(covered) < 0.2 and max(covered) > 0.5


# Half covered cells are at the edges of pieces; in between nothing else can come of 100 and 200.
def test_edges_are_smooth_and_nothing_is_brighter_or_darker_than_both():
    square = glued(size=256)
    assert square.min() >= 100 and square.max() <= 200
    between = np.mean((square > 100) & (square < 200))
    assert 0 < between < 0.15


def test_pieces_are_asked_for_in_many_sizes_small_ones_more_often():
    sides = []

    def piece(side):
        sides.append(side)
        return np.zeros((side, side, 3), np.uint8)

    for seed in range(40):
        glued(seed, 192, piece)
    assert 4 * 40 <= len(sides) <= 24 * 40
    assert min(sides) >= 12 and max(sides) <= 128
    assert np.mean(np.array(sides) < 40) == pytest.approx(np.log(40 / 12) / np.log(128 / 12), abs=0.08)


# Of a piece whose levels are its rows, what is seen keeps them: a column of it rises by one a row.
def test_a_piece_is_cut_not_resized():
    def rows(side):
        return np.broadcast_to(100 + np.arange(side, dtype=np.uint8)[:, None, None], (side, side, 3))

    square = glued(1, 96, rows).astype(int)
    steps = np.diff(square[..., 0], axis=0)
    inside = (square[:-1, :, 0] > 104) & (square[1:, :, 0] > 104)
    assert inside.sum() > 300
    assert np.mean(steps[inside] == 1) > 0.75  # the others are at edges


@pytest.mark.parametrize("size", [1, 2, 7, 33])
def test_squares_of_any_size_keep_theirs(size):
    for seed in range(5):
        assert glued(seed, size).shape == (size, size, 3)


def test_the_same_chance_gives_the_same_pieces():
    np.testing.assert_array_equal(glued(3), glued(3))
    assert (glued(3) != glued(4)).any()
