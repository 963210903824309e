"""The benchmark inside its new process: `python -m cnn_suite.benchmark_process TASK` with the task as JSON.

It imports the one runtime it measures and nothing else heavy: the LiteRT process never sees TensorFlow.
Prints its results as one JSON line, the last line on stdout.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

RUNTIME_FILES = {
    "litert": "model.tflite",
    "litert_int8": "model.int8.tflite",
    "saved_model": "saved_model.pb",
    "keras": "model.keras",
    "onnx": "model.onnx",
}

Call = Callable[[], Any]


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Open the model, time the first, warm-up and counted calls, and describe the measurement."""
    _hold_to_processors(task["threads"])
    openers = {
        "litert": _open_litert,
        "litert_int8": _open_litert,
        "saved_model": _open_saved_model,
        "keras": _open_keras,
        "onnx": _open_onnx,
    }
    file = Path(task["folder"]) / RUNTIME_FILES[task["runtime"]]
    call, shape = openers[task["runtime"]](file, task["size_hw"], task["threads"])
    first_ms = _milliseconds(call)
    start_up_s = time.time() - task["started"]
    for _ in range(task["warm_up"] - 1):
        call()
    latencies = np.array([_milliseconds(call) for _ in range(task["repeats"])])
    return {
        "input_shape": [int(extent) for extent in shape],
        "latency_ms": _summary(latencies),
        "throughput_per_s": float(shape[0] * 1000.0 / latencies.mean()),
        "first_call_ms": first_ms,
        "start_up_s": start_up_s,
        "peak_memory_mib": _peak_memory_mib(),
        "file_mib": _file_mib(file),
        "repeats": task["repeats"],
        "tensorflow_imported": "tensorflow" in sys.modules,
    }


def _open_litert(file: Path, size_hw: Sequence[int], threads: int) -> tuple[Call, Sequence[int]]:
    """Prepare the LiteRT file's `serving_default` on a random picture."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=threads)
    signatures = interpreter.get_signature_list()
    if "serving_default" not in signatures:
        raise ValueError(f"{file.name} needs the signature serving_default. It has {', '.join(signatures) or 'none'}.")
    runner = interpreter.get_signature_runner("serving_default")
    inputs = {
        name: _random_input(_concrete(details["shape_signature"], size_hw), details["dtype"])
        for name, details in runner.get_input_details().items()
    }
    return lambda: runner(**inputs), next(iter(inputs.values())).shape


def _open_saved_model(file: Path, size_hw: Sequence[int], threads: int) -> tuple[Call, Sequence[int]]:
    """Prepare the SavedModel's `serving_default` on a random picture."""
    tf = _tensorflow(threads)
    loaded = tf.saved_model.load(str(file.parent))
    serve = loaded.signatures["serving_default"]
    inputs = {
        name: tf.constant(_random_input(_concrete(spec.shape.as_list(), size_hw), spec.dtype.as_numpy_dtype))
        for name, spec in serve.structured_input_signature[1].items()
    }

    def call() -> Any:
        # `loaded` stays referenced: its variables die with it while `serve` lives on.
        return loaded and {name: output.numpy() for name, output in serve(**inputs).items()}

    return call, next(iter(inputs.values())).shape


def _open_keras(file: Path, size_hw: Sequence[int], threads: int) -> tuple[Call, Sequence[int]]:
    """Prepare the .keras file's network, compiled by tf.function, at its own input size."""
    tf = _tensorflow(threads)
    import keras

    from cnn_suite.trained import load_trained

    ours = (file.parent / "config.yaml").is_file()
    model = load_trained(file).model if ours else keras.models.load_model(file, compile=False)
    images = tf.constant(_random_input(_concrete(model.inputs[0].shape, size_hw), np.float32))
    forward = tf.function(lambda images: model(images, training=False))
    return lambda: tf.nest.map_structure(lambda output: output.numpy(), forward(images)), images.shape


def _open_onnx(file: Path, size_hw: Sequence[int], threads: int) -> tuple[Call, Sequence[int]]:
    """Prepare the ONNX file on a random picture."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    types = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
    inputs = {
        value.name: _random_input(
            _concrete([extent if isinstance(extent, int) else -1 for extent in value.shape], size_hw), types[value.type]
        )
        for value in session.get_inputs()
    }
    return lambda: session.run(None, inputs), next(iter(inputs.values())).shape


def _tensorflow(threads: int) -> Any:
    """Import TensorFlow with its thread pools set before anything uses them."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def _concrete(shape: Sequence[int | None], size_hw: Sequence[int]) -> tuple[int, ...]:
    """Fill a shape's open extents: 1 for the batch, then the picture's height and width."""
    fillers = [1, *size_hw]
    extents = [fillers[min(axis, 2)] if extent is None or extent < 0 else extent for axis, extent in enumerate(shape)]
    return tuple(int(extent) for extent in extents)


def _random_input(shape: Sequence[int], dtype: Any) -> np.ndarray:
    """Make reproducible random values in 0..255, the range of a model's input."""
    return np.random.default_rng(0).integers(0, 256, size=shape).astype(dtype)


def _milliseconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000.0


def _summary(latencies: np.ndarray) -> dict[str, float]:
    """Reduce latencies to mean, minimum and percentiles."""
    named = {"median": 50, "p90": 90, "p95": 95, "p99": 99}
    figures = {"mean": float(latencies.mean()), "minimum": float(latencies.min())}
    return figures | {name: float(np.percentile(latencies, percent)) for name, percent in named.items()}


def _hold_to_processors(count: int) -> None:
    """Restrict this process to as many processors as it has threads, if the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def _peak_memory_mib() -> float:
    """Read the largest resident memory of this process.

    On Linux from /proc: `getrusage` there still counts the parent's memory when the process was started by vfork.
    """
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
    if peak:
        return int(peak.group(1)) / 1024
    import resource

    unit = 2**20 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _file_mib(file: Path) -> float:
    """Total size of what the runtime reads: one file, or a SavedModel with its variables."""
    files = [file, *((file.parent / "variables").glob("*") if file.name == "saved_model.pb" else [])]
    return sum(part.stat().st_size for part in files) / 2**20


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
