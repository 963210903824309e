"""Optimisers with a learning rate factor per layer.

A factor on the gradient would have no effect in Adam, which normalises it away; here it scales the step.

Source: Howard & Ruder 2018, Universal Language Model Fine-tuning, section 3.2, discriminative fine-tuning.
"""

from collections.abc import Mapping

import keras
from keras import ops

from cnn_suite.optimizers.muon import ConvolutionMuon


class _LayerRates:
    """Factors by layer, as a mix-in before a Keras optimiser.

    Args:
        layer_rates: Name of a layer to the factor of its learning rate; 1 for layers that are not named.
    """

    def __init__(self, *args, layer_rates: Mapping[str, float] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.layer_rates = dict(layer_rates or {})

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable, at its layer's rate."""
        super().update_step(gradient, variable, learning_rate * self._factor(variable))  # type: ignore[misc]

    def _apply_weight_decay(self, variables):
        """Decay is a step too: rate times decay."""
        before = [ops.copy(variable) for variable in variables]
        super()._apply_weight_decay(variables)  # type: ignore[misc]
        for variable, old in zip(variables, before):
            variable.assign(old + self._factor(variable) * (variable - old))

    def _factor(self, variable) -> float:
        path = self._trainable_variables[self._get_variable_index(variable)].path  # type: ignore[attr-defined]
        return next((self.layer_rates[part] for part in path.split("/") if part in self.layer_rates), 1.0)

    def get_config(self) -> dict:
        """The optimiser's own, and the factors."""
        return {**super().get_config(), "layer_rates": self.layer_rates}  # type: ignore[misc]


@keras.saving.register_keras_serializable("cnn_suite")
class LayerRatesSGD(_LayerRates, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with a factor of the rate for every layer."""


@keras.saving.register_keras_serializable("cnn_suite")
class LayerRatesAdamW(_LayerRates, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a factor of the rate for every layer."""


@keras.saving.register_keras_serializable("cnn_suite")
class LayerRatesMuon(_LayerRates, ConvolutionMuon):
    """`ConvolutionMuon` with a factor of the rate for every layer."""
