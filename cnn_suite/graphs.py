"""A serving graph as files: SavedModel, LiteRT (float32 or with an 8-bit body), ONNX."""

import contextlib
import logging
import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from cnn_suite.runtime.model_files.litert import without_chatter

ONE_PICTURE = tf.TensorSpec((1, None, None, 3), tf.uint8, name="images")
ONNX_OPSET = 17

Signatures = dict[str, Callable[..., dict[str, tf.Tensor]]]


def write_saved_model(
    model: keras.Model, signatures: dict[str, tf.types.experimental.GenericFunction], folder: Path
) -> None:
    """Writes a SavedModel that loads without cnn_suite.

    It does not use `keras.export.ExportArchive`, which saves every variable twice and traces every signature again.

    Args:
        model: The network inside the signatures, whose variables are saved.
        signatures: Name to tf.function with an input signature.
        folder: Folder to write to; saved_model.pb and variables/ of an earlier export are replaced.
    """
    module = tf.Module()
    module.network = [variable.value for variable in model.variables]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)  # loading would warn without them
    tf.saved_model.save(module, str(folder), signatures=signatures, options=options)


def litert_bytes(signatures: Signatures) -> bytes:
    """A LiteRT model with built-in operators only, whose signatures share their weights.

    The variables are frozen first: only then does the converter fold the batch norms into the convolutions.

    Args:
        signatures: Name to a function of uint8 pictures `(1, height, width, 3)`; a tf.function with an input signature
            may have further inputs.
    """
    with _converter(signatures) as converter:
        return converter.convert()


def litert_int8_bytes(signatures: Signatures, calibration: Iterable[np.ndarray], body: str) -> bytes:
    """The same LiteRT model with 8-bit weights and activations in the body of the network, float32 around it.

    Outside of the body 8 bits are too few: 256 steps over a picture of 640 px put every box 2.5 px off, and a score
    times a score has a handful of values left.

    Args:
        signatures: Name to a function of uint8 pictures `(1, height, width, 3)`.
        calibration: Pictures whose activations give the ranges, uint8 `(height, width, 3)`, all of the same size: the
            calibration plans its memory for the first.
        body: Regular expression that matches the names of the operators to quantise.

    Raises:
        ValueError: If there are no pictures, they differ in size, or no operator name matches.
    """
    pictures = list(calibration)
    sizes = sorted({picture.shape for picture in pictures})
    if len(sizes) != 1:
        raise ValueError(f"`calibration` must contain pictures of one size. Received {len(pictures)} of sizes {sizes}.")
    with _converter(signatures) as converter, _without_quantizer_notes():
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            (name, _example(function, picture)) for name, function in signatures.items() for picture in pictures
        )
        quantizer = tf.lite.experimental.QuantizationDebugger(converter=converter)
        names = _tensor_names(quantizer.calibrated_model)
        kept_float = [name for name in names if not re.search(body, name)]
        if len(kept_float) == len(names):
            raise ValueError(f"`body` must name a part of the graph. No operator name contains {body!r}.")
        quantizer.options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=kept_float)
        return quantizer.get_nondebug_quantized_model()


@contextlib.contextmanager
def _converter(signatures: Signatures) -> Iterator[tf.lite.TFLiteConverter]:
    module = tf.Module()
    for name, function in signatures.items():
        setattr(module, name, _frozen(function))
    functions = {name: getattr(module, name) for name in signatures}
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # a constant has none to save
    with tempfile.TemporaryDirectory() as folder, _without_gradient_notes():
        tf.saved_model.save(module, folder, signatures=functions, options=options)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        yield converter


def _inputs(function: Callable[..., dict[str, tf.Tensor]]) -> Sequence[tf.TensorSpec]:
    return getattr(function, "input_signature", None) or [ONE_PICTURE]


def _example(function: Callable[..., dict[str, tf.Tensor]], picture: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs for a calibration; those beside the picture are weights, taken as equal."""
    _, *more = _inputs(function)
    return {"images": picture[None]} | {spec.name: np.full(spec.shape, 1 / spec.shape[0], np.float32) for spec in more}


def _frozen(function: Callable[..., dict[str, tf.Tensor]]) -> tf.types.experimental.GenericFunction:
    inputs = _inputs(function)
    traced = tf.function(function).get_concrete_function(*inputs)
    constant = convert_variables_to_constants_v2(traced)
    names = sorted(traced.structured_outputs)  # the order in which a function flattens a dictionary

    @tf.function(input_signature=inputs)
    def frozen(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, constant(*tensors), strict=True))

    return frozen


def _tensor_names(model: bytes) -> list[str]:
    interpreter = Interpreter(model_content=model)
    graphs = range(interpreter.num_subgraphs())
    return sorted({tensor["name"] for graph in graphs for tensor in interpreter.get_tensor_details(graph)})


@contextlib.contextmanager
def _without_gradient_notes() -> Iterator[None]:
    """Suppresses notes that an inference graph has no gradients; all other output is passed on."""
    log = logging.getLogger("absl")

    def other(record: logging.LogRecord) -> bool:
        return "unsaved custom gradients" not in record.getMessage()

    log.addFilter(other)
    try:
        yield
    finally:
        log.removeFilter(other)


@contextlib.contextmanager
def _without_quantizer_notes() -> Iterator[None]:
    """Suppresses the converter's notes about its deprecated interpreter and its arguments."""
    with warnings.catch_warnings(), without_chatter(b"fully_quantize:"):
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
        yield


def check_onnx_installed() -> None:
    """Raises an error before any work is done if the libraries for the export to ONNX are missing.

    Raises:
        ImportError: If the `onnx` extra is not installed.
    """
    missing = [name for name in ("tf2onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"The export to ONNX needs {' and '.join(missing)}: `pip install 'cnn_suite[onnx]'`, or remove onnx from "
            "the formats."
        )


def write_onnx(function: Callable[[tf.Tensor], dict[str, tf.Tensor]], path: Path) -> None:
    """Writes one signature as ONNX.

    Args:
        function: Of pictures `(1, height, width, 3)`; it is given them as float32, as tf2onnx converts no padding of
            bytes that a runtime would accept.
        path: File to write.

    Raises:
        ImportError: If the `onnx` extra is not installed.
    """
    check_onnx_installed()
    import tf2onnx

    @tf.function
    def of_floats(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return function(tf.cast(images, tf.float32))

    specification: Sequence[tf.TensorSpec] = [ONE_PICTURE]
    tf2onnx.convert.from_function(of_floats, specification, opset=ONNX_OPSET, output_path=str(path))
