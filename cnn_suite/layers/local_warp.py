"""Elastic, bounded local warp as a layer: random deformation of pictures in training."""

import keras
from keras import ops

from cnn_suite.ops.local_warp import displacements_of, local_warp


@keras.saving.register_keras_serializable("cnn_suite")
class LocalWarp(keras.layers.Layer):
    """Deforms every picture by its own random grid in training; does nothing otherwise.

    While `3 * largest * cells` stays below 1 the picture cannot fold over itself.

    Shapes: `(batch, height, width, channels)` to the same, sides known.

    Args:
        largest: Maximum displacement of a pixel, as a fraction of the side.
        cells: Cells per side of the grid whose points are displaced.
        seed: Random seed; None for a random one.

    Raises:
        ValueError: If `largest` is not in 0..1, `cells` is below 1, or the sides of the input are not known.

    Source: Simard et al. 2003, Best Practices for Convolutional Neural Networks, section 2.
    """

    def __init__(self, largest: float = 0.05, cells: int = 4, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= largest <= 1:
            raise ValueError(f"`largest` must be a fraction of the side, 0 to 1. Received {largest}.")
        if cells < 1:
            raise ValueError(f"`cells` must be at least 1. Received {cells}.")
        self.largest = largest
        self.cells = cells
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Checks that the sides of the pictures are known."""
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                f"`{self.name}` needs pictures of a fixed size, (batch, height, width, channels). "
                f"Received {tuple(input_shape)}. Resize them first."
            )

    def call(self, images, training=None):
        """Deformed pictures in training, unchanged otherwise."""
        images = ops.cast(images, self.compute_dtype)
        if not training or self.largest == 0:
            return images
        grid = (ops.shape(images)[0], self.cells + 1, self.cells + 1, 2)
        draws = keras.random.uniform(grid, seed=self.seed_generator)
        return local_warp(images, displacements_of(draws, self.largest, images.shape[1:3]))

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Arguments of the constructor."""
        names = "largest cells seed".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
