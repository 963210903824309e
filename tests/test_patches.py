"""`cnn-suite patches`: a sheet of what the units of a trained network look for."""

import cv2
import numpy as np
import pytest

from cnn_suite.config import ConfigError
from cnn_suite.metrics.patch_sheet import write_patch_sheet
from cnn_suite.models.surgery import tensor_names
from cnn_suite.patches import write_patches
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.trained import load_trained


def test_a_sheet_has_a_block_for_every_unit(tmp_path):
    red = np.full((5, 5, 3), (255, 0, 0), np.uint8)
    grey = np.full((5, 5, 1), 128, np.uint8)
    write_patch_sheet(tmp_path / "new" / "sheet.png", [3, 14], [[red], [grey] * 9])
    sheet = cv2.imread(str(tmp_path / "new" / "sheet.png"))[..., ::-1]
    assert sheet.shape == (24 + 192 + 8, 2 * 200, 3)
    assert sheet[100, 50].tolist() == [255, 0, 0] and sheet[100, 250].tolist() == [128] * 3
    with pytest.raises(SinkError, match="Choose .jpg or .png"):
        write_patch_sheet(tmp_path / "sheet.txt", [0], [[red]])


def test_the_pictures_are_those_of_the_networks_own_data(shapes_run, tmp_path):
    layer = next(name for name in tensor_names(load_trained(shapes_run).model) if "conv" in name)
    found = write_patches(shapes_run, layer, tmp_path / "sheet.png", units=[0, 1], pictures=3, count=2)
    assert found["pictures"] == 3 and [row["unit"] for row in found["units"]] == [0, 1]
    for row in found["units"]:
        assert len(row["patches"]) == 2 and row["patches"][0]["value"] >= row["patches"][1]["value"]
    assert (tmp_path / "sheet.png").stat().st_size > 500


def test_data_that_are_not_there_are_named(shapes_model, tmp_path):
    from cnn_suite.config import load_config, save_config

    folder = tmp_path / "moved"
    folder.mkdir()
    (folder / "model.keras").write_bytes((shapes_model / "model.keras").read_bytes())
    config = load_config(shapes_model / "config.yaml")
    elsewhere = config.data.model_copy(update={"format": "voc", "path": "nowhere"})
    save_config(config.model_copy(update={"data": elsewhere}), folder / "config.yaml")
    with pytest.raises(ConfigError, match="There are no pictures: nowhere does not exist. Set their location .*--data"):
        write_patches(folder, "stem", tmp_path / "sheet.png")
