"""The inception module of GoogLeNet: parallel convolutions of three sizes and a pooling, concatenated by channels.

With 1x1 convolutions before the large ones ("bottlenecks") it costs a tenth of the naive form, which is here too.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class InceptionModule(keras.layers.Layer):
    """Four branches over one input: 1x1; 1x1 and 3x3; 1x1 and 5x5; 3x3 max pooling and 1x1; concatenated by channels.

    Its inner tensors can be reached by name through `tensors`: 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool, pool_proj,
    out; those of convolutions are after their activation.

    Args:
        filters_1x1: Filters of the 1x1 branch.
        reduce_3x3: Filters of the 1x1 convolution before the 3x3 one; 0 or None for none (the naive form).
        filters_3x3: Filters of the 3x3 convolution.
        reduce_5x5: Filters of the 1x1 convolution before the 5x5 one; 0 or None for none.
        filters_5x5: Filters of the 5x5 convolution.
        pool_projection: Filters of the 1x1 convolution after the pooling; 0 or None for none: then all channels of the
            input go out as well.
        activation: Name of the Keras activation after every convolution.

    Shapes: `(batch, height, width, channels)` to `(batch, height, width, filters_1x1 + filters_3x3 + filters_5x5 +
    pool_projection)`.

    Raises:
        ValueError: If a number of filters is invalid.

    Source: Szegedy et al. 2014, Going Deeper with Convolutions, figure 2: (a) naive, (b) with dimension reductions.
    Convolutions have biases and there is no batch norm, as there.
    """

    def __init__(
        self,
        filters_1x1: int,
        reduce_3x3: int | None,
        filters_3x3: int,
        reduce_5x5: int | None,
        filters_5x5: int,
        pool_projection: int | None,
        activation: str = "relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters_1x1, self.filters_3x3, self.filters_5x5 = filters_1x1, filters_3x3, filters_5x5
        self.reduce_3x3, self.reduce_5x5 = reduce_3x3 or 0, reduce_5x5 or 0
        self.pool_projection, self.activation = pool_projection or 0, activation
        self._check_filters()
        plan = {
            "1x1": (filters_1x1, 1),
            "3x3_reduce": (self.reduce_3x3, 1),
            "3x3": (filters_3x3, 3),
            "5x5_reduce": (self.reduce_5x5, 1),
            "5x5": (filters_5x5, 5),
            "pool_proj": (self.pool_projection, 1),
        }
        self.convolutions = {name: self._convolution(name, *row) for name, row in plan.items() if row[0]}
        self.pool = keras.layers.MaxPooling2D(3, 1, padding="same", name="pool", dtype=self.dtype_policy)

    def _check_filters(self) -> None:
        smallest = {"filters_1x1": 1, "reduce_3x3": 0, "filters_3x3": 1}
        smallest |= {"reduce_5x5": 0, "filters_5x5": 1, "pool_projection": 0}
        for argument, least in smallest.items():
            filters = getattr(self, argument)
            if not isinstance(filters, int) or filters < least:
                raise ValueError(
                    f"`{argument}` of an inception module must be a whole number of filters, at least {least}"
                    f"{' (0 for none)' if least == 0 else ''}. Received {filters!r}."
                )

    def _convolution(self, name: str, filters: int, kernel: int) -> keras.layers.Conv2D:
        return keras.layers.Conv2D(
            filters,
            kernel,
            padding="same",
            activation=self.activation,
            kernel_initializer="he_normal",
            name=name,
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        """Builds every convolution on what comes before it."""
        reduced = {"3x3": self.reduce_3x3, "5x5": self.reduce_5x5}
        for name, convolution in self.convolutions.items():
            convolution.build((*input_shape[:-1], reduced.get(name) or input_shape[-1]))

    def call(self, x, training=None):
        """The concatenated branches."""
        return self.tensors(x, training=training)["out"]

    def tensors(self, x, training=None) -> dict:
        """Every tensor between the module's input and its output, by name, in order; `training` changes nothing."""
        found = {"1x1": self.convolutions["1x1"](x)}
        for size in ("3x3", "5x5"):
            y = x
            if f"{size}_reduce" in self.convolutions:
                found[f"{size}_reduce"] = y = self.convolutions[f"{size}_reduce"](x)
            found[size] = self.convolutions[size](y)
        found["pool"] = pooled = self.pool(x)
        if "pool_proj" in self.convolutions:
            found["pool_proj"] = pooled = self.convolutions["pool_proj"](pooled)
        found["out"] = ops.concatenate([found["1x1"], found["3x3"], found["5x5"], pooled], axis=-1)
        return found

    def compute_output_shape(self, input_shape):
        """As `call`."""
        pooled = self.pool_projection or input_shape[-1]
        return (*input_shape[:-1], self.filters_1x1 + self.filters_3x3 + self.filters_5x5 + pooled)

    def get_config(self):
        """Arguments of the constructor."""
        names = "filters_1x1 reduce_3x3 filters_3x3 reduce_5x5 filters_5x5 pool_projection activation".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
