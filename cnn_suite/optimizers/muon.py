"""Muon for convolutions: steps are made orthogonal, so that no direction of a kernel learns faster than another."""

import re

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class ConvolutionMuon(keras.optimizers.Muon):
    """`keras.optimizers.Muon` for the kernels of convolutions; everything else takes steps of AdamW.

    Keras's own takes matrices alone, which in a convolutional network are dense layers, mostly its heads. Here a kernel
    `(height, width, channels, filters)` is taken as the matrix `(height * width * channels, filters)`.

    Args:
        learning_rate: A number or a schedule.
        weight_decay: Fraction of every weight, times the learning rate, that each step takes away; None for none.
        rms_rate: Root mean square of a kernel's step, times the learning rate. Adam's steps have 0.2 to 0.4; with 0.6
            its rates serve, and style networks learn faster than with 0.2.
        **kwargs: What else `keras.optimizers.Muon` takes.

    Source: Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks; the scale is that of Liu et al.
    2025, Muon is Scalable for LLM Training, equation 4.
    """

    def __init__(self, learning_rate=0.001, *, weight_decay=0.004, rms_rate=0.6, **kwargs):
        kwargs = {"adam_weight_decay": weight_decay, **kwargs}
        super().__init__(learning_rate, weight_decay=weight_decay, rms_rate=rms_rate, **kwargs)

    def _should_use_adamw(self, variable):
        """Whether a variable is no kernel of a convolution over channels, or of an excluded layer."""
        is_kernel = len(variable.shape) >= 3 and variable.shape[-1] > 1
        return not is_kernel or any(re.search(keyword, variable.path) for keyword in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x, steps):
        """The nearest orthogonal matrix to a kernel, in the kernel's shape."""
        return ops.reshape(super().zeropower_via_newtonschulz5(_matrix(x), steps), x.shape)

    def lr_adjust(self, x):
        """The step with the length of one of Adam, whatever the shape of the kernel."""
        return ops.reshape(super().lr_adjust(_matrix(x)), x.shape)


def _matrix(kernel):
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
