"""Whether one setting gives equally strong style at every size: costs at the start and end, and a contact sheet.

python benchmarks/style_sizes.py PHOTO PAINTING --weights FILE [--sizes 128,256,512,1024] [--sheet FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np

_SHEET_SIDE = 512


def main() -> None:
    options = _options()
    from cnn_suite.data.picture_files import read_rgb
    from cnn_suite.runtime.media.picture_arrays import fitted_size_hw, resized
    from cnn_suite.style_transfer.settings import TransferSettings
    from cnn_suite.stylize import stylize_picture

    rows, pictures = [], []
    for size in (int(text) for text in options.sizes.split(",")):
        settings = TransferSettings(size=size, iterations=options.iterations)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "painted.png")
            figures = stylize_picture(options.photo, [options.painting], path, settings, weights=options.weights)
            picture = read_rgb(path)
        pictures.append(resized(picture, fitted_size_hw(picture.shape[:2], _SHEET_SIDE)))
        start, end = figures["start"], figures["end"]
        rows.append({
            "size": size,
            "style_start": start["style"],
            "style_end": end["style"],
            "content_end": end["content"],
            "variation_end": end["variation"],
            "total_end": end["total"],
            "style_error_down": figures["style_error_down"],
            "seconds": figures["seconds"],
        })  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
    if options.sheet:
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(options.sheet), cv2.cvtColor(np.hstack(pictures), cv2.COLOR_RGB2BGR))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("--weights", type=Path, help="SqueezeNet 1.1 weights [default: the pulled file]")
    parser.add_argument("--sizes", default="128,256,512,1024", help="longest sides in pixels")
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write a picture of all results side by side")
    return parser.parse_args()


if __name__ == "__main__":
    main()
