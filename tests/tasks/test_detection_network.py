"""The network of a configuration: its builder, a body from elsewhere, and a loss that fits its heads."""

import keras
import numpy as np
import pytest

from cnn_suite.config import ConfigError
from cnn_suite.config_detection import Data, DetectionConfig, Loss, Model
from cnn_suite.losses.yolo import YoloLoss
from cnn_suite.losses.yolo_v2 import YoloV2Loss
from cnn_suite.models.darknet import darknet
from cnn_suite.models.yolo import yolo_heads
from cnn_suite.tasks.detection_network import classes_of, losses, network

BODY = """[net]
width=64
height=64
[convolutional]
filters=6
size=3
stride=8
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters={filters}
size=1
activation={activation}
"""
YOLO = BODY.format(filters=14, activation="linear") + "[yolo]\nanchors=10,20, 30,40\nnum=2\nclasses=2\n"
NEW_COORDS = BODY.format(filters=14, activation="logistic") + (
    "[yolo]\nanchors=10,20, 30,40\nnum=2\nclasses=2\nscale_x_y=2.0\nnew_coords=1\n"
)
REGION = BODY.format(filters=14, activation="linear") + "[region]\nanchors=1,2, 3,4\nnum=2\nclasses=2\nsoftmax=1\n"


def config_of(**model):
    return DetectionConfig(name="tiny", data=Data(format="shapes"), model=Model(image_size_hw=(64, 64), **model))


@pytest.fixture
def written(tmp_path):
    """A .cfg as a file, and a model folder with random weights of it."""

    def write(text, name="one"):
        cfg = tmp_path / f"{name}.cfg"
        cfg.write_text(text)
        folder = tmp_path / name
        folder.mkdir()
        darknet(cfg).save(folder / "model.keras")
        (folder / "network.cfg").write_text(text)
        return cfg, folder

    return write


def test_a_cfg_gives_its_network_with_the_classes_of_the_data(written):
    cfg, _ = written(YOLO)
    model = network(config_of(builder="darknet", cfg=str(cfg)), 3)
    assert classes_of(model) == 3
    assert yolo_heads(model)[0].anchors_px == [[10, 20], [30, 40]]


def test_a_model_folder_stands_for_its_cfg(written):
    _, folder = written(YOLO)
    assert classes_of(network(config_of(builder="darknet", cfg=str(folder)), 5)) == 5


def test_a_pretrained_body_is_kept_below_new_heads_with_other_anchors(written):
    cfg, folder = written(YOLO)
    anchors = (((5.0, 6.0), (7.0, 8.0), (9.0, 10.0)),)
    model = network(config_of(builder="darknet", cfg=str(cfg), pretrained=str(folder), anchors_px=anchors), 3)
    source = keras.models.load_model(folder / "model.keras", compile=False)
    for name in ("line4_convolutional", "line4_norm"):
        for ours, theirs in zip(model.get_layer(name).get_weights(), source.get_layer(name).get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    assert model.output["line15_yolo"].shape[3:] == (3, 8)


def test_a_pretrained_body_may_be_of_any_builder(tmp_path):
    anchors = (((8.0, 8.0),), ((16.0, 16.0),))
    small = {"width": 0.25, "depth": 0.25, "anchors_px": anchors}
    before = network(config_of(**small), 2)
    before.save(tmp_path / "model.keras")
    model = network(config_of(**small, pretrained=str(tmp_path)), 4)
    np.testing.assert_array_equal(model.get_weights()[0], before.get_weights()[0])


def test_another_body_is_refused_by_key(written):
    cfg, _ = written(YOLO)
    _, folder = written(YOLO.replace("filters=6", "filters=7"), "other")
    with pytest.raises(ConfigError, match="model.pretrained: .*other does not fit. `source` must have the body"):
        network(config_of(builder="darknet", cfg=str(cfg), pretrained=str(folder)), 2)


def test_weights_of_darknet_need_its_builder():
    with pytest.raises(ConfigError, match="model.pretrained: a.weights belongs to builder: darknet. Received yolo"):
        network(config_of(pretrained="a.weights", anchors_px=(((8.0, 8.0),), ((16.0, 16.0),))), 2)


@pytest.mark.parametrize("key", ["cfg", "pretrained"])
def test_an_unknown_model_is_refused_by_key(written, key):
    cfg, _ = written(YOLO)
    settings = {"builder": "darknet", "cfg": str(cfg)} | {key: "no_such_model"}
    with pytest.raises(ConfigError, match=f"model.{key}: There is no model 'no_such_model'"):
        network(config_of(**settings), 2)


def test_a_faulty_cfg_is_refused_by_key_and_line(tmp_path):
    cfg = tmp_path / "faulty.cfg"
    cfg.write_text("[net]\nwidth=64\nheight=64\n[lstm]\n")
    with pytest.raises(ConfigError, match=r"model.cfg: faulty.cfg, line 4: the section \[lstm\] cannot be imported"):
        network(config_of(builder="darknet", cfg=str(cfg)), 2)


def test_every_kind_of_head_has_its_loss(written):
    found = {}
    for name, text in (("yolo", YOLO), ("new", NEW_COORDS), ("region", REGION)):
        cfg, _ = written(text, name)
        config = config_of(builder="darknet", cfg=str(cfg))
        if name == "new":
            config = config.model_copy(update={"loss": config.loss.model_copy(update={"box_loss": "ciou"})})
        (found[name],) = losses(network(config, 2), config).values()
    assert isinstance(found["yolo"], YoloLoss) and not found["yolo"].squared_sizes
    assert isinstance(found["new"], YoloLoss) and found["new"].squared_sizes and found["new"].scale_xy == 2
    assert isinstance(found["region"], YoloV2Loss)
    assert found["region"].anchors_px == [[8, 16], [24, 32]]  # cells of 8 pixels
    for loss in found.values():
        value = loss(np.full((1, 1, 5), 0.5, np.float32), np.zeros((1, 8, 8, 2, 7), np.float32))
        assert np.isfinite(value)


def test_an_empty_ignore_iou_is_that_of_the_heads_own_loss(written):
    for text, own in ((YOLO, 0.7), (REGION, 0.6)):
        cfg, _ = written(text, str(own))
        config = config_of(builder="darknet", cfg=str(cfg))
        model = network(config, 2)
        assert [loss.ignore_iou for loss in losses(model, config).values()] == [own]
        given = config.model_copy(update={"loss": Loss(ignore_iou=0.25)})
        assert [loss.ignore_iou for loss in losses(model, given).values()] == [0.25]


def test_terms_that_a_head_of_yolo_v2_does_not_have_are_refused(written):
    cfg, _ = written(REGION)
    config = config_of(builder="darknet", cfg=str(cfg)).model_copy(update={"loss": Loss(box_weight=2.0, rescore=False)})
    with pytest.raises(ConfigError, match="loss.box_weight would do nothing for .* a head of YOLOv2.*Remove"):
        losses(network(config, 2), config)


def test_boxes_bounded_by_their_anchors_have_no_darknet_loss(written):
    cfg, _ = written(NEW_COORDS)
    config = config_of(builder="darknet", cfg=str(cfg))
    with pytest.raises(ValueError, match='`squared_sizes` bounds a box by its anchor.*Choose "ciou" or "giou"'):
        losses(network(config, 2), config)
