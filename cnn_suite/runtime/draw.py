"""Drawing on pictures: boxes with readable labels, lines, zones, and the text overlay.

All pictures are RGB `uint8 (height, width, 3)`; every function draws on the picture it is given, except `annotated`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter

Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GOLDEN_ANGLE = 137.508  # degrees: neighbouring numbers get hues far apart, and no two the same
_WHITE, _BLACK, _AMBER = (255, 255, 255), (0, 0, 0), (255, 190, 0)


@cache
def class_colour(class_id: int) -> Colour:
    """The RGB colour of a class, the same in every frame, run and program."""
    hue = (100 + class_id * _GOLDEN_ANGLE) % 360 / 2  # OpenCV halves its hues
    value = (255, 200, 150)[class_id // 12 % 3]
    red, green, blue = cv2.cvtColor(np.array([[[hue, 200, value]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def annotated(
    image_rgb: np.ndarray,
    detections: Detections,
    *,
    lines: Sequence[LineCounter] = (),
    zones: Sequence[ZoneCounter] = (),
    overlay: Sequence[str] = (),
    captions: Sequence[str] | None = None,
) -> np.ndarray:
    """A copy of the picture with everything drawn on it; captions take the place of labels and confidences."""
    image = image_rgb.copy()
    for zone in zones:
        draw_zone(image, zone)
    for line in lines:
        draw_line(image, line)
    draw_detections(image, detections, captions)
    draw_overlay(image, overlay)
    return image


def draw_detections(image: np.ndarray, detections: Detections, captions: Sequence[str] | None = None) -> None:
    """Boxes with label, track number and confidence, or captions; the most confident ones are drawn last, on top."""
    thickness = max(1, round(_scale(image) * 2.5))
    ids = [-1] * len(detections) if detections.track_id is None else detections.track_id.tolist()
    names = detections.names
    for i in np.argsort(detections.confidence, kind="stable").tolist():
        x0, y0, x1, y1 = (round(value) for value in detections.xyxy_px[i].tolist())
        colour = class_colour(int(detections.class_id[i]))
        cv2.rectangle(image, (x0, y0), (x1, y1), colour, thickness, cv2.LINE_AA)
        number = f" #{ids[i]}" if ids[i] >= 0 else ""
        caption = captions[i] if captions else f"{names[i]}{number} {detections.confidence[i]:.2f}"
        draw_text(image, caption, (x0, y0), colour, above=True)


def draw_line(image: np.ndarray, line: LineCounter) -> None:
    """A counting line with an arrow to its right side, and both counts."""
    start, end = _pixels(image, [line.start, line.end])
    thickness = max(1, round(_scale(image) * 3))
    cv2.line(image, start, end, _AMBER, thickness, cv2.LINE_AA)
    middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    length = max(1.0, float(np.hypot(end[0] - start[0], end[1] - start[1])))
    reach = 30 * _scale(image) / length
    tip = (round(middle[0] - (end[1] - start[1]) * reach), round(middle[1] + (end[0] - start[0]) * reach))
    cv2.arrowedLine(image, middle, tip, _AMBER, thickness, cv2.LINE_AA, tipLength=0.4)
    draw_text(image, f"to right {line.to_right}  to left {line.to_left}", start, _AMBER)


def draw_zone(image: np.ndarray, zone: ZoneCounter) -> None:
    """A zone, lightly tinted, with the number of objects inside."""
    outline = np.array(_pixels(image, zone.corners), np.int32)
    tinted = image.copy()
    cv2.fillPoly(tinted, [outline], _AMBER)
    cv2.addWeighted(tinted, 0.2, image, 0.8, 0, dst=image)
    cv2.polylines(image, [outline], True, _AMBER, max(1, round(_scale(image) * 2)), cv2.LINE_AA)
    draw_text(image, f"inside {zone.inside}", tuple(outline[0].tolist()), _AMBER)


def draw_overlay(image: np.ndarray, lines: Sequence[str], *, at_top: bool = False) -> None:
    """Lines of text in the bottom left corner, where they hide the fewest labels; or in the top left one."""
    y = 4 if at_top else image.shape[0] - 4
    for line in lines if at_top else reversed(lines):
        top, bottom = draw_text(image, line, (4, y), (40, 40, 40), above=not at_top)
        y = bottom + 2 if at_top else top - 2


def draw_text(
    image: np.ndarray, text: str, corner: tuple[int, int], background: Colour, *, above: bool = False
) -> tuple[int, int]:
    """Text on a filled plate that always stays inside the picture.

    Args:
        image: The picture to draw on.
        text: One line; what the font lacks is written without its accents, or as ?.
        corner: Top left corner of the plate, or its bottom left one when `above`.
        background: Colour of the plate; the text is black or white, whichever reads better on it.
        above: Whether the plate stands on the corner rather than hangs from it.

    Returns:
        The y of the plate's top and of its bottom.
    """
    text = plain_text(text)
    size, thickness = 0.55 * _scale(image), max(1, round(_scale(image)))
    (width, height), baseline = cv2.getTextSize(text, _FONT, size, thickness)
    pad = max(2, round(3 * _scale(image)))
    across, down = width + 2 * pad, height + baseline + 2 * pad
    x = max(0, min(corner[0], image.shape[1] - across))
    y = max(0, min(corner[1] - (down if above else 0), image.shape[0] - down))
    cv2.rectangle(image, (x, y), (x + across, y + down), background, cv2.FILLED)
    luminance = 0.299 * background[0] + 0.587 * background[1] + 0.114 * background[2]
    colour = _BLACK if luminance > 140 else _WHITE
    cv2.putText(image, text, (x + pad, y + pad + height), _FONT, size, colour, thickness, cv2.LINE_AA)
    return y, y + down


def plain_text(text: str) -> str:
    """`text` in the ASCII letters that OpenCV's built-in font has."""
    if text.isascii():
        return text
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letters).encode("ascii", "replace").decode()


def _scale(image: np.ndarray) -> float:
    """1 for a picture of 640 x 480; text and lines grow with the picture, within reason."""
    return float(np.clip(np.sqrt(image.shape[0] * image.shape[1] / (640 * 480)), 0.6, 4.0))


def _pixels(image: np.ndarray, points: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    height, width = image.shape[:2]
    return [(round(x * (width - 1)), round(y * (height - 1))) for x, y in points]
