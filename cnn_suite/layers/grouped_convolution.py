"""A convolution in groups that is fast without a GPU.

TensorFlow has no kernel for grouped convolutions on a CPU: Keras compiles them by XLA, and AlexNet's second convolution
trains twenty times slower than as two parallel convolutions, which is what is done here.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`: the same weights and numbers from one convolution per group.

    Args:
        filters: Filters of all groups together, a multiple of `groups`.
        kernel_size: One number, or height and width.
        groups: Number of groups; each maps its part of the input channels to its part of the output channels.
        **kwargs: As of `keras.layers.Conv2D`.

    Shapes: as `keras.layers.Conv2D`.

    Source: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, figure 2.
    """

    def __init__(self, filters: int, kernel_size, groups: int = 2, **kwargs):
        super().__init__(filters, kernel_size, groups=groups, **kwargs)

    def convolution_op(self, inputs, kernel):
        """The convolution without bias and activation."""
        axis = -1 if self.data_format == "channels_last" else 1
        parts = zip(ops.split(inputs, self.groups, axis), ops.split(kernel, self.groups, -1))
        outputs = [super(GroupedConv2D, self).convolution_op(x, weights) for x, weights in parts]
        return ops.concatenate(outputs, axis)
