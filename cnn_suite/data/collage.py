"""Pieces of photographs glued onto others: new edges, corners and textures where photographs are few."""

from collections.abc import Callable

import cv2
import numpy as np

_PIECES = (4, 24)  # fewest and most of a square
_SIDES = (1 / 16, 2 / 3)  # of a piece, as fractions of the square's side
_CORNERS = (3, 7)


def glue_pieces(square: np.ndarray, piece: Callable[[int], np.ndarray], generator: np.random.Generator) -> None:
    """Glues rectangles, ellipses and polygons with other content onto a square, in place; later ones hide earlier ones.

    Args:
        square: uint8 `(side, side, 3)`.
        piece: Gives what to cut a piece from: a square uint8 picture of the asked side.
        generator: Draws the pieces: 4 to 24, small ones more often than large ones.

    Source: Lee, Mumford & Huang 2001, Occlusion Models for Natural Images: pictures of overlapping objects, whose sizes
    follow a power law, have the statistics of photographs.
    """
    size = len(square)
    least, most = (np.log(max(2, size * share)) for share in _SIDES)
    for _ in range(int(generator.integers(_PIECES[0], _PIECES[1] + 1))):
        side = round(float(np.exp(generator.uniform(least, most))))
        place = generator.integers(-side // 2, size - side // 2, 2)
        mask = np.zeros((side, side), np.uint8)
        cv2.fillPoly(mask, [_outline(side, generator)], 255, cv2.LINE_AA)
        _paste(square, piece(side), mask, *place)


def _outline(side: int, generator: np.random.Generator) -> np.ndarray:
    """Corners of a shape in a square, int32 `(corners, 2)`; half of them stand upright, as most of what is built."""
    kind = generator.choice(["rectangle", "ellipse", "polygon"])
    if kind == "rectangle":
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * generator.uniform(0.3, 1, 2)
    elif kind == "ellipse":
        corners = _on_circle(np.linspace(0, 2 * np.pi, 32, endpoint=False)) * generator.uniform(0.3, 1, 2)
    else:
        angles = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(_CORNERS[0], _CORNERS[1] + 1)))
        corners = _on_circle(angles) * generator.uniform(0.5, 1, (len(angles), 1))
    angle = generator.choice([0, generator.uniform(0, np.pi)])
    turned = corners @ _on_circle(np.array([angle, angle + np.pi / 2]))
    return np.rint((turned + 1) / 2 * side).astype(np.int32)


def _on_circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _paste(square: np.ndarray, piece: np.ndarray, mask: np.ndarray, top: int, left: int) -> None:
    """Draws what the mask lets through of a piece, whose corner may lie outside of the square."""
    (size, side), (up, along) = (len(square), len(piece)), (max(0, -top), max(0, -left))
    below, behind = min(side, size - top), min(side, size - left)
    covered = square[top + up : top + below, left + along : left + behind]
    share = mask[up:below, along:behind, None] / np.float32(255)
    covered[:] = np.rint(covered * (1 - share) + piece[up:below, along:behind] * share)
