"""One iteration of style transfer by optimisation, compared with PyTorch, and whether memory use stays constant.

    python benchmarks/style_iteration.py PHOTO PAINTING --weights FILE [--size 384x254] [--rounds 10]

Both use the same SqueezeNet 1.1 weights, layers, costs and optimiser (Adam); PyTorch runs eagerly, channels first, as
in its own examples. Without PyTorch (`pip install torch`), only our implementation is timed.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from alternating import alternate, summary, table

_FLAT_AFTER = 300  # iterations


def main() -> None:
    options = _options()
    width, height = (int(side) for side in options.size.split("x"))
    photo, painting = (_read(path, (height, width)) for path in (options.photo, options.painting))
    from cnn_suite.style_transfer.perception import load_perception

    perception = load_perception("squeezenet", options.weights)
    ours = _ours(perception, photo, painting)
    contestants = {"ours": ours}
    if find_spec("torch"):
        contestants["PyTorch, eager"] = _in_torch(perception, photo, painting, options.threads)
    else:
        print("PyTorch is not installed; only our implementation is timed.", file=sys.stderr)
    costs = {name: step() for name, step in contestants.items()}  # costs of the first picture, which must agree
    timing = summary(alternate(contestants, rounds=options.rounds, warm_up=3))
    result = {"size": options.size, "first_cost": costs, "timing": timing, "memory": _growth(ours)}
    print(json.dumps(result) if options.json else f"{costs}\n\n{table(timing)}\n\nmemory: {result['memory']}")


def _ours(perception: Any, photo: np.ndarray, painting: np.ndarray) -> Callable[[], float]:
    from cnn_suite.style_transfer.adam import AdamSteps
    from cnn_suite.style_transfer.objective import Objective
    from cnn_suite.style_transfer.targets import Region

    steps = AdamSteps(Objective(perception, photo, [Region([painting], [1.0])]), photo)
    return lambda: float(steps.step(1.0).total)


def _in_torch(perception: Any, photo: np.ndarray, painting: np.ndarray, threads: int) -> Callable[[], float]:
    import torch
    from torch.nn import functional

    from cnn_suite.style_transfer.objective import CostWeights

    torch.set_num_threads(threads)
    weights = CostWeights()
    model = perception.features
    arrays = {
        layer.name: (
            torch.tensor(np.ascontiguousarray(layer.get_weights()[0].transpose(3, 2, 0, 1))),
            torch.tensor(layer.get_weights()[1]),
        )
        for layer in model.layers
        if layer.weights
    }
    scale = model.get_layer("scale")
    factor, offset = (torch.tensor(np.float32(value)).view(1, 3, 1, 1) for value in (scale.scale, scale.offset))

    def convolution(x: Any, name: str, **more: Any) -> Any:
        return functional.relu(functional.conv2d(x, *arrays[name], **more))

    def features(picture: Any) -> dict[str, Any]:
        found = {"conv1": convolution(picture * factor + offset, "conv1", stride=2)}
        x = functional.max_pool2d(found["conv1"], 3, 2)
        for number in (2, 3, 4, 5):
            x = convolution(x, f"fire{number}_squeeze1x1")
            parts = [convolution(x, f"fire{number}_expand{side}x{side}", padding=side // 2) for side in (1, 3)]
            x = found[f"fire{number}_concat"] = torch.cat(parts, 1)
            x = functional.max_pool2d(x, 3, 2) if number == 3 else x
        return found

    def gram(x: Any) -> Any:
        flat = x.flatten(2)
        return flat @ flat.transpose(1, 2) / flat.shape[2]

    with torch.no_grad():
        wanted = {name: features(_channels_first(torch, photo))[name] for name in perception.content}
        targets = {name: gram(x) for name, x in features(_channels_first(torch, painting)).items()}
    picture = _channels_first(torch, photo).requires_grad_()
    adam = torch.optim.Adam([picture], lr=1.0, betas=(0.9, 0.99))

    def step() -> float:
        adam.zero_grad()
        found = features(picture)
        content = sum(((found[n] - x) ** 2).sum() / (x**2).sum() for n, x in wanted.items())
        style = sum(((gram(found[n]) - x) ** 2).sum() / (x**2).sum() for n, x in targets.items()) / len(targets)
        unit = picture / 255
        rows, columns = (unit.diff(dim=axis).square().mean() for axis in (2, 3))
        cost = weights.alpha * content + weights.beta * style + weights.tv * (rows + columns) / 2
        cost.backward()
        adam.step()
        with torch.no_grad():
            picture.clamp_(0, 255)
        return float(cost.detach())

    return step


def _channels_first(torch: Any, picture: np.ndarray) -> Any:
    return torch.tensor(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))


def _growth(step: Callable[[], float]) -> dict[str, float]:
    """Peak memory of this process in megabytes, before and after many iterations."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for _ in range(_FLAT_AFTER):
        step()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"peak_mb": round(before, 1), f"peak_mb_{_FLAT_AFTER}_iterations_later": round(after, 1)}


def _read(path: Path, size_hw: tuple[int, int]) -> np.ndarray:
    from cnn_suite.data.picture_files import read_rgb
    from cnn_suite.runtime.media.picture_arrays import resized

    return resized(read_rgb(path), size_hw).astype(np.float32)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="SqueezeNet 1.1 weights (keras-squeezenet, notop)")
    parser.add_argument("--size", default="384x254", metavar="WIDTHxHEIGHT")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
