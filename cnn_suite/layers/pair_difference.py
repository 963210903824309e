"""Comparison of two encodings: elementwise, as input of a logistic unit, or as a single distance."""

import keras
from keras import ops

from cnn_suite.ops.embeddings import MEASURES, paired_distances

KINDS = ("absolute", "squared", "chi_square")


class _OfTwo(keras.layers.Layer):
    """Base class of layers of two encodings of the same shape."""

    def build(self, input_shape):
        """Checks that there are two inputs of the same shape."""
        shapes = [tuple(shape) for shape in input_shape] if isinstance(input_shape[0], (list, tuple)) else []
        if len(shapes) != 2 or shapes[0][1:] != shapes[1][1:]:
            raise ValueError(
                f"`{self.name}` takes a list of two encodings of the same size. "
                f"Received shapes {shapes or tuple(input_shape)}."
            )
        self.built = True

    def _both(self, pair):
        precise = keras.backend.result_type(pair[0].dtype, "float32")  # float16 has no room for squares and epsilon
        return (ops.cast(x, precise) for x in pair)


@keras.saving.register_keras_serializable("cnn_suite")
class PairDifference(_OfTwo):
    """Elementwise difference of two encodings f1 and f2, given as a list.

    "absolute":    |f1 - f2|
    "squared":     (f1 - f2)^2
    "chi_square":  (f1 - f2)^2 / (|f1| + |f2| + epsilon)

    The chi-square similarity is (f1 - f2)^2 / (f1 + f2) and made for numbers that are not negative, as those after a
    ReLU; for them the absolute values change nothing. Without them a sum of unlike signs could be 0 or negative.
    Computed in float32 at least.

    Args:
        kind: "absolute", "squared" or "chi_square".
        epsilon: Chi-square: keeps 0 / 0 away where both numbers are 0; the result and its gradient are 0 there.

    Shapes: a list of two `(batch, size)` to `(batch, size)`.

    Raises:
        ValueError: If the kind is unknown, epsilon is not positive, or there are not two encodings of the same size.

    Source: Taigman et al. 2014, DeepFace, sections 4.1 (weighted chi-square) and 4.2 (siamese network, |f1 - f2|).
    """

    def __init__(self, kind: str = "absolute", epsilon: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received {kind!r}.")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive; otherwise 0 / 0 gives NaN. Received {epsilon}.")
        self.kind, self.epsilon = kind, epsilon

    def call(self, pair):
        """The differences."""
        first, second = self._both(pair)
        difference = ops.abs(first - second) if self.kind == "absolute" else ops.square(first - second)
        if self.kind == "chi_square":
            difference = difference / (ops.abs(first) + ops.abs(second) + self.epsilon)
        return ops.cast(difference, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """As either input."""
        return tuple(input_shape[0])

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "kind": self.kind, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("cnn_suite")
class PairDistance(_OfTwo):
    """The distance of two encodings: d(x1, x2) = ||f(x1) - f(x2)||^2, or another measure.

    Args:
        measure: "squared", "euclidean" or "cosine", as of `cnn_suite.ops.embeddings.pairwise_distances`.

    Shapes: a list of two `(batch, size)` to `(batch, 1)`.

    Raises:
        ValueError: If the measure is unknown, or there are not two encodings of the same size.

    Source: Taigman et al. 2014, DeepFace, section 4; Schroff et al. 2015, FaceNet, section 3.
    """

    def __init__(self, measure: str = "squared", **kwargs):
        super().__init__(**kwargs)
        if measure not in MEASURES:
            raise ValueError(f"`measure` must be one of {', '.join(MEASURES)}. Received {measure!r}.")
        self.measure = measure

    def call(self, pair):
        """The distances, one number per pair."""
        first, second = self._both(pair)
        return ops.cast(paired_distances(first, second, measure=self.measure)[:, None], self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """One number per pair."""
        return (input_shape[0][0], 1)

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "measure": self.measure}
