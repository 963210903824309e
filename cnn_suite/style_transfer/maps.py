"""Where a picture's windows lie in its feature maps: whose each position is, and what masks and photos show there.

A picture in one piece is one window, whose own positions are all there are.
"""

import numpy as np
import tensorflow as tf

from cnn_suite.runtime.media.picture_arrays import resized
from cnn_suite.style_transfer.perception import Perception
from cnn_suite.style_transfer.tiles import Span, Window, windows

Features = dict[str, tf.Tensor]  # layer to (1, height, width, channels)


class Maps:
    """The feature maps of pictures of one size.

    Args:
        perception: What sees them.
        size_hw: Height and width of the picture.
        tile: Side of the windows in pixels; 0 for the whole picture at once.

    Attributes:
        windows: One or more.
        bounds: For every window, a layer to its own positions, counted in the window: first row and the one after the
            last, and the same of columns.

    Raises:
        ValueError: If the picture is smaller than the network can see, or the network's receptive field is not known
            and windows are asked for.
    """

    def __init__(self, perception: Perception, size_hw: tuple[int, int], tile: int = 0):
        if min(size_hw) < perception.smallest:
            raise ValueError(
                f"The picture must have sides of at least {perception.smallest} pixels for {perception.name}. "
                f"Received {size_hw[1]} x {size_hw[0]}."
            )
        self._perception, self._size_hw = perception, size_hw
        self.windows = _windows(perception, size_hw, tile)
        is_cut = len(self.windows) > 1
        self._strides = {name: perception.fields[name].stride if is_cut else 1 for name in perception.layers}
        last = self.windows[-1]  # all are of one size; this one ends where the maps do
        sides = _map_sizes(perception, (last.rows.end - last.rows.start, last.columns.end - last.columns.start))
        self.bounds = [self._bounds(window, sides) for window in self.windows]
        self._sizes = {name: tuple(np.add(self._place(last, name), side)) for name, side in sides.items()}
        self._content = tf.function(self._content_layers)

    def cut(self, picture: tf.Tensor, window: Window) -> tf.Tensor:
        """What a window shows of a picture."""
        return picture[:, window.rows.start : window.rows.end, window.columns.start : window.columns.end]

    def own(self, part: tf.Tensor, bounds: dict[str, tf.Tensor]) -> Features:
        """A window's features at its own positions.

        Args:
            part: What the window shows.
            bounds: Its row of `bounds`.
        """
        features = self._perception.features(part, training=False)
        return {name: x[:, b[0] : b[1], b[2] : b[3]] for name, x in features.items() for b in (bounds[name],)}

    def contents(self, photo: np.ndarray) -> list[Features]:
        """What every window's own positions see of a photograph, in the layers of the content."""
        picture = tf.constant(photo[None], tf.float32)
        return [self._content(self.cut(picture, window), bounds) for window, bounds in zip(self.windows, self.bounds)]

    def masks(self, mask: np.ndarray | None) -> tuple[dict[str, float], list[dict[str, tf.Tensor]]]:
        """A mask at the positions of the style's layers.

        Args:
            mask: `(height, width)` of the picture's size, 0..1; None for 1 everywhere.

        Returns:
            A layer to the sum of the mask, and for every window a layer to the mask at its own positions,
            `(1, height, width)`; nothing if the mask is None.

        Raises:
            ValueError: If it has another size than the picture, or is empty.
        """
        style = self._perception.style
        if mask is None:
            return {name: float(np.prod(self._sizes[name])) for name in style}, [{} for _ in self.windows]
        _check_mask(mask, self._size_hw)
        whole = {name: resized(mask.astype(np.float32), self._sizes[name]) for name in style}
        areas = {name: max(float(x.sum()), 1e-6) for name, x in whole.items()}
        return areas, [self._cut_maps(whole, *each) for each in zip(self.windows, self.bounds)]

    def _content_layers(self, part: tf.Tensor, bounds: dict[str, tf.Tensor]) -> Features:
        return {name: x for name, x in self.own(part, bounds).items() if name in self._perception.content}

    def _bounds(self, window: Window, sides: dict[str, tuple[int, int]]) -> dict[str, tf.Tensor]:
        def own(name: str, span: Span, positions: int) -> tuple[int, int]:
            return span.own(self._strides[name], positions)

        return {
            name: tf.constant([*own(name, window.rows, height), *own(name, window.columns, width)])
            for name, (height, width) in sides.items()
        }

    def _place(self, window: Window, name: str) -> tuple[int, int]:
        """The row and the column of the whole map at which the window's begins."""
        return window.rows.start // self._strides[name], window.columns.start // self._strides[name]

    def _cut_maps(
        self, maps: dict[str, np.ndarray], window: Window, bounds: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        found = {}
        for name, whole in maps.items():
            row, column = self._place(window, name)
            top, bottom, left, right = bounds[name].numpy()
            found[name] = tf.constant(whole[None, row + top : row + bottom, column + left : column + right])
        return found


def _windows(perception: Perception, size_hw: tuple[int, int], tile: int) -> list[Window]:
    if not tile:
        return windows(size_hw, 0, 1, 0)
    fields = perception.fields.values()
    return windows(size_hw, tile, max(field.stride for field in fields), max(field.reach for field in fields))


def _map_sizes(perception: Perception, size_hw: tuple[int, int]) -> dict[str, tuple[int, int]]:
    shapes = perception.features.compute_output_shape((1, *size_hw, 3))
    return {name: (shape[1], shape[2]) for name, shape in shapes.items()}


def _check_mask(mask: np.ndarray, size_hw: tuple[int, int]) -> None:
    if mask.shape != size_hw:
        raise ValueError(
            f"A mask must have the size of the picture, {size_hw[1]} x {size_hw[0]}. "
            f"Received {' x '.join(map(str, mask.shape[::-1]))}."
        )
    if not mask.max() > 0:
        raise ValueError("A mask must not be completely black: its painting would have no effect.")
