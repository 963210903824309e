"""Dense optical flow between two pictures of a video, warping along it, and its reliability.

A flow is float32 `(height, width, 2)` in pixels, x before y: what is seen at a place p of its first picture is seen at
p + flow(p) in its second one. A picture is therefore drawn into the place of the later one by reading it along the flow
from the later picture to the earlier one, the backward flow.

Source: Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search (OpenCV's DIS); Ruder et al. 2016, Artistic
style transfer for videos, equations 5 and 6 (after Sundaram et al. 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cnn_suite.runtime.media.picture_arrays import reduced
from cnn_suite.runtime.model_files.model_folder import check_picture

LONGEST_SIDE = 320
_SMALLEST_SIDE = 32  # DIS builds a pyramid of patches of 8 pixels
# The constants of Ruder et al. 2016, equations 5 and 6.
_ROUND_TRIP_SHARE, _ROUND_TRIP_PX2 = 0.01, 0.5
_EDGE_SHARE, _EDGE = 0.01, 0.002


@dataclass(frozen=True, eq=False)
class Motion:
    """What moved between two pictures, told from the later one.

    Args:
        backward: Flow from the later picture to the earlier one, float32 `(height, width, 2)` in pixels.
        trusted: Float32 `(height, width)`, 1 if the flow can be trusted and 0 elsewhere; between them at the edges.
        mismatch: Float32 `(height, width)`, squared distance of the colours (each 0..1) of the later picture from the
            earlier one's, warped.
    """

    backward: np.ndarray
    trusted: np.ndarray
    mismatch: np.ndarray


def motion_between(
    earlier_rgb: np.ndarray, later_rgb: np.ndarray, *, longest_side: int | None = LONGEST_SIDE
) -> Motion:
    """The motion between two pictures of the same size, in both directions and checked, at reduced size.

    Args:
        earlier_rgb: `uint8 (height, width, 3)`.
        later_rgb: The same shape.
        longest_side: The size on which it is computed; None for the pictures as they are.

    Raises:
        ValueError: If the pictures are not of their kind or differ in size.
    """
    _check_pair(earlier_rgb, later_rgb)
    size_hw = earlier_rgb.shape[:2]
    earlier, later = reduced(earlier_rgb, longest_side), reduced(later_rgb, longest_side)
    forward, backward = _flow(earlier, later), _flow(later, earlier)
    apart = cv2.subtract(later, warped(earlier, backward), dtype=cv2.CV_32F) / 255
    mismatch = cv2.blur(_squared(apart), (3, 3))  # the blur takes the noise of the camera out of it
    width_height = size_hw[1], size_hw[0]
    return Motion(
        _enlarged(backward, size_hw),
        cv2.resize(occlusion(forward, backward), width_height, interpolation=cv2.INTER_LINEAR),
        cv2.resize(mismatch, width_height, interpolation=cv2.INTER_LINEAR),
    )


def warped(picture: np.ndarray, flow: np.ndarray, *, sharp: bool = False) -> np.ndarray:
    """A picture read along a flow: the result at p is the picture at p + flow(p).

    Args:
        picture: `(height, width)` or `(height, width, channels)`, uint8 or float32. What lies outside it looks like
            its border.
        flow: Float32 `(height, width, 2)`; with the backward flow the earlier picture comes to where the later one is.
        sharp: Cubic instead of linear interpolation, for pictures that are warped again and again; it may overshoot.

    Raises:
        ValueError: If the sizes differ.
    """
    if flow.shape != (*picture.shape[:2], 2):
        raise ValueError(
            f"`flow` must have shape {(*picture.shape[:2], 2)}, two numbers per pixel. Received shape {flow.shape}."
        )
    interpolation = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    return cv2.remap(picture, flow + _places(*flow.shape[:2]), None, interpolation, borderMode=cv2.BORDER_REPLICATE)


def occlusion(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Where the backward flow can be trusted: a mask that is 0 on what is occluded or uncovered.

    Not trusted are places from which there and back does not lead back (equation 5), the edges of moving things
    (equation 6), and places that come from outside the picture.

    Args:
        forward: Flow from the earlier picture to the later one, float32 `(height, width, 2)`.
        backward: Flow from the later picture to the earlier one, the same shape.

    Returns:
        Float32 `(height, width)` over the later picture, 1 if the flow can be trusted and 0 elsewhere.

    Source: Ruder et al. 2016, Artistic style transfer for videos, equations 5 and 6.
    """
    there, size2 = warped(forward, backward), _squared(backward)
    lost = _squared(there + backward) > _ROUND_TRIP_SHARE * (_squared(there) + size2) + _ROUND_TRIP_PX2
    half = np.array([[-0.5, 0, 0.5]], np.float32)
    across, down = (cv2.filter2D(backward, -1, k, borderType=cv2.BORDER_REPLICATE) for k in (half, half.T))
    edge = _squared(across) + _squared(down) > _EDGE_SHARE * size2 + _EDGE
    origin = backward + _places(*backward.shape[:2])
    height, width = backward.shape[:2]
    x, y = origin[..., 0], origin[..., 1]
    outside = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
    return (~(lost | edge | outside)).astype(np.float32)


def _flow(first_rgb: np.ndarray, second_rgb: np.ndarray) -> np.ndarray:
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first_rgb, second_rgb)]
    size_hw = grey[0].shape
    if min(size_hw) < _SMALLEST_SIDE:
        size_wh = max(_SMALLEST_SIDE, size_hw[1]), max(_SMALLEST_SIDE, size_hw[0])
        grey = [cv2.resize(picture, size_wh, interpolation=cv2.INTER_LINEAR) for picture in grey]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return _enlarged(search.calc(grey[0], grey[1], None), size_hw)


def _enlarged(flow: np.ndarray, size_hw: tuple[int, ...]) -> np.ndarray:
    """The flow at another size of the pictures; its pixels are then other ones, too."""
    if flow.shape[:2] == tuple(size_hw):
        return flow
    ratio_xy = np.array([size_hw[1] / flow.shape[1], size_hw[0] / flow.shape[0]], np.float32)
    return cv2.resize(flow * ratio_xy, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR)


@lru_cache(maxsize=4)
def _places(height: int, width: int) -> np.ndarray:
    """Each pixel's own x and y."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def _squared(vectors: np.ndarray) -> np.ndarray:
    return cv2.transform(vectors * vectors, np.ones((1, vectors.shape[-1]), np.float32))  # sums over the last axis


def _check_pair(earlier_rgb: np.ndarray, later_rgb: np.ndarray) -> None:
    check_picture(earlier_rgb)
    check_picture(later_rgb)
    if earlier_rgb.shape != later_rgb.shape:
        raise ValueError(
            f"Both pictures must have the same size. Received {earlier_rgb.shape[:2]} and {later_rgb.shape[:2]}. "
            "Resize one of them first."
        )
