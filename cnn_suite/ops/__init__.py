"""Pure functions of tensors on `keras.ops`; `numpy_boxes` alone is plain NumPy, for the apps."""
