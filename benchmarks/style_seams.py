"""Whether a picture painted window by window shows seams between windows, and how much memory it takes.

    python benchmarks/style_seams.py PHOTO PAINTING --weights FILE [--size 2048] [--tile 512] [--iterations 60]

Compares squared differences of neighbouring pixels across window borders with those across lines some strides away,
where both the photograph and the network's own grid, faintly visible in every optimised picture, are similar. Lines
that are no borders differ from those beside them too, by what the picture shows: `ratio_by_chance` is the standard
deviation of the ratio for as many lines anywhere in the same picture. Smaller windows have more borders.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from pathlib import Path

import cv2
import numpy as np

_STRIDES = 6  # maximum distance of the compared lines from a border


def main() -> None:
    options = _options()
    from cnn_suite.data.picture_files import read_rgb
    from cnn_suite.runtime.media.picture_arrays import fitted_size_hw, resized
    from cnn_suite.style_transfer.margins import MARGIN
    from cnn_suite.style_transfer.perception import load_perception
    from cnn_suite.style_transfer.settings import TransferSettings
    from cnn_suite.style_transfer.tiles import windows
    from cnn_suite.stylize import stylize_picture

    photo = read_rgb(options.photo)
    size_hw = fitted_size_hw(photo.shape[:2], options.size)
    perception = load_perception(weights=options.weights)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "photo.png"), Path(folder, "painted.png")
        cv2.imwrite(str(before), cv2.cvtColor(resized(photo, size_hw), cv2.COLOR_RGB2BGR))
        settings = TransferSettings(iterations=options.iterations, tile=options.tile)
        figures = stylize_picture(before, [options.painting], after, settings, perception=perception)
        painted = read_rgb(after)
    if options.output:
        cv2.imwrite(str(options.output), cv2.cvtColor(painted, cv2.COLOR_RGB2BGR))
    fields = perception.fields.values()
    whole_hw = (size_hw[0] + 2 * MARGIN, size_hw[1] + 2 * MARGIN)
    cut = windows(whole_hw, options.tile, max(f.stride for f in fields), max(f.reach for f in fields))
    rows = sorted({window.rows.own_start - MARGIN for window in cut} - {-MARGIN})
    columns = sorted({window.columns.own_start - MARGIN for window in cut} - {-MARGIN})
    stride = max(field.stride for field in fields)
    sides = (painted, rows), (painted.swapaxes(0, 1), columns)
    at, beside = np.concatenate([_energies(picture, lines, stride) for picture, lines in sides]).T
    anywhere = np.concatenate([_energies(picture, _all_lines(picture, stride), stride) for picture, _ in sides])
    print(json.dumps({
        "size": f"{size_hw[1]}x{size_hw[0]}",
        "windows": len(cut),
        "rows": rows,
        "columns": columns,
        "energy_at_borders": float(at.mean()),
        "energy_beside": float(beside.mean()),
        "ratio": float(at.mean() / beside.mean()),
        "ratio_by_chance": float(np.std(anywhere[:, 0] / anywhere[:, 1]) / len(at) ** 0.5),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "style_error_down": figures["style_error_down"],
        "seconds": figures["seconds"],
    }))  # fmt: skip


def _energies(picture: np.ndarray, lines: list[int], stride: int) -> np.ndarray:
    """Mean squared difference across each of these rows, and across rows beside it, `(lines, 2)`."""
    steps = (np.diff(picture.astype(np.float32), axis=0) ** 2).mean(axis=(1, 2))  # step i lies between rows i and i + 1
    away = [side * number * stride for side in (-1, 1) for number in range(1, _STRIDES + 1)]
    return np.array([(steps[line - 1], np.mean([steps[line - 1 + far] for far in away])) for line in lines])


def _all_lines(picture: np.ndarray, stride: int) -> list[int]:
    """Rows that have as many strides on both sides as a border's are compared with."""
    far = (_STRIDES + 1) * stride
    return list(range(far, len(picture) - far, stride))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("--weights", type=Path, help="SqueezeNet 1.1 weights [default: the pulled file]")
    parser.add_argument("--size", type=int, default=2048, help="longest side")
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--output", type=Path, help="write the picture to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
