"""A serving graph as files: SavedModel, LiteRT, ONNX."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

ONE_PICTURE = tf.TensorSpec((1, None, None, 3), tf.uint8, name="images")
ONNX_OPSET = 17


def write_saved_model(model: keras.Model, signatures: dict[str, tf.types.experimental.GenericFunction], folder: Path):
    """Writes a SavedModel that loads without cnn_suite.

    Args:
        model: The network inside of the signatures, whose variables are saved.
        signatures: Name to tf.function with an input signature; the first is `serving_default`.
        folder: Where to write; saved_model.pb and variables/ of an earlier export are replaced.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, function in signatures.items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=False)


def litert_bytes(
    signatures: dict[str, Callable[[tf.Tensor], dict[str, tf.Tensor]]],
    calibration: Iterable[np.ndarray] | None = None,
) -> bytes:
    """A LiteRT model of built-in operators whose signatures share their weights.

    The variables become constants first: only then the converter folds the batch norms into the convolutions (97
    operators instead of 1,086 for a MobileNetV2 detector, a sixth of the time).

    Args:
        signatures: Name to a function of uint8 pictures `(1, height, width, 3)`.
        calibration: Pictures to quantise to 8 bits by, uint8 `(height, width, 3)`. None keeps float32.
    """
    module = tf.Module()
    for name, function in signatures.items():
        setattr(module, name, _frozen(function))
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(
            module,
            folder,
            signatures={name: getattr(module, name) for name in signatures},
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if calibration is not None:
            pictures = list(calibration)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                (name, {"images": picture[None]}) for name in signatures for picture in pictures
            )
        return converter.convert()


def _frozen(function: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> tf.types.experimental.GenericFunction:
    traced = tf.function(function).get_concrete_function(ONE_PICTURE)
    constant = convert_variables_to_constants_v2(traced)
    names = sorted(traced.structured_outputs)  # the order in which a function flattens a dictionary

    @tf.function(input_signature=[ONE_PICTURE])
    def frozen(images):
        return dict(zip(names, constant(images), strict=True))

    return frozen


def write_onnx(function: tf.types.experimental.GenericFunction, signature: tf.TensorSpec, path: Path) -> None:
    """Writes one signature as ONNX.

    Raises:
        ImportError: If the `onnx` extra is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError("The export to ONNX needs tf2onnx: `pip install 'cnn_suite[onnx]'`.") from error
    tf2onnx.convert.from_function(function, input_signature=[signature], opset=ONNX_OPSET, output_path=str(path))
