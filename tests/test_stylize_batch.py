"""Tests of cnn_suite.stylize_batch with a small real style model: "negative" and "dark"."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.style.kept_colours import with_colours_of
from cnn_suite.style_transfer.output_files import write_whole
from cnn_suite.stylize_batch import stylize_with_model
from tests.small_perception import smooth_picture
from tests.style_model import write_style_model

PHOTO = smooth_picture(1, (24, 40))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_style_model(tmp_path_factory.mktemp("models") / "two_styles")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_whole(tmp_path / "photo.png", PHOTO)
    return tmp_path / "photo.png"


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_one_picture_is_painted_in_the_first_style(model: Path, photo: Path, tmp_path: Path) -> None:
    figures = stylize_with_model(model, photo, tmp_path / "out.png")
    assert figures == {"output": tmp_path / "out.png", "pictures": 1, "faults": {}}
    assert np.array_equal(read(tmp_path / "out.png"), 255 - PHOTO)


def test_a_style_a_strength_and_kept_colours_change_it(model: Path, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    stylize_with_model(model, photo, output, style="dark")
    assert np.array_equal(read(output), PHOTO // 2)
    stylize_with_model(model, photo, output, style="negative=1,dark=1")
    assert np.abs(read(output) - (127.5 - PHOTO / 4)).max() <= 1
    stylize_with_model(model, photo, output, strength=0.5)
    assert np.abs(read(output) - 127.5).max() <= 1  # half a picture and half its negative
    stylize_with_model(model, photo, output, colours="luma")
    assert np.array_equal(read(output), with_colours_of(255 - PHOTO, PHOTO, "luma"))
    stylize_with_model(model, photo, output, size=32)
    assert read(output).shape == PHOTO.shape


def test_a_folder_is_painted_into_a_folder_and_damaged_pictures_are_listed(model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "photos", tmp_path / "painted"
    source.mkdir()
    for name in ("b.png", "a.png", "c.jpg"):
        write_whole(source / name, PHOTO)
    (source / "d.jpg").write_bytes((source / "c.jpg").read_bytes()[:-200])
    seen = []
    figures = stylize_with_model(model, source, output, on_progress=lambda done, total: seen.append((done, total)))
    assert figures["pictures"] == 3 and figures["output"] == output
    assert list(figures["faults"]) == [str(source / "d.jpg")]
    assert sorted(file.name for file in output.iterdir()) == ["a.png", "b.png", "c.jpg"]
    assert np.array_equal(read(output / "b.png"), 255 - PHOTO)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_equal_names_of_a_pattern_do_not_replace_each_other(model: Path, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_whole(tmp_path / folder / "a.png", PHOTO)
    figures = stylize_with_model(model, str(tmp_path / "*" / "a.png"), tmp_path / "painted")
    assert figures["pictures"] == 2
    assert sorted(file.name for file in (tmp_path / "painted").iterdir()) == ["a.png", "a_000001.png"]


def test_one_picture_may_go_into_a_folder(model: Path, photo: Path, tmp_path: Path) -> None:
    assert stylize_with_model(model, photo, tmp_path / "painted")["output"] == tmp_path / "painted" / "photo.png"


def test_a_photograph_of_a_kind_without_colours_is_painted_as_png(model: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.pgm"), PHOTO[..., 0])
    assert stylize_with_model(model, tmp_path / "grey.pgm", tmp_path / "a")["output"] == tmp_path / "a" / "grey.png"
    stylize_with_model(model, tmp_path, tmp_path / "b")
    assert [file.name for file in (tmp_path / "b").iterdir()] == ["grey.png"]


def test_the_sources_are_never_replaced(model: Path, photo: Path) -> None:
    for output in (photo, photo.parent):
        with pytest.raises(OSError, match="would overwrite a file that is read"):
            stylize_with_model(model, photo.parent if output.is_dir() else photo, output)
    assert np.array_equal(read(photo), PHOTO)


def test_what_does_not_go_is_refused(model: Path, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    with pytest.raises(
        ValueError, match="`colours` must be 'luma' or 'none' for a style network. Received 'histogram'"
    ):
        stylize_with_model(model, photo, output, colours="histogram")
    with pytest.raises(ValueError, match="`strength` must be between 0 and 1 for a style network. Received 2"):
        stylize_with_model(model, photo, output, strength=2)
    for size in (31, 0, -5):
        with pytest.raises(ValueError, match=f"a longest side of 32 pixels or more. Received {size}"):
            stylize_with_model(model, photo, output, size=size)
    with pytest.raises(ValueError, match="This model has no style 'wave'"):
        stylize_with_model(model, photo, output, style="wave")
    with pytest.raises(FileNotFoundError, match="There is no picture, folder or pattern"):
        stylize_with_model(model, tmp_path / "none.png", output)
    with pytest.raises(ValueError, match="matches 1 pictures, so --output must be a folder"):
        stylize_with_model(model, tmp_path, output)
    photo.write_bytes(photo.read_bytes()[:-40])
    with pytest.raises(ValueError, match="photo.png"):
        stylize_with_model(model, photo, output)
    assert not output.exists()
