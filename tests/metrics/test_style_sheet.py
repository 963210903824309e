"""The sheet of painted photographs: what stands where."""

import cv2
import numpy as np

from cnn_suite.metrics.style_sheet import HEIGHT_PX, write_sheet

RED, GREEN, BLUE = (220, 30, 20), (20, 200, 30), (30, 40, 210)


def plain(colour, size_hw):
    return np.full((*size_hw, 3), colour, np.uint8)


def shown(path):
    return cv2.imread(str(path))[..., ::-1].astype(int)


def test_a_row_holds_the_photograph_and_then_every_style_at_one_height(tmp_path):
    # 60 x 120 becomes 240 x 480: photograph 0..480, styles 480..960 and 960..1440; below it a line of 4 pixels.
    path = tmp_path / "new" / "sheet.png"
    write_sheet(path, [plain(RED, (60, 120))], [[plain(GREEN, (60, 120)), plain(BLUE, (60, 120))]])
    sheet = shown(path)
    assert sheet.shape == (HEIGHT_PX + 4, 1440, 3)
    for left, colour in zip((0, 480, 960), (RED, GREEN, BLUE)):
        assert (sheet[:HEIGHT_PX, left : left + 480] == colour).all()
    assert (sheet[HEIGHT_PX:] == 0).all()


def test_photographs_of_other_shapes_leave_black_at_the_end_of_their_row(tmp_path):
    wide, narrow = plain(RED, (30, 60)), plain(BLUE, (90, 45))  # 480 and 120 pixels wide
    write_sheet(tmp_path / "sheet.png", [wide, narrow], [[wide], [narrow]])
    sheet = shown(tmp_path / "sheet.png")
    assert sheet.shape == (2 * (HEIGHT_PX + 4), 960, 3)
    second = sheet[HEIGHT_PX + 4 : -4]
    assert (second[:, :240] == BLUE).all() and (second[:, 240:] == 0).all()


def test_every_photograph_has_a_row_in_order(tmp_path):
    photos = [plain((number, 0, 0), (24, 24)) for number in range(11)]
    write_sheet(tmp_path / "sheet.png", photos, [[photo] for photo in photos])
    sheet = shown(tmp_path / "sheet.png")
    assert len(sheet) == 11 * (HEIGHT_PX + 4)
    assert sheet[:: HEIGHT_PX + 4, 0, 0].tolist() == list(range(11))


def test_a_photograph_of_a_single_column_is_still_shown(tmp_path):
    column = plain(GREEN, (1000, 1))
    write_sheet(tmp_path / "sheet.png", [column], [[column]])
    assert shown(tmp_path / "sheet.png").shape == (HEIGHT_PX + 4, 2, 3)
