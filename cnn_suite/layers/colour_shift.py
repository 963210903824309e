"""AlexNet's colour augmentation as a layer: pictures shifted along the main axes of natural colours in training."""

import keras
from keras import ops

from cnn_suite.ops.pca_colour import pca_colour


@keras.saving.register_keras_serializable("cnn_suite")
class ColourShift(keras.layers.Layer):
    """Shifts the colours of every picture by random amounts in training; does nothing otherwise.

    Shapes: `(batch, height, width, 3)` to the same, RGB.

    Args:
        deviation: Standard deviation of the three draws; 0.1 in the paper.
        value_range: Smallest and largest value of a pixel.
        seed: Random seed; None for a random one.

    Raises:
        ValueError: If `deviation` is negative, `value_range` is not ascending, or the input is not RGB.

    Source: Krizhevsky et al. 2012, section 4.1.
    """

    def __init__(self, deviation: float = 0.1, value_range=(0, 255), seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if deviation < 0:
            raise ValueError(f"`deviation` must be at least 0. Received {deviation}.")
        if len(value_range) != 2 or not value_range[0] < value_range[1]:
            raise ValueError(f"`value_range` must be two numbers in ascending order. Received {value_range}.")
        self.deviation = deviation
        self.value_range = tuple(value_range)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Checks that pictures are RGB."""
        if len(input_shape) != 4 or input_shape[-1] != 3:
            raise ValueError(
                f"`{self.name}` needs RGB pictures of shape (batch, height, width, 3). Received {tuple(input_shape)}."
            )

    def call(self, images, training=None):
        """Pictures with shifted colours in training, unchanged otherwise."""
        images = ops.cast(images, self.compute_dtype)
        if not training or self.deviation == 0:
            return images
        draws = keras.random.normal((ops.shape(images)[0], 3), stddev=self.deviation, seed=self.seed_generator)
        return pca_colour(images, draws, self.value_range)

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Arguments of the constructor."""
        names = "deviation value_range seed".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
