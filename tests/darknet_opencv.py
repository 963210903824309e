"""What OpenCV 4's own Darknet reader computes: the convolution before every head, for comparison with the importer."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.darknet_oracle import HEADS, anchors_last, parts_of

# Its batch norms have this epsilon, as Redmon's CPU code had; AlexeyAB's Darknet has 1e-5, on CPU and GPU.
EPSILON = 1e-6

needs_darknet_reader = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromDarknet"), reason="OpenCV 5 has no Darknet reader"
)


def opencv_heads(cfg: Path, weights: Path, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Raw numbers of every head, `(n, rows, columns, anchors, 5 + classes)`, as the importer names them.

    OpenCV calls the convolution of section n, counted from 0 behind [net], `conv_n`.
    """
    network = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    network.enableWinograd(False)  # fast, and coarser than the comparison
    network.setInput(np.ascontiguousarray(np.moveaxis(pictures, -1, 1), np.float32) / np.float32(255))
    heads = [(n, part) for n, part in enumerate(parts_of(cfg.read_text())[1:]) if part.kind in HEADS]
    results = network.forward([f"conv_{n - 1}" for n, _ in heads])
    return {f"line{part.line}_{part.kind}": anchors_last(x, part) for (_, part), x in zip(heads, results)}


def assert_heads_near(received, expected: dict[str, np.ndarray], tolerance: float = 1e-4) -> None:
    """The same heads, the same shapes, and numbers within `tolerance` of the largest, or of 1."""
    assert received.keys() == expected.keys()
    for name, values in expected.items():
        assert received[name].shape == values.shape
        assert values.std() > 0.01  # neither died out nor exploded
        np.testing.assert_allclose(received[name], values, rtol=0, atol=tolerance * max(1, np.abs(values).max()))
