"""Tests of cnn_suite.style_transfer.artwork."""

from pathlib import Path

import numpy as np
import pytest

from cnn_suite.runtime.style.kept_colours import painting_in_colours_of
from cnn_suite.style_transfer.artwork import read_all
from cnn_suite.style_transfer.output_files import write_whole
from tests.small_perception import smooth_picture

PHOTO, PAINTING = smooth_picture(1, (24, 32)), smooth_picture(2, (20, 20))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    paths = tmp_path / "photo.png", tmp_path / "painting.png", tmp_path / "mask.png"
    for path, picture in zip(paths, (PHOTO, PAINTING, np.full((24, 32, 3), 255, np.uint8))):
        write_whole(path, picture)
    return paths


def test_paintings_count_equally_unless_weights_say_otherwise(files: tuple[Path, Path, Path]) -> None:
    photo, painting, mask = files
    artwork = read_all(photo, [painting, painting])
    assert artwork.weights == [1.0, 1.0] and artwork.masks == []
    assert np.array_equal(artwork.photo, PHOTO) and np.array_equal(artwork.paintings[1], PAINTING)
    assert read_all(photo, [painting], [3.0], [mask]).masks[0].min() == 1


def test_a_painting_gets_the_photographs_colours_where_they_are_kept(files: tuple[Path, Path, Path]) -> None:
    photo, painting, _ = files
    for mode in ("histogram", "covariance"):
        expected = painting_in_colours_of(PAINTING, PHOTO, mode)
        assert np.array_equal(read_all(photo, [painting], colours=mode).paintings[0], expected)
    assert np.array_equal(read_all(photo, [painting], colours="luma").paintings[0], PAINTING)


def test_numbers_that_do_not_agree_are_refused(files: tuple[Path, Path, Path]) -> None:
    photo, painting, mask = files
    with pytest.raises(ValueError, match="At least one painting"):
        read_all(photo, [])
    with pytest.raises(ValueError, match="1 paintings and 2 weights"):
        read_all(photo, [painting], [1, 2])
    with pytest.raises(ValueError, match="must be above 0"):
        read_all(photo, [painting], [0])
    with pytest.raises(ValueError, match="2 paintings and 1 masks"):
        read_all(photo, [painting, painting], None, [mask])
