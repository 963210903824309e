"""The detection task: its data, its anchors, its losses, its compiled network."""

import logging
import sys
import types
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from cnn_suite.config import ConfigError
from cnn_suite.config_detection import Data, DetectionConfig, Loss, Model, Shapes, Training
from cnn_suite.data.boxes.annotations import AnnotatedPicture, DataFaultError, DetectionData, Fault
from cnn_suite.data.boxes.synthetic import SHAPES
from cnn_suite.ops.anchors import anchor_fit
from cnn_suite.tasks import detection, detection_data
from cnn_suite.train import untrained


def config_of(*, data=None, model=None, training=None, loss=None):
    shapes = Shapes(train=12, val=4, test=2, size_hw=(64, 64))
    small = {"image_size_hw": (64, 64), "width": 0.25, "depth": 0.25, "anchors_per_head": 2}
    return DetectionConfig(
        name="tiny",
        data=Data(**({"format": "shapes", "shapes": shapes, "batch_size": 4} | (data or {}))),
        model=Model(**(small | (model or {}))),
        loss=Loss(**(loss or {})),
        training=Training(**({"epochs": 3} | (training or {}))),
    )


def annotated(size_hw, boxes_px, crowd=None):
    boxes = np.reshape(boxes_px, (-1, 4)) / np.tile(size_hw[::-1], 2)
    crowd = np.zeros(len(boxes), bool) if crowd is None else np.array(crowd)
    return AnnotatedPicture(Path("p"), size_hw, boxes.astype(np.float32), np.zeros(len(boxes), np.int32), crowd, "a")


@pytest.fixture
def reads(monkeypatch):
    """The function that replaces what is read from disk, and remembers how it was asked for."""
    asked = []

    def replace(data):
        monkeypatch.setattr(detection_data, "read_detection_data", lambda *a, **k: asked.append((a, k)) or data)
        return asked

    return replace


# Data


def test_shapes_need_no_folder():
    data = detection.datasets(config_of())
    assert data.labels == SHAPES
    assert (len(data.training), len(data.validation)) == (12, 4)
    assert not {p.path for p in data.training} & {p.path for p in data.validation}


def test_splits_are_taken_in_the_order_asked_for_and_may_be_none_for_validation():
    data = detection.datasets(config_of(data={"train": ("test", "train"), "validation": ()}))
    assert (len(data.training), len(data.validation)) == (14, 0)
    assert data.training[0].path == Path("test/00000")


@pytest.mark.parametrize("key", ["train", "validation"])
def test_an_unknown_split_lists_the_known_ones(key):
    with pytest.raises(ConfigError, match="data.train or data.validation: Unknown split 'holiday' .* train, val, test"):
        detection.datasets(config_of(data={key: ("holiday",)}))


def test_measuring_on_pictures_that_are_trained_on_is_refused():
    with pytest.raises(
        ConfigError, match="data.validation shares 4 pictures with data.train, such as val/00000. Measure"
    ):
        detection.datasets(config_of(data={"train": ("train", "val")}))


def test_shapes_refuse_labels_of_their_own():
    assert detection.datasets(config_of(data={"labels": SHAPES})).labels == SHAPES
    with pytest.raises(ConfigError, match="the data have the labels circle, rectangle, triangle. Received cat"):
        config = config_of(data={"labels": ("cat",)})
        detection.resolved(config, detection.datasets(config))


def test_data_on_disk_are_read_as_configured(reads):
    data = DetectionData(("face",), {"train": (annotated((40, 40), [[1, 1, 9, 9]]),)})
    asked = reads(data)
    detection.datasets(config_of(data={"format": "voc", "path": "cells", "validation": (), "labels": ("face",)}))
    detection.datasets(config_of(data={"format": "auto", "path": "cells", "validation": ()}))
    margins = (0.1, 0.2, 0.3, 0.4)
    detection.datasets(
        config_of(data={"format": "landmarks_csv", "path": "f", "validation": (), "point_margins": margins})
    )
    assert asked == [
        (("cells", "voc", ("face",)), {}),
        (("cells", "auto", None), {}),
        (("f", "landmarks_csv", None), {"margins": margins}),
    ]


def test_faults_stop_the_training_unless_they_are_to_be_left_out(reads, caplog):
    fault = Fault("a.xml", 3, "zero_area", "box has no area", "Remove it.")
    sound = (annotated((40, 40), [[1, 1, 9, 9]]),)
    reads(DetectionData(("cell",), {"train": sound}, (fault,), root=Path("cells")))
    faulty = {"format": "voc", "path": "cells", "validation": ()}
    with pytest.raises(DataFaultError, match="a.xml:3: box has no area"):
        detection.datasets(config_of(data=faulty))
    with caplog.at_level(logging.WARNING):
        assert len(detection.datasets(config_of(data=faulty | {"on_fault": "leave_out"})).training) == 1
    assert "1 faults of the data at cells are left out; `cnn-suite doctor` lists them" in caplog.text


def test_background_pictures_join_the_training(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number, np.uint8))
    data = detection.datasets(config_of(data={"background": (str(tmp_path),)}))
    assert (len(data.training), len(data.validation)) == (15, 4)
    assert [len(picture.boxes) for picture in data.training[-3:]] == [0, 0, 0]
    assert data.training[-1].size_hw == (20, 30)


def test_a_background_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`folder` must contain pictures. Found none under"):
        detection.datasets(config_of(data={"background": (str(tmp_path),)}))


# Anchors


def test_box_shapes_are_measured_on_the_letterboxed_input():
    # 100 x 200 on 64 x 64 shrinks by 0.32; 32 x 32 grows by 2. The crowd does not count.
    pictures = [
        annotated((100, 200), [[0, 0, 50, 100], [0, 0, 200, 100]], [False, True]),
        annotated((32, 32), [[4, 4, 14, 9]]),
        annotated((32, 32), []),
    ]
    np.testing.assert_allclose(detection.shapes_on_input(pictures, (64, 64)), [[16, 32], [20, 10]], rtol=1e-5)
    assert detection.shapes_on_input([], (64, 64)).shape == (0, 2)


def test_anchors_come_from_the_training_boxes_smallest_first():
    config = config_of()
    data = detection.datasets(config)
    resolved = detection.resolved(config, data)
    anchors = np.array(resolved.model.anchors_px)
    assert anchors.shape == (2, 2, 2)
    areas = anchors.prod(axis=-1).ravel()
    assert (np.diff(areas) >= 0).all()
    assert anchor_fit(detection.shapes_on_input(data.training, (64, 64)), anchors.reshape(-1, 2)).mean() > 0.7
    assert resolved.data.labels == SHAPES
    assert detection.resolved(config, data) == resolved  # the same again for the same seed
    assert config.model.anchors_px is None  # and nothing was changed in place


def test_given_anchors_are_kept():
    given = (((10.0, 12.0),), ((30.0, 28.0),))
    config = config_of(model={"anchors_px": given, "anchors_per_head": 1})
    assert detection.resolved(config, detection.datasets(config)).model.anchors_px == given


def test_too_few_boxes_for_the_anchors_are_refused():
    config = config_of(data={"shapes": Shapes(train=1, val=0, objects=(1, 1)), "validation": ()})
    with pytest.raises(ValueError, match="`k` must be at most the number of different box shapes. Received k=4 and 1"):
        detection.resolved(config, detection.datasets(config))


# Network and losses


@pytest.fixture(scope="module")
def compiled():
    loss = {"box_loss": "ciou", "match_iou": 0.5, "neighbour_cells": True, "ignore_iou": 0.6, "box_weight": 2.0}
    training = {"jit": False, "steps_per_execution": 3, "clip_norm": 3.0, "warmup_epochs": 1}
    config = config_of(loss=loss, model={"scale_xy": 2.0, "strides": (8, 16)}, training=training)
    data = detection.datasets(config)
    config = detection.resolved(config, data)
    return config, data, untrained(config, data)


def test_the_network_is_what_the_configuration_says(compiled):
    config, _, model = compiled
    raw = model(np.zeros((1, 64, 96, 3), np.uint8))
    assert {name: tuple(value.shape) for name, value in raw.items()} == {
        "stride8": (1, 8, 12, 2, 8),
        "stride16": (1, 4, 6, 2, 8),
    }
    np.testing.assert_allclose(model.get_layer("stride16").anchors_px, config.model.anchors_px[1])
    assert model.get_layer("stride8").scale_xy == 2.0


def test_every_head_has_a_loss_of_its_own_anchors_that_knows_all_others(compiled):
    config, _, model = compiled
    losses = detection.losses(model, config)
    everything = [list(anchor) for head in config.model.anchors_px for anchor in head]
    assert list(losses) == ["stride8", "stride16"]
    assert [loss.mask for loss in losses.values()] == [[0, 1], [2, 3]]
    assert [loss.stride for loss in losses.values()] == [8, 16]
    for loss in losses.values():
        assert loss.anchors_px == everything
        assert (loss.box_loss, loss.match_iou, loss.neighbour_cells, loss.scale_xy) == ("ciou", 0.5, True, 2.0)
        assert (loss.ignore_iou, loss.box_weight) == (0.6, 2.0)


def test_the_model_is_compiled_with_what_the_configuration_says(compiled):
    config, data, model = compiled
    assert type(model.optimizer) is keras.optimizers.AdamW
    assert model.optimizer.global_clipnorm == 3.0
    assert model.steps_per_execution == 3 and model.jit_compile is False
    assert detection.steps_per_epoch(config, data) == 3
    # 3 epochs of 3 steps are the whole schedule.
    assert float(model.optimizer._learning_rate(9)) == pytest.approx(config.training.final_learning_rate)
    assert float(model.optimizer._learning_rate(6)) > config.training.final_learning_rate


def test_the_batches_carry_the_truths_for_every_head(compiled):
    config, data, model = compiled
    images, truths = next(iter(detection.training_dataset(config, data, model)))
    assert images.shape == (4, 64, 64, 3)
    assert list(truths) == ["stride8", "stride16"]
    assert truths["stride8"].shape[::2] == (4, 5)
    images, truths = next(iter(detection.validation_dataset(config, data, model)))
    assert images.shape == (4, 64, 64, 3) and list(truths) == ["stride8", "stride16"]
    np.testing.assert_array_equal(truths["stride8"], truths["stride16"])


def test_without_validation_pictures_there_is_no_validation_data(compiled):
    config, data, model = compiled
    nothing = detection.Datasets(data.labels, data.training, ())
    assert detection.validation_dataset(config, nothing, model) is None


# Builders by name


def tiny(image_shape, classes, anchors_px, *, strides, **options):
    return keras.Model(*(lambda x: (x, x))(keras.Input(image_shape)))


def test_a_builder_may_be_any_function(monkeypatch):
    module = types.ModuleType("my_networks")
    module.tiny = tiny
    monkeypatch.setitem(sys.modules, "my_networks", module)
    config = config_of(model={"builder": "my_networks:tiny", "anchors_px": (((1.0, 1.0),), ((2.0, 2.0),))})
    assert isinstance(detection.network(config, 3), keras.Model)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "yolo_resnte",
            "model.builder: unknown builder 'yolo_resnte'. Did you mean 'yolo_resnet'? Or give module:function.",
        ),
        ("absent_module:tiny", "model.builder: cannot load 'absent_module:tiny': No module named 'absent_module'."),
        ("math:tiny", "model.builder: cannot load 'math:tiny': module 'math' has no attribute 'tiny'."),
    ],
)
def test_a_builder_that_is_not_there_is_refused(name, says):
    with pytest.raises(ConfigError) as error:
        detection.network(config_of(model={"builder": name}), 3)
    assert str(error.value) == says


# Samples


def test_sample_pictures_are_evenly_chosen_from_the_validation():
    config = config_of()
    chosen = detection.sample_pictures(config, 2)
    validation = detection.datasets(config).validation
    assert len(chosen) == 2
    np.testing.assert_array_equal(chosen[0], validation[0].pixels)
    np.testing.assert_array_equal(chosen[1], validation[3].pixels)
    assert len(detection.sample_pictures(config, 100)) == 4
    assert len(detection.sample_pictures(config_of(data={"validation": ()}), 100)) == 12


def test_sample_pictures_come_from_the_training_on_request():
    config = config_of()
    chosen = detection.sample_pictures(config, 2, training=True)
    training = detection.datasets(config).training
    np.testing.assert_array_equal(chosen[0], training[0].pixels)
    np.testing.assert_array_equal(chosen[1], training[-1].pixels)


def test_there_are_no_sample_pictures_where_the_data_are_not():
    assert detection.sample_pictures(config_of(data={"format": "voc", "path": "/absent/folder"}), 2) == []
