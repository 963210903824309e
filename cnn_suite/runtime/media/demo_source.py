"""The `demo` source: a view that pans and zooms over a pin-board of photographs, so that no camera is needed.

The photographs come with scikit-image: the astronaut and twelve small faces of Labeled Faces in the Wild, and
coffee, a cat and a rocket as things that are no faces. Nothing is downloaded and scikit-image is not imported.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.runtime.media.frames import Frame, SourceError
from cnn_suite.runtime.media.pictures import read_picture

BOARD_HW = (960, 1280)
FRAME_RATE = 30.0
_VIEW_HW = (480, 640)
_FACE_PX = 100
_PLACES = (  # file, left, top, width, height on the board
    ("astronaut.png", 40, 40, 512, 512),
    ("coffee.png", 600, 620, 420, 280),
    ("chelsea.png", 40, 620, 451, 300),
    ("rocket.jpg", 1060, 560, 180, 340),
)
_FACES_LEFT_TOP, _FACES_ACROSS, _FACES_GAP = (640, 60), 4, 40
_FACES = (1, 3, 8, 11, 15, 17, 18, 23, 35, 37, 46, 51)  # of 100; faces cropped close, upright and clear
_VIEWS = (  # second, centre x, centre y, width of the view on the board
    (0.0, 300, 260, 560),
    (1.2, 270, 190, 330),
    (2.2, 360, 230, 460),
    (3.6, 860, 260, 660),
    (4.8, 900, 220, 560),
    (6.4, 800, 700, 600),
    (7.8, 330, 740, 640),
    (9.0, 520, 420, 1000),
    (10.0, 300, 260, 560),
)


class DemoSource:
    """Ten seconds at 30 frames per second, 640 x 480; the last view is the first one again.

    Args:
        endless: Whether to begin again at the end.

    Raises:
        SourceError: If scikit-image is not installed.
    """

    name = "demo"
    live = False
    still = False
    files: Sequence[Path] = ()
    frame_rate = FRAME_RATE

    def __init__(self, *, endless: bool = False) -> None:
        self._board = pin_board(picture_folder())
        self._length = int(_VIEWS[-1][0] * FRAME_RATE)
        self.frame_count = None if endless else self._length

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while self.frame_count is None or index < self.frame_count:
            yield Frame(index, self._view(index % self._length / FRAME_RATE), self.name, index / FRAME_RATE)
            index += 1

    def _view(self, time_s: float) -> np.ndarray:
        x, y, width = view_at(time_s)
        scale = _VIEW_HW[1] / width
        matrix = np.array([[scale, 0, _VIEW_HW[1] / 2 - scale * x], [0, scale, _VIEW_HW[0] / 2 - scale * y]])
        return cv2.warpAffine(self._board, matrix, _VIEW_HW[::-1], borderMode=cv2.BORDER_REPLICATE)

    def close(self) -> None:
        """Nothing is open."""


def view_at(time_s: float) -> tuple[float, float, float]:
    """Centre x, centre y and width of the view at `time_s`, gliding smoothly between the fixed views."""
    views = np.array(_VIEWS, np.float64)
    last = min(int(np.searchsorted(views[:, 0], time_s, side="right")), len(views) - 1)
    begin, end = views[last - 1], views[last]
    part = np.clip((time_s - begin[0]) / (end[0] - begin[0]), 0, 1)
    x, y, width = (begin + (end - begin) * part**2 * (3 - 2 * part))[1:]  # smoothstep: still at both ends
    return float(x), float(y), float(width)


def pin_board(folder: Path) -> np.ndarray:
    """The board with all photographs on it, RGB `uint8 (960, 1280, 3)`."""
    board = np.full((*BOARD_HW, 3), (186, 160, 128), np.uint8)
    for name, left, top, width, height in _PLACES:
        _pin(board, _cut_to(read_picture(folder / name), width, height), left, top)
    small_faces = np.load(folder / "lfw_subset.npy")  # (200, 25, 25) in [0, 1], the first 100 are faces
    for place, face in enumerate(_FACES):
        grey = cv2.resize(
            (small_faces[face] * 255).astype(np.uint8), (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_CUBIC
        )
        row, column = divmod(place, _FACES_ACROSS)
        step = _FACE_PX + _FACES_GAP
        _pin(board, cv2.merge([grey] * 3), _FACES_LEFT_TOP[0] + column * step, _FACES_LEFT_TOP[1] + row * step)
    return board


def _cut_to(image: np.ndarray, width: int, height: int) -> np.ndarray:
    scale = max(width / image.shape[1], height / image.shape[0])
    across, down = round(width / scale), round(height / scale)
    left, top = (image.shape[1] - across) // 2, (image.shape[0] - down) // 2
    return cv2.resize(image[top : top + down, left : left + across], (width, height), interpolation=cv2.INTER_AREA)


def _pin(board: np.ndarray, image: np.ndarray, left: int, top: int, frame_px: int = 6) -> None:
    bottom, right = top + image.shape[0], left + image.shape[1]
    board[top - frame_px : bottom + frame_px, left - frame_px : right + frame_px] = 245
    board[top:bottom, left:right] = image


def picture_folder() -> Path:
    """The folder of the photographs that come with scikit-image.

    Raises:
        SourceError: If it is not installed.
    """
    spec = importlib.util.find_spec("skimage")
    folder = Path(spec.submodule_search_locations[0]) / "data" if spec and spec.submodule_search_locations else None
    if folder is None or not (folder / "astronaut.png").is_file():
        raise SourceError(
            "The demo needs the photographs of scikit-image, which is not installed. Run: pip install 'cnn_suite[demo]'"
        )
    return folder
