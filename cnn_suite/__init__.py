"""cnn_suite: Keras detectors that train with `fit`, export as one SavedModel and run on a webcam."""

__version__ = "0.1.0"
