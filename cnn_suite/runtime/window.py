"""The window of an app: shows pictures, listens to keys, and knows when it was closed."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.runtime.draw import draw_overlay
from cnn_suite.runtime.media.sinks import write_picture

HELP = ("q or Esc: quit", "space: pause or continue", "s: save this picture", "h: hide this help")
_LARGEST_WH = (1280, 720)


@dataclass(frozen=True)
class Key:
    """A key of an app's own, or several that belong together.

    Args:
        letters: The keys, none of them one of the window's.
        help: A line for the help overlay.
        action: Called with the pressed key and whether the window is paused; a picture that it returns is shown.
    """

    letters: str
    help: str
    action: Callable[[str, bool], np.ndarray | None]


class Window:
    """One window. An app may set two of its attributes: `keys`, and `overlay`, which gives lines that stand in the
    picture's corner and are not saved with it.

    Args:
        title: Its title, also the beginning of the names of saved pictures.
        save_folder: Where key s saves pictures.
    """

    def __init__(self, title: str, *, save_folder: Path) -> None:
        self.paused = False
        self.keys: Sequence[Key] = ()
        self.overlay: Callable[[], Sequence[str]] | None = None
        self._title, self._save_folder = title, save_folder
        self._help = False
        self._opened = False
        self._shown: np.ndarray | None = None

    def show(self, picture_rgb: np.ndarray) -> None:
        """Puts a picture into the window; the first one opens it."""
        if not self._opened:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            height, width = picture_rgb.shape[:2]
            scale = min(1.0, _LARGEST_WH[0] / width, _LARGEST_WH[1] / height)
            cv2.resizeWindow(self._title, round(width * scale), round(height * scale))
            self._opened = True
        self._shown = picture_rgb
        if self._help or self.overlay is not None:
            picture_rgb = picture_rgb.copy()
        if self.overlay is not None:
            draw_overlay(picture_rgb, self.overlay())
        if self._help:
            draw_overlay(picture_rgb, (*HELP[:-1], *(key.help for key in self.keys), HELP[-1]), at_top=True)
        cv2.imshow(self._title, cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2BGR))

    def poll(self) -> bool:
        """Handles a pressed key; False when the user has quit or closed the window. Call it often."""
        key = cv2.waitKey(15 if self.paused else 1) & 0xFF
        if key in (ord("q"), 27):
            return False
        if key == ord(" "):
            self.paused = not self.paused
        elif key == ord("h") and self._shown is not None:
            self._help = not self._help
            self.show(self._shown)
        elif key == ord("s") and self._shown is not None:
            print(f"saved {self._save(self._shown)}")
        elif self._shown is not None:
            self._press(chr(key))
        return not self._opened or self._is_visible()

    def close(self) -> None:
        """Closes the window."""
        if self._opened:
            cv2.destroyAllWindows()
            cv2.waitKey(1)
            self._opened = False

    def _press(self, letter: str) -> None:
        for key in self.keys:
            if letter in key.letters:
                picture = key.action(letter, self.paused)
                if (shown := self._shown if picture is None else picture) is not None:
                    self.show(shown)

    def _save(self, picture_rgb: np.ndarray) -> Path:
        number = 1
        while (path := self._save_folder / f"{self._title}_{number:03d}.png").exists():
            number += 1
        write_picture(path, picture_rgb)
        return path

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:
            return False


def why_no_window() -> str | None:
    """Why no window can be opened here, in a sentence; None when one can. Qt would end the whole process instead."""
    gui = [line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")]
    if gui and gui[0].split(":", 1)[1].strip() in ("NONE", "NO", ""):
        return "this OpenCV is built without windows (opencv-python-headless)"
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return None
    display = os.environ.get("DISPLAY", "")
    if not display:
        return None if os.environ.get("WAYLAND_DISPLAY") else "there is no display (DISPLAY is not set)"
    return None if _display_answers(display) else f"the display DISPLAY={display} does not respond"


def _display_answers(display: str) -> bool:
    host, _, number = display.rpartition(":")
    screen = number.split(".")[0]
    if not screen.isdigit():
        return False
    try:
        if host in ("", "unix"):
            path = f"/tmp/.X11-unix/X{screen}"
            for address in (path, "\0" + path):  # the second is Linux's abstract name
                with socket.socket(socket.AF_UNIX) as connection:
                    if connection.connect_ex(address) == 0:
                        return True
            return False
        with socket.create_connection((host, 6000 + int(screen)), timeout=2):
            return True
    except OSError:
        return False


def open_window(app: str, *, headless: bool, output: str | None) -> Window | None:
    """The window of an app; None if none is wanted or, said on stderr, none can be.

    Args:
        app: Its name, for the title and messages.
        headless: Whether none is wanted.
        output: Where the app writes; pictures that the user saves go next to it.
    """
    if headless:
        return None
    if reason := why_no_window():
        print(f"{app}: no window, because {reason}; continuing as with --headless.", file=sys.stderr)
        return None
    folder = Path(output or ".")
    return Window(app, save_folder=folder if folder.is_dir() else folder.parent)
