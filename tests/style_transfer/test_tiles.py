"""Windows of a picture: that together they see every position of every map exactly once, and all that it looks at."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_suite.style_transfer.tiles import Span, windows


def spans_of(side, tile, stride, reach):
    return [window.rows for window in windows((side, 1), tile, stride, reach)]


# Stride 4, reach 5: windows overlap by 8 for the reach and 4 more; 8 of their own: 8 + 2 * 12 = 32 long, and 2 more, as
# 50 is 4 * 12 + 2. The last begins at 50 - 34 = 16.
def test_fifty_pixels_by_hand():
    assert spans_of(50, 8, 4, 5) == [
        Span(0, 34, 0, 8),
        Span(0, 34, 8, 16),
        Span(4, 38, 16, 24),
        Span(12, 46, 24, 32),
        Span(16, 50, 32, None),
    ]


# Positions of stride 2 from pixel 16 and 24 on, seen from 4: numbers 6 to 9. Of stride 4: 3 and 4. Of a map that ends
# before them: none.
def test_own_positions_are_counted_in_the_window():
    span = Span(4, 38, 16, 24)
    assert span.own(2, 16) == (6, 10)
    assert span.own(4, 8) == (3, 5)
    assert span.own(4, 2) == (2, 2)
    assert Span(16, 50, 32, None).own(4, 8) == (4, 8)


def test_small_pictures_and_no_tile_are_one_window():
    for size_hw, tile in (((500, 700), 0), ((32, 20), 8), ((1, 1), 512)):
        (window,) = windows(size_hw, tile, 4, 5)
        assert window == (Span(0, size_hw[0], 0, None), Span(0, size_hw[1], 0, None))


def test_a_side_may_be_cut_and_the_other_not():
    found = windows((30, 50), 8, 4, 5)
    assert {window.rows for window in found} == {Span(0, 30, 0, None)}
    assert [window.columns for window in found] == spans_of(50, 8, 4, 5)


def test_windows_come_row_by_row():
    found = windows((50, 60), 8, 4, 5)
    rows, columns = spans_of(50, 8, 4, 5), spans_of(60, 8, 4, 5)
    assert found == [(row, column) for row in rows for column in columns]


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 700), st.integers(0, 120), st.sampled_from([1, 2, 4, 8, 16]), st.integers(0, 60))
def test_own_parts_are_a_partition_and_see_all_they_look_at(side, tile, stride, reach):
    spans = spans_of(side, tile, stride, reach)
    assert len({span.end - span.start for span in spans}) == 1
    assert spans[0].own_start == 0 and spans[-1].own_end is None and spans[-1].end == side
    assert [span.own_end for span in spans[:-1]] == [span.own_start for span in spans[1:]]
    for span in spans:
        own_end = side if span.own_end is None else span.own_end
        assert 0 <= span.start <= span.own_start < own_end <= span.end <= side
        assert span.start % stride == span.own_start % stride == 0
        assert span.start == 0 or span.own_start - span.start >= reach + stride
        assert span.end == side or span.end - own_end >= reach + stride
        assert (span.end - span.start) % stride == side % stride or len(spans) == 1  # padding falls alike


@settings(max_examples=300, deadline=None)
@given(st.integers(60, 700), st.integers(1, 120), st.sampled_from([1, 2, 4, 8]), st.integers(1, 40), st.data())
def test_every_position_of_every_unpadded_map_belongs_to_one_window(side, tile, stride, size, data):
    of_map = data.draw(st.sampled_from([step for step in (1, 2, 4, 8) if step <= stride]))
    whole, found = (side - size) // of_map + 1, []
    for span in spans_of(side, tile, stride, size - 1):
        first, last = span.own(of_map, (span.end - span.start - size) // of_map + 1)
        found += range(span.start // of_map + first, span.start // of_map + last)
    assert found == list(range(whole))
