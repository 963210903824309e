"""Style transfer that keeps the photograph's colours: applied to the result, or beforehand to the painting.

"luma" takes the brightness of the painted picture and the colours of the photograph, place by place. "histogram" and
"covariance" recolour the painting before it is used, so that its strokes come in the photograph's palette.

Source: Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer: luminance-only transfer, and colour
matching by a linear transform with the roots of the covariances, as in Image Analogies.
"""

from __future__ import annotations

import cv2
import numpy as np

from cnn_suite.runtime.media.picture_arrays import as_bytes
from cnn_suite.runtime.model_files.model_folder import check_picture

RESULT_MODES = ("luma",)
PAINTING_MODES = ("histogram", "covariance")
_LEAST_VARIANCE = 0.1  # squared grey levels: the rounding of one colour to whole levels is 1/12


def with_colours_of(stylised_rgb: np.ndarray, photo_rgb: np.ndarray, mode: str = "luma") -> np.ndarray:
    """A painted picture in the colours of its photograph.

    Args:
        stylised_rgb: `uint8 (height, width, 3)`: gives the luma.
        photo_rgb: The photograph, the same shape: gives the chroma.
        mode: "luma".

    Returns:
        `uint8` of the same shape. A colour that cannot be shown with that brightness is clipped, and its luma with it.

    Raises:
        ValueError: If the pictures are not of their kind or differ in size, or the mode is unknown.
    """
    if mode not in RESULT_MODES:
        raise ValueError(
            f"`mode` must be 'luma' for a painted picture. Received {mode!r}. "
            f"{' and '.join(PAINTING_MODES)} recolour the painting beforehand; see `painting_in_colours_of`."
        )
    check_picture(stylised_rgb)
    check_picture(photo_rgb)
    if stylised_rgb.shape != photo_rgb.shape:
        raise ValueError(
            f"The painted picture and its photograph must have the same size. Received {stylised_rgb.shape[:2]} and "
            f"{photo_rgb.shape[:2]}. Resize the photograph first."
        )
    luma_chroma = cv2.cvtColor(photo_rgb.astype(np.float32) / 255, cv2.COLOR_RGB2YCrCb)
    luma_chroma[..., 0] = cv2.cvtColor(stylised_rgb.astype(np.float32) / 255, cv2.COLOR_RGB2GRAY)
    return as_bytes(cv2.cvtColor(luma_chroma, cv2.COLOR_YCrCb2RGB) * 255)


def painting_in_colours_of(painting_rgb: np.ndarray, photo_rgb: np.ndarray, mode: str) -> np.ndarray:
    """A painting in the palette of a photograph; the two may differ in size.

    Args:
        painting_rgb: `uint8 (height, width, 3)`.
        photo_rgb: `uint8 (height, width, 3)`.
        mode: "histogram" gives each channel the photograph's histogram; "covariance" gives the colours the photograph's
            mean and covariance, which keeps what belongs together between the channels.

    Returns:
        `uint8` of the shape of `painting_rgb`. A painting of one colour becomes the photograph's median or mean colour.

    Raises:
        ValueError: If the pictures are not of their kind or the mode is unknown.
    """
    if mode not in PAINTING_MODES:
        raise ValueError(f"`mode` must be {' or '.join(map(repr, PAINTING_MODES))} for a painting. Received {mode!r}.")
    check_picture(painting_rgb)
    check_picture(photo_rgb)
    if mode == "covariance":
        return _by_covariance(painting_rgb, photo_rgb)
    channels = [_by_histogram(painting_rgb[..., i], photo_rgb[..., i]) for i in range(3)]
    return np.stack(channels, -1)


def _by_histogram(painting: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """Level to level of the same rank; the middle of a level's ranks, so that a single level goes to the median."""
    ranks = []
    for channel in (painting, photo):
        share = np.bincount(channel.ravel(), minlength=256) / channel.size
        ranks.append(np.cumsum(share) - share / 2)
    levels = np.unique(photo)
    return as_bytes(np.interp(ranks[0], ranks[1][levels], levels.astype(np.float64)))[painting]


def _by_covariance(painting: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """A (x - mean of the painting) + mean of the photograph, with A = root(cov photo) root(cov painting)^-1."""
    colours, wanted = (picture.reshape(-1, 3).astype(np.float64) for picture in (painting, photo))
    matrix = _root(_covariance(wanted)) @ _root(_covariance(colours), inverse=True)
    moved = (colours - colours.mean(0)) @ matrix.T + wanted.mean(0)
    return as_bytes(moved.reshape(painting.shape))


def _covariance(colours: np.ndarray) -> np.ndarray:
    apart = colours - colours.mean(0)
    return apart.T @ apart / len(colours)


def _root(covariance: np.ndarray, *, inverse: bool = False) -> np.ndarray:
    """The symmetric root by eigenvectors; the inverse leaves out directions in which nothing varies."""
    values, vectors = np.linalg.eigh(covariance)
    roots = np.sqrt(np.maximum(values, 0))
    if inverse:
        roots = np.where(values > _LEAST_VARIANCE, 1 / np.maximum(roots, np.sqrt(_LEAST_VARIANCE)), 0)
    return (vectors * roots) @ vectors.T
