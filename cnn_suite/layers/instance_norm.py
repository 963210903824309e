"""Instance normalisation: every channel of every picture gets mean 0 and variance 1; one scale and shift per style.

A picture's own statistics, or whatever else is known of it, may change them.
"""

import keras
from keras import ops

from cnn_suite.ops.moments import picture_moments


@keras.saving.register_keras_serializable("cnn_suite")
class InstanceNorm(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance over the positions of one picture.

    With several styles the layer has a gamma and a beta for each, and a picture's own are their mixture: one network
    paints in all of them, and in what lies between them. Keras's GroupNormalization with one channel per group computes
    the same for one style; it reshapes, which costs LiteRT its fixed sizes, and it knows no mixtures.

    With a context, a vector per picture, the normalised map is first multiplied by 1 + a and shifted by b, both linear
    in the context and 0 before training.

    Args:
        styles: Number of styles.
        epsilon: Added to the variance.

    Call arguments:
        x: `(batch, height, width, channels)`.
        mixture: Weight of every style, `(batch, styles)`; None for the first.
        context: What is known of every picture, `(batch, numbers)`; None for nothing.

    Source: Ulyanov et al. 2016, Instance Normalization: The Missing Ingredient for Fast Stylization, equation 2;
    Dumoulin et al. 2017, A Learned Representation for Artistic Style, equation 5 and section 3.2; for the context Jia,
    Chen & Chen 2019, Instance-Level Meta Normalization.
    """

    def __init__(self, styles: int = 1, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        if int(styles) != styles or styles < 1:
            raise ValueError(f"`styles` must be a whole number of at least 1. Received {styles}.")
        self.styles = int(styles)
        self.epsilon = epsilon

    def build(self, x_shape, mixture_shape=None, context_shape=None):
        """Creates one scale and one shift per style and channel, and with a context what changes them."""
        shape = (self.styles, x_shape[-1])
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        self.context_kernel = None
        if context_shape is not None:
            shape = (context_shape[-1], 2 * x_shape[-1])
            self.context_kernel = self.add_weight(shape=shape, initializer="zeros", name="context_kernel")

    def call(self, x, mixture=None, context=None):
        """The normalised map. In half precision only the sums over the picture, which are too long for it, are not."""
        gamma, beta = self._of(self.gamma, mixture), self._of(self.beta, mixture)
        if context is not None:
            times, plus = self._changes(context)
            gamma, beta = gamma * (1.0 + times), beta + gamma * plus
        mean, variance = picture_moments(x)
        scale = gamma * ops.rsqrt(variance + self.epsilon)
        shift = beta - mean * scale
        return x * ops.cast(scale, x.dtype) + ops.cast(shift, x.dtype)

    def _of(self, table, mixture):
        """What the mixture makes of the styles' rows, `(batch or 1, 1, 1, channels)`."""
        table = ops.cast(table, "float32")
        rows = table[:1] if mixture is None else ops.matmul(ops.cast(mixture, table.dtype), table)
        return rows[:, None, None, :]

    def _changes(self, context):
        """What the context makes of scale and shift, each `(batch, 1, 1, channels)`."""
        changes = ops.matmul(ops.cast(context, "float32"), ops.cast(self.context_kernel, "float32"))
        return ops.split(changes[:, None, None, :], 2, axis=-1)

    def compute_output_shape(self, x_shape, mixture_shape=None, context_shape=None):
        """The shape of the map."""
        return x_shape

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "styles": self.styles, "epsilon": self.epsilon}
