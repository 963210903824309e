"""How many multiply-adds one call of a layer costs: multiplications of a weight of a kernel with a value.

Additions of biases, norms, poolings, activations and products of values with values (attention's scores) are not
counted, as in the papers.
"""

import math
from collections.abc import Sequence

from keras import layers

Shape = Sequence[int]


def counted_whole(layer: layers.Layer) -> bool:
    """Whether a layer's sum includes that of the layers which it calls: a recurrent one calls its cell in a loop."""
    if isinstance(layer, layers.TimeDistributed):
        return counted_whole(layer.layer)
    return isinstance(layer, layers.RNN)


def multiply_adds(layer: layers.Layer, inputs: Shape, outputs: Shape) -> int:
    """Multiply-adds of one call.

    Every weight of a kernel is used once for every place of the output (of the input, where it is transposed), and a
    recurrent layer's once more for every step.

    Args:
        layer: A built layer.
        inputs: Shape of its first input, without the batch axis.
        outputs: Shape of its first output, without the batch axis.

    Raises:
        ValueError: If it is a recurrent layer whose cell is of an unknown kind.
    """
    if isinstance(layer, layers.TimeDistributed):
        return inputs[0] * multiply_adds(layer.layer, inputs[1:], outputs[1:])
    if isinstance(layer, layers.RNN):
        return inputs[0] * _of_a_step(layer.cell, layer, outputs)
    first = _channels_first(layer)
    places = math.prod(outputs[1:] if first else outputs[:-1])
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        return places * sum(math.prod(v.shape) for v in (layer.depthwise_kernel, layer.pointwise_kernel))
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
        return math.prod(inputs[1:] if first else inputs[:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, layers.EinsumDense):
        return math.prod(outputs) * math.prod(layer.kernel.shape) // _shared_with_output(layer)
    kernel = getattr(layer, "kernel", None)  # of convolutions, depthwise ones and dense layers
    return places * math.prod(kernel.shape) if kernel is not None else 0


def _of_a_step(cell: layers.Layer, layer: layers.RNN, outputs: Shape) -> int:
    """One step of a recurrent layer: the kernel meets the input, the recurrent kernel the state, at every place."""
    if isinstance(cell, layers.StackedRNNCells):
        return sum(_of_a_step(inner, layer, outputs) for inner in cell.cells)
    if not (hasattr(cell, "kernel") and hasattr(cell, "recurrent_kernel")):
        raise ValueError(
            f"Multiply-adds of {layer.name!r} cannot be counted: its cell {type(cell).__name__} must have `kernel` and "
            "`recurrent_kernel`, as Keras's own have."
        )
    rank = getattr(cell, "rank", 0)  # axes of the places that a ConvLSTM's cell goes over; others have one place
    end = len(outputs) - (0 if _channels_first(layer) else 1)
    places = math.prod(outputs[end - rank : end])
    return places * (math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape))


def _channels_first(layer: layers.Layer) -> bool:
    own = getattr(layer, "cell", layer)
    return getattr(own, "data_format", "channels_last") == "channels_first"


def _shared_with_output(layer: layers.EinsumDense) -> int:
    """Product of the kernel's axes that are axes of the output: they are in both factors."""
    _, kernel_axes, output_axes = layer.equation.replace("->", ",").split(",")
    return math.prod(size for axis, size in zip(kernel_axes, layer.kernel.shape) if axis in output_axes)
