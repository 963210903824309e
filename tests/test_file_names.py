"""Names of pictures and videos, and that asking about them costs nothing."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.data.picture_files import pictures_under, read_rgb
from cnn_suite.file_names import (
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    is_picture_name,
    is_picture_output_name,
    is_video_name,
)


@pytest.mark.parametrize(
    ("name", "picture", "video"),
    [
        ("a.JPG", True, False),
        ("a.jfif", True, False),
        (Path("b/c.tar.ppm"), True, False),
        ("clip.wmv", False, True),
        ("https://x/y/clip.MP4", False, True),
        ("moves.gif", False, False),
        ("jpg", False, False),
        ("", False, False),
    ],
)
def test_the_end_of_a_name_says_what_is_in_the_file(name, picture, video):
    assert (is_picture_name(name), is_video_name(name)) == (picture, video)


def test_no_ending_is_that_of_both():
    assert not set(PICTURE_SUFFIXES) & set(VIDEO_SUFFIXES)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_every_kind_of_picture_is_read_from_a_folder_of_data(tmp_path, suffix):
    shape = (9, 12) if suffix == ".pgm" else (9, 12, 3)  # that one is grey
    written_as = ".jpg" if suffix == ".jfif" else suffix  # that one is a JPEG by a name that OpenCV does not write
    done, content = cv2.imencode(written_as, np.full(shape, 100, np.uint8))
    assert done
    (tmp_path / f"a{suffix}").write_bytes(content.tobytes())
    (found,) = pictures_under(tmp_path)
    np.testing.assert_allclose(read_rgb(found), np.full((9, 12, 3), 100), atol=2)


def test_what_opencv_only_reads_is_not_offered_for_writing():
    assert not any(map(is_picture_output_name, ("a.jfif", "a.pgm")))


def test_neither_opencv_nor_numpy_is_needed():
    program = "import sys, cnn_suite.file_names; sys.exit(bool({'cv2', 'numpy', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False).returncode == 0
