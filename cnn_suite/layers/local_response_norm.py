"""Local response normalisation of AlexNet: a response is damped by strong responses of its neighbouring channels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class LocalResponseNormalization(keras.layers.Layer):
    """`x / (bias + alpha * sum of x² over the channels within radius) ** beta`, at every pixel by itself.

    The window is cut off at the first and the last channel. Computed in float32 at least: squares of float16 overflow
    from 256 on.

    Args:
        radius: Channels on each side of a channel that belong to its window; the paper's n is `2 * radius + 1`.
        bias: The paper's k.
        alpha: Factor of the sum of squares, not divided by n (Caffe divides).
        beta: Exponent.

    Shapes: `(..., channels)` to the same.

    Raises:
        ValueError: If radius or alpha or beta is negative, or bias is not positive.

    Source: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 3.3, with
    k = 2, n = 5, alpha = 1e-4 and beta = 0.75 as there.
    """

    def __init__(self, radius: int = 2, bias: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(radius, int) or radius < 0:
            raise ValueError(f"`radius` must be a whole number of channels, at least 0. Received {radius!r}.")
        if bias <= 0 or alpha < 0 or beta < 0:
            raise ValueError(
                "`bias` must be positive and `alpha` and `beta` must not be negative; otherwise the denominator can "
                f"become 0. Received bias={bias}, alpha={alpha}, beta={beta}."
            )
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta
        self.supports_masking = True

    def call(self, x):
        """The normalised responses."""
        precise = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        damping = (self.bias + self.alpha * self._sum_over_window(ops.square(precise))) ** self.beta
        return ops.cast(precise / damping, x.dtype)

    def _sum_over_window(self, x):
        channels = x.shape[-1]
        radius = min(self.radius, channels - 1)  # a wider window holds nothing more
        padded = ops.pad(x, [[0, 0]] * (len(x.shape) - 1) + [[radius, radius]])
        total = padded[..., :channels]
        for start in range(1, 2 * radius + 1):
            total = total + padded[..., start : start + channels]
        return total

    def compute_output_shape(self, input_shape):
        """As the input."""
        return input_shape

    def get_config(self):
        """Arguments of the constructor."""
        return {
            **super().get_config(),
            "radius": self.radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
        }
