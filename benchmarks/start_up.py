"""Start-up time: from the start of the apps/detect.py process to the first frame with boxes.

    python benchmarks/start_up.py [--source demo] [--model face_yolo] [--runs 9] [--json]

The app writes one result line per frame and flushes it; the clock stops when the first line with a detection is in the
file. The first run only warms up the system's file cache and is reported separately.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

APP = Path(__file__).resolve().parents[1] / "apps" / "detect.py"
PATIENCE_S = 30.0


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        seconds = [
            first_boxes_s(options.source, options.model, Path(folder) / f"{run}.jsonl", options.max_frames)
            for run in range(options.runs + 1)
        ]
    first, warm = seconds[0], np.array(seconds[1:])
    figures = {
        "source": options.source,
        "model": options.model,
        "runs": options.runs,
        "first_run_s": first,
        "median_s": float(np.median(warm)),
        "fastest_s": float(warm.min()),
        "slowest_s": float(warm.max()),
    }
    if options.json:
        print(json.dumps(figures))
        return
    print("| source | first run s | median s | fastest s | slowest s |\n|---|---|---|---|---|")
    print(f"| {options.source} | {first:.3f} | {np.median(warm):.3f} | {warm.min():.3f} | {warm.max():.3f} |")


def first_boxes_s(source: str, model: str, results: Path, max_frames: int) -> float:
    """Run the app once and return the seconds until its results contain a frame with boxes."""
    command = [sys.executable, str(APP), "--source", source, "--model", model, "--headless", "--quiet"]
    command += ["--max-frames", str(max_frames), "--results", str(results)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    taken = None
    while taken is None and process.poll() is None and time.perf_counter() - start < PATIENCE_S:
        time.sleep(0.002)
        taken = time.perf_counter() - start if has_boxes(results) else None
    if process.poll() is None and taken is None:
        process.kill()
    _, errors = process.communicate()
    if process.returncode or not has_boxes(results):
        sys.exit(f"No boxes in {max_frames} frames of {source} (status {process.returncode}). {errors.strip()}")
    return time.perf_counter() - start if taken is None else taken


def has_boxes(results: Path) -> bool:
    """Tell whether a complete line of the results contains a detection."""
    if not results.exists():
        return False
    lines = results.read_text(encoding="utf-8").splitlines(keepends=True)
    return any(json.loads(line)["detections"] for line in lines if line.endswith("\n"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="demo", help="source of the app")
    parser.add_argument("--model", default="face_yolo", help="model folder or known name")
    parser.add_argument("--runs", type=int, default=9, help="number of runs after the first")
    parser.add_argument("--max-frames", type=int, default=1, help="maximum number of frames to wait for boxes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
