"""Cuts a picture into windows whose features, taken together, are exactly those of the whole picture.

Windows overlap by as much as a position of a feature map can see, and begin at multiples of the network's stride; each
position of each map belongs to one window. What a window computes beyond its own positions is thrown away, so that
Gram matrices, costs and gradients of a picture can be summed window by window, and no seam arises.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """A window along one side, in pixels: where it lies, and which positions are its own."""

    start: int
    end: int
    own_start: int
    own_end: int | None  # None: up to the picture's end

    def own(self, stride: int, positions: int) -> tuple[int, int]:
        """The window's own positions of a map, counted in the window: first, and one beyond the last.

        Args:
            stride: Pixels between two positions.
            positions: How many the map has along this side.
        """
        first = -(-(self.own_start - self.start) // stride)
        last = positions if self.own_end is None else -(-(self.own_end - self.start) // stride)
        return min(first, positions), min(last, positions)


class Window(NamedTuple):
    """A window of a picture."""

    rows: Span
    columns: Span


def windows(size_hw: tuple[int, int], tile: int, stride: int, reach: int) -> list[Window]:
    """Windows of a picture, row by row; all of one size.

    Args:
        size_hw: Height and width of the picture.
        tile: Pixels of a side that a window calls its own, about; 0 for the whole picture as one window.
        stride: The largest stride of the maps.
        reach: Extent of the receptive field to either side.

    Returns:
        The windows.
    """
    rows, columns = (_spans(side, tile, stride, reach) for side in size_hw)
    return [Window(row, column) for row in rows for column in columns]


def _spans(side: int, tile: int, stride: int, reach: int) -> list[Span]:
    own = _up(tile, stride)
    margin = _up(reach, stride) + stride
    length = own + 2 * margin + side % stride  # ends at the picture's end when it begins at a multiple of the stride
    if not tile or side <= length:
        return [Span(0, side, 0, None)]
    last = side - length
    begins = range(0, last + margin, own)  # of those whose window does not reach the end
    spans = [Span(max(begin - margin, 0), max(begin - margin, 0) + length, begin, begin + own) for begin in begins]
    return [*spans, Span(last, side, begins[-1] + own, None)]


def _up(pixels: int, stride: int) -> int:
    return -(-pixels // stride) * stride
