"""Losses for `compile`: each a `keras.losses.Loss` around functions of `cnn_suite.ops`."""
