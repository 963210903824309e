"""An independent reading of Darknet's files for tests: a tiny .cfg parser, random weights, a naive NumPy forward.

Everything here is channels first, float64 and slow, written after Darknet's C loops and not after the importer.

Source: Darknet's parser.c, convolutional_layer.c, maxpool_layer.c, route_layer.c, shortcut_layer.c, blas.c.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

HEADER = np.array([0, 2, 0], "<i4").tobytes() + np.array([32013312], "<u8").tobytes()
OLD_HEADER = np.array([0, 1, 0, 7], "<i4").tobytes()  # before 0.2 the pictures seen are 32 bits
HEADS = ("yolo", "region")

ACTIVATIONS = {
    "linear": lambda x: x,
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
}


@dataclass
class Part:
    """One section: its kind, the line of its header, its options."""

    kind: str
    line: int
    options: dict[str, str] = field(default_factory=dict)

    def integer(self, name: str, default: int = 0) -> int:
        return int(self.options.get(name, default))


def parts_of(text: str) -> list[Part]:
    """The sections of a sound .cfg."""
    parts: list[Part] = []
    for line, words in enumerate(text.splitlines(), 1):
        words = words.split("#")[0].replace(" ", "")
        if words.startswith("["):
            parts.append(Part("convolutional" if words == "[conv]" else words[1:-1], line))
        elif words:
            parts[-1].options.__setitem__(*words.split("="))
    return parts


def cfg(body: str, height: int = 8, width: int = 8) -> str:
    """A .cfg of [net], which takes the lines 1 to 3, and of `body`, which begins at line 4."""
    return f"[net]\nheight={height}\nwidth={width}\n{body}\n"


def channels_after(parts: list[Part]) -> list[int]:
    """Channels that leave every section; [net] gives 3."""
    channels = [3]
    for number, part in enumerate(parts[1:]):
        if part.kind == "convolutional":
            channels.append(part.integer("filters", 1))
        elif part.kind == "route":
            taken = [channels[1:][n] for n in sources(part, number)]
            channels.append(sum(n // part.integer("groups", 1) for n in taken))
        elif part.kind == "reorg":
            channels.append(channels[-1] * part.integer("stride", 1) ** 2)
        else:
            channels.append(channels[-1])
    return channels


def random_weights(text: str, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """What every section owns, in the file's order: beta, (gamma, mean, variance,) kernel; nothing is trivial.

    Kernels have He's scale; a branch that a shortcut adds is weaker, so that deep residual networks do not explode.
    """
    rng, parts = np.random.default_rng(seed), parts_of(text)
    weights: list[dict[str, np.ndarray]] = []
    for part, following, channels in zip(parts, [*parts[1:], Part("", 0)], [3, *channels_after(parts)]):
        if part.kind != "convolutional":
            weights.append({})
            continue
        filters, size = part.integer("filters", 1), part.integer("size", 1)
        shape = (filters, channels // part.integer("groups", 1), size, size)
        own = {"beta": rng.normal(0, 0.2, filters)}
        if part.integer("batch_normalize"):
            own["gamma"] = rng.uniform(0.7, 1.3, filters) * (0.3 if following.kind == "shortcut" else 1)
            own["mean"] = rng.normal(0, 0.3, filters)
            own["variance"] = rng.uniform(0.5, 2, filters)
        own["kernel"] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        weights.append({name: value.astype("<f4") for name, value in own.items()})
    return weights


def write_weights(path: Path, text: str, seed: int = 0, header: bytes = HEADER) -> list[dict[str, np.ndarray]]:
    """Writes random weights for a .cfg and returns them."""
    weights = random_weights(text, seed)
    write_arrays(path, weights, header)
    return weights


def write_arrays(path: Path, weights: list[dict[str, np.ndarray]], header: bytes = HEADER) -> None:
    """Writes what every section owns, in order."""
    with open(path, "wb") as file:
        file.write(header)
        for own in weights:
            for value in own.values():
                file.write(np.asarray(value, "<f4").tobytes())


def read_arrays(path: Path, text: str) -> list[dict[str, np.ndarray]]:
    """What every section of a .cfg owns in a .weights file with the newer header."""
    values, start = np.frombuffer(Path(path).read_bytes()[len(HEADER) :], "<f4"), 0
    weights = random_weights(text)
    for own in weights:
        for name, value in own.items():
            own[name] = values[start : start + value.size].reshape(value.shape)
            start += value.size
    assert start == len(values)
    return weights


def forward(text: str, weights: list[dict[str, np.ndarray]], pictures: np.ndarray):
    """What Darknet computes of RGB pictures 0..255 `(n, h, w, 3)`.

    Returns:
        Of a network with heads a dict: the raw numbers of every head `(n, rows, columns, anchors, 5 + classes)`;
        otherwise what the last section gives `(n, h, w, c)`.
    """
    results, heads, parts = [], {}, parts_of(text)
    x = before_activation = np.moveaxis(np.asarray(pictures, np.float64), -1, 1) / 255
    for number, (part, own) in enumerate(zip(parts[1:], weights[1:])):
        if part.kind == "convolutional":
            before_activation = convolution(x, part, own)
            x = ACTIVATIONS[part.options.get("activation", "logistic")](before_activation)
        elif part.kind in HEADS:
            heads[f"line{part.line}_{part.kind}"] = anchors_last(before_activation, part)
        else:
            x = SECTIONS[part.kind](x, part, [results[n] for n in sources(part, number)])
        results.append(x)
    return heads or np.moveaxis(x, 1, -1)


def convolution(x: np.ndarray, part: Part, own: dict[str, np.ndarray]) -> np.ndarray:
    size, stride, groups = part.integer("size", 1), part.integer("stride", 1), part.integer("groups", 1)
    padding = size // 2 if part.integer("pad") else part.integer("padding")
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(x, (size, size), (2, 3))
    windows = windows[:, :, :: part.integer("stride_y", stride), :: part.integer("stride_x", stride)]
    pairs = zip(np.split(windows, groups, 1), np.split(own["kernel"].astype(np.float64), groups, 0))
    x = np.concatenate([np.einsum("nchwij,fcij->nfhw", w, kernel, optimize=True) for w, kernel in pairs], 1)
    column = {name: value.astype(np.float64)[:, None, None] for name, value in own.items() if name != "kernel"}
    if "gamma" in own:
        x = (x - column["mean"]) / np.sqrt(column["variance"] + 1e-5) * column["gamma"]
    return x + column["beta"]


def sources(part: Part, number: int) -> list[int]:
    """Numbers of the sections that section `number` names."""
    named = part.options.get("layers", part.options.get("from", ""))
    return [n if n >= 0 else number + n for n in map(int, filter(None, named.split(",")))]


def maxpool(x: np.ndarray, part: Part, _) -> np.ndarray:
    stride = part.integer("stride", 1)
    size = part.integer("size", stride)
    padding = part.integer("padding", size - 1)
    height, width = ((side + padding - size) // stride + 1 for side in x.shape[2:])
    result = np.full((*x.shape[:2], height, width), -np.inf)
    for row in range(height):
        for column in range(width):
            for i in range(row * stride - padding // 2, row * stride - padding // 2 + size):
                for j in range(column * stride - padding // 2, column * stride - padding // 2 + size):
                    if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]:
                        result[:, :, row, column] = np.maximum(result[:, :, row, column], x[:, :, i, j])
    return result


def upsample(x: np.ndarray, part: Part, _) -> np.ndarray:
    stride = part.integer("stride", 2)
    return x.repeat(stride, 2).repeat(stride, 3) * float(part.options.get("scale", 1))


def route(x: np.ndarray, part: Part, others) -> np.ndarray:
    groups, group = part.integer("groups", 1), part.integer("group_id")
    return np.concatenate([np.split(other, groups, 1)[group] for other in others], 1)


def shortcut(x: np.ndarray, part: Part, others) -> np.ndarray:
    return ACTIVATIONS[part.options.get("activation", "linear")](x + sum(others))


def reorg(x: np.ndarray, part: Part, _) -> np.ndarray:
    """reorg_cpu with forward=0: it reads the map as one of a quarter of the channels and twice the sides."""
    n, c, h, w = x.shape
    stride = part.integer("stride", 1)
    fewer, flat, result = c // stride**2, x.reshape(n, -1), np.empty((n, c, h, w))
    for k in range(c):
        for j in range(h):
            for i in range(w):
                column, row = i * stride + k // fewer % stride, j * stride + k // fewer // stride
                result[:, k, j, i] = flat[:, column + w * stride * (row + h * stride * (k % fewer))]
    return result.reshape(n, c * stride**2, h // stride, w // stride)


def anchors_last(x: np.ndarray, part: Part) -> np.ndarray:
    """A head's channels are anchor by anchor x, y, w, h, objectness, classes."""
    n, _, rows, columns = x.shape
    return np.moveaxis(x.reshape(n, -1, 5 + part.integer("classes", 20), rows, columns), (1, 2), (3, 4))


SECTIONS = {
    "maxpool": maxpool,
    "avgpool": lambda x, part, others: x.mean((2, 3), keepdims=True),
    "upsample": upsample,
    "route": route,
    "shortcut": shortcut,
    "reorg": reorg,
    "dropout": lambda x, part, others: x,
}
