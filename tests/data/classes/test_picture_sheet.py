"""The sheet of training pictures: its layout, its contents, its captions."""

import cv2
import numpy as np
import pytest

from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.data.classes.labelled import of_arrays
from cnn_suite.data.classes.picture_sheet import _caption, picture_sheet, write_sheet
from cnn_suite.runtime.media.output_paths import SinkError

TILE_HW = (96 + 18, 96)  # 8 pixels enlarged twelve times, and a caption
GAP = 4


def config(augmentation=None, size_hw=(8, 8), channels=3, **data):
    off = {"mirror": 0.0, "shift": 0.0}
    return ClassificationConfig(
        name="sheet",
        data={"path": "-", "augmentation": {**off, **(augmentation or {})}, **data},
        model={"image_size_hw": size_hw, "channels": channels},
    )


NAMES = ("a", "b", "c")


def pictures(count=6, size_hw=(8, 8), channels=3):
    values = np.random.default_rng(0).integers(0, 200, (count, *size_hw, channels)).astype(np.uint8)
    return of_arrays(values, np.arange(count) // 2, "set")


def tile(sheet, row, column, tile_hw=TILE_HW):
    top = GAP + row * (tile_hw[0] + GAP)
    left = GAP + column * (tile_hw[1] + GAP) + (2 * GAP if column else 0)
    return sheet[top : top + tile_hw[0] - 18, left : left + tile_hw[1]]


def test_rows_are_pictures_enlarged_by_whole_pixels_with_the_original_first():
    sheet = picture_sheet(config({"mirror": 1.0}), pictures(3), NAMES, 3, 2, seed=0)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (3 * (114 + GAP) + GAP, 2 * (96 + GAP) + 3 * GAP, 3)
    for row in range(3):
        np.testing.assert_array_equal(tile(sheet, row, 0)[::12, ::12], pictures(3).load(row))
        np.testing.assert_array_equal(tile(sheet, row, 1)[::12, ::12], pictures(3).load(row)[:, ::-1])
        np.testing.assert_array_equal(tile(sheet, row, 0)[5:12:6, 5:12:6], tile(sheet, row, 0)[:2, :2])


def test_pictures_are_chosen_evenly_and_no_more_than_there_are():
    sheet = picture_sheet(config(), pictures(6), NAMES, 2, 1, seed=0)
    np.testing.assert_array_equal(tile(sheet, 1, 0)[::12, ::12], pictures(6).load(5))
    assert picture_sheet(config(), pictures(2), NAMES, 5, 1, seed=0).shape[0] == 2 * (114 + GAP) + GAP


def test_the_margin_is_cut_off_in_the_original_and_large_pictures_are_not_enlarged():
    sheet = picture_sheet(config(size_hw=(100, 120), margin=1.1), pictures(1, (110, 132)), NAMES, 1, 1, seed=0)
    np.testing.assert_array_equal(tile(sheet, 0, 0, (118, 120)), pictures(1, (110, 132)).load(0)[5:105, 6:126])


def test_grey_pictures_are_shown_in_grey():
    sheet = picture_sheet(config(channels=1), pictures(1, channels=1), NAMES, 1, 1, seed=0)
    np.testing.assert_array_equal(tile(sheet, 0, 0)[::12, ::12], pictures(1, channels=1).load(0).repeat(3, axis=2))


@pytest.mark.parametrize("augment_in", ["pipeline", "model"])
def test_changes_and_mixtures_differ_by_column_and_repeat_with_the_seed(augment_in):
    strong = {"mirror": 0.5, "rotation_deg": 20.0, "hue": 0.2, "mixup": 1.0, "cutmix": 1.0}
    made = [picture_sheet(config(strong, augment_in=augment_in), pictures(), NAMES, 6, 4, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
    assert (tile(made[0], 0, 1) != tile(made[0], 0, 2)).any()


def test_captions_name_the_classes_that_count_the_largest_first():
    names = ("cat", "dog", "cow")
    assert _caption(np.array([0, 1, 0.0]), names) == "dog"
    assert _caption(np.array([0.3, 0, 0.7]), names) == "cow 0.70 cat 0.30"
    assert _caption(np.array([0.999, 0.001, 0]), names) == "cat"


def test_captions_are_written_below_and_stay_within_their_picture():
    def below(labels):
        return picture_sheet(config(), pictures(1), labels, 1, 1, seed=0)[GAP + 96 : GAP + 114]

    assert (below(("cat",)) < 128).any()
    assert (below(("cat",)) != below(("dog",))).any() and (below(()) == below(("0",))).all()
    long = below(("a name that is much longer than the picture is wide",))
    assert (long < 200).any() and (long[:, -GAP:] == 255).all()


def test_accents_are_left_out_of_captions_as_the_font_has_none():
    accented, plain = (picture_sheet(config(), pictures(1), (name,), 1, 1, seed=0) for name in ("Käse", "Kase"))
    np.testing.assert_array_equal(accented, plain)


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="`rows` and `columns` must be at least 1. Received 0 and 3"):
        picture_sheet(config(), pictures(), NAMES, 0, 3, seed=0)
    with pytest.raises(ValueError, match="There are no pictures to show"):
        picture_sheet(config(), pictures().take([]), NAMES, 1, 1, seed=0)


def test_a_sheet_is_written_to_a_file_in_a_folder_of_its_own(tmp_path):
    path = tmp_path / "new" / "sheet.png"
    settings = config({"mirror": 0.5})
    write_sheet(path, settings, pictures(), NAMES, rows=2, columns=3)
    wanted = picture_sheet(settings, pictures(), NAMES, 2, 3, settings.seed)
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], wanted)
    with pytest.raises(SinkError, match="sheet.txt cannot be encoded as .txt. Choose .jpg or .png"):
        write_sheet(tmp_path / "sheet.txt", settings, pictures(), NAMES)
