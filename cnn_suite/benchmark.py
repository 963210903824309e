"""Benchmark of a model folder: latency, throughput, start-up time and memory for each runtime.

Every runtime is measured in a separate new process with a fixed number of threads, so that none is affected by what
another has loaded. The measured call is the folder's `serving_default` (from picture to result) for LiteRT, SavedModel
and ONNX, and the bare network at its own input size for the .keras file.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnn_suite.benchmark_process import RUNTIME_FILES


def benchmark_model(
    folder: str | Path,
    *,
    runtime: str = "all",
    size_hw: Sequence[int] = (480, 640),
    repeats: int = 100,
    warm_up: int = 10,
    threads: int = 2,
) -> dict[str, Any]:
    """Measure a model folder with one runtime, or with every runtime for which it has a file.

    Args:
        folder: Model folder.
        runtime: `litert`, `litert_int8`, `saved_model`, `keras`, `onnx`, or `all` for which the folder has a file.
        size_hw: Height and width of the input picture, for models that take any size.
        repeats: Number of timed calls.
        warm_up: Calls before the timed ones, the first of which is reported as `first_call_ms`.
        threads: Threads per runtime; if the system allows it, the process is also restricted to that many processors.

    Returns:
        `model`, `size_hw`, `threads`, `machine` and `runtimes`: for each runtime measured its latencies in milliseconds
        (`mean`, `minimum`, `median`, `p90`, `p95`, `p99`), `throughput_per_s`, `start_up_s` (from the start of the
        process to the first answer), `first_call_ms`, `peak_memory_mib`, `file_mib` and the input's shape.

    Raises:
        ValueError: If the runtime is unknown, its file is not in the folder, or its process fails.
    """
    folder = Path(folder)
    present = [name for name, file in RUNTIME_FILES.items() if (folder / file).exists()]
    runtimes = present if runtime == "all" else [runtime]
    _check(folder, runtimes, repeats, warm_up)
    measured = {}
    for name in runtimes:
        task = {
            "folder": str(folder),
            "runtime": name,
            "size_hw": list(size_hw),
            "repeats": repeats,
            "warm_up": warm_up,
            "threads": threads,
        }
        measured[name] = _in_fresh_process(task)
    return {
        "model": folder.resolve().name,
        "size_hw": list(size_hw),
        "threads": threads,
        "machine": {"processor": _processor(), "processors": os.cpu_count(), "system": platform.platform()},
        "runtimes": measured,
    }


def render(figures: Mapping[str, Any]) -> str:
    """Format what `benchmark_model` returns as a Markdown table with one row per runtime."""
    machine = figures["machine"]
    lines = [
        f"{figures['model']}, {figures['threads']} threads, {machine['processor']}",
        "",
        "| runtime | input | median ms | p90 | p99 | per second | start-up s | peak MiB | file MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in figures["runtimes"].items():
        latency = row["latency_ms"]
        shape = "x".join(str(extent) for extent in row["input_shape"])
        lines.append(
            f"| {name} | {shape} | {latency['median']:.2f} | {latency['p90']:.2f} | {latency['p99']:.2f} "
            f"| {row['throughput_per_s']:.1f} | {row['start_up_s']:.2f} | {row['peak_memory_mib']:.0f} "
            f"| {row['file_mib']:.2f} |"
        )
    return "\n".join(lines)


def _check(folder: Path, runtimes: Sequence[str], repeats: int, warm_up: int) -> None:
    """Validate the arguments before any process is started."""
    if repeats < 1 or warm_up < 1:
        raise ValueError(f"`repeats` and `warm_up` must be at least 1. Received {repeats} and {warm_up}.")
    if not runtimes:
        raise ValueError(f"{folder} is not a model folder: it contains none of {', '.join(RUNTIME_FILES.values())}.")
    for name in runtimes:
        if name not in RUNTIME_FILES:
            raise ValueError(f"Unknown runtime {name!r}. Choose from {', '.join(RUNTIME_FILES)} or all.")
        if not (folder / RUNTIME_FILES[name]).exists():
            raise ValueError(
                f"Runtime {name} needs {RUNTIME_FILES[name]}, which {folder} does not contain. "
                "Write it with `cnn-suite export`, or choose another runtime."
            )


def _in_fresh_process(task: Mapping[str, Any]) -> dict[str, Any]:
    """Measure one runtime in a new interpreter and return its figures."""
    threads = str(task["threads"])
    environment = os.environ | {"OMP_NUM_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "cnn_suite.benchmark_process", json.dumps({**task, "started": time.time()})]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(f"Measuring {task['runtime']} failed (status {done.returncode}): {reason}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _processor() -> str:
    """Name the processor; `platform.processor` is empty on most Linux systems."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
