"""One group of a feature map's channels, as CSP networks split them."""

import keras


@keras.saving.register_keras_serializable("cnn_suite")
class ChannelGroup(keras.layers.Layer):
    """Group `group` of `groups` equal parts of the channels: `(..., channels)` to `(..., channels / groups)`.

    Args:
        groups: Number of parts; must divide the number of channels.
        group: Index of the part, from 0.

    Source: Darknet's route_layer.c, groups and group_id; Wang et al. 2019, CSPNet, figure 3.
    """

    def __init__(self, groups: int, group: int, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= group < groups:
            raise ValueError(f"`group` must be from 0 to {groups - 1}, one of `groups`. Received {group}.")
        self.groups = int(groups)
        self.group = int(group)

    def build(self, input_shape):
        """Checks that the number of channels is divisible."""
        if input_shape[-1] % self.groups:
            raise ValueError(f"`groups` must divide the {input_shape[-1]} channels. Received {self.groups}.")

    def call(self, x):
        """The chosen channels."""
        size = x.shape[-1] // self.groups
        return x[..., self.group * size : (self.group + 1) * size]

    def compute_output_shape(self, input_shape):
        """Shape of the chosen channels."""
        return (*input_shape[:-1], input_shape[-1] // self.groups)

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "groups": self.groups, "group": self.group}
