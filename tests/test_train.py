"""`train` from end to end on shapes, with a network of one layer; and the real one on eight pictures."""

import csv

import keras
import numpy as np
import pytest

from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_detection import Augmentation, Data, DetectionConfig, Loss, Model, Shapes, Training
from cnn_suite.layers.yolo_head import YoloHead
from cnn_suite.metrics.coco_callback import CocoEvaluation
from cnn_suite.tasks import detection, detection_network
from cnn_suite.train import train, untrained


def one_layer(image_shape, classes, anchors_px, *, strides, **options):
    """The least network there is: mean colours of every cell and a head on them."""
    image = keras.Input(image_shape)
    cells = keras.layers.AveragePooling2D(strides[0])(keras.layers.Rescaling(1 / 255)(image))
    cells = keras.layers.BatchNormalization()(cells)
    head = YoloHead(anchors_px[0], classes, strides[0], name=f"stride{strides[0]}")
    return keras.Model(image, {head.name: head(cells)})


@pytest.fixture(autouse=True)
def _builder(monkeypatch):
    monkeypatch.setitem(detection_network.BUILDERS, "one_layer", one_layer)


def config_of(**training):
    shapes = Shapes(train=8, val=2, test=0, size_hw=(32, 32), objects=(1, 2))
    return DetectionConfig(
        name="tiny",
        data=Data(format="shapes", shapes=shapes, batch_size=4, augmentation=Augmentation(mosaic=0)),
        model=Model(builder="one_layer", image_size_hw=(32, 32), strides=(8,), anchors_per_head=1),
        training=Training(**({"epochs": 2, "warmup_epochs": 0, "evaluate_every": 1} | training)),
    )


def history(folder):
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights(path):
    return keras.models.load_model(path, compile=False).get_weights()


def assert_equal_weights(first, second, **tolerance):
    for a, b in zip(first, second):
        np.testing.assert_allclose(a, b, **tolerance)


def interrupt_in(monkeypatch, epoch, *, times=1):
    """Ends a training like Ctrl-C does, inside the evaluation of an epoch."""
    original, left = CocoEvaluation.on_epoch_end, [times]

    def on_epoch_end(self, current, logs=None):
        if current == epoch and left[0]:
            left[0] -= 1
            raise KeyboardInterrupt
        original(self, current, logs)

    monkeypatch.setattr(CocoEvaluation, "on_epoch_end", on_epoch_end)


def test_a_run_leaves_a_whole_folder(tmp_path, capsys):
    folder = train(config_of(evaluate_every=2, epochs=3), quiet=True, runs=tmp_path)
    assert folder == tmp_path / "tiny"
    assert sorted(path.name for path in folder.iterdir()) == [
        "best.keras",
        "config.yaml",
        "history.csv",
        "last.keras",
        "model.keras",
        "tensorboard",
    ]
    assert capsys.readouterr().out == ""
    saved = load_config(folder / "config.yaml")
    assert saved.data.labels == ("circle", "rectangle", "triangle")
    assert np.shape(saved.model.anchors_px) == (1, 1, 2)
    rows = history(folder)
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert [bool(row["val_ap"]) for row in rows] == [False, True, True]  # every second epoch and the last
    assert [bool(row["val_loss"]) for row in rows] == [False, True, False]
    assert any((folder / "tensorboard").rglob("events*"))
    assert not keras.models.load_model(folder / "model.keras").compiled  # to export it needs no optimiser


def test_the_network_to_export_is_the_best_one_measured(tmp_path, monkeypatch):
    # Measured after epochs 2 and 3; whatever the first epoch was, nobody measured it.
    original = CocoEvaluation.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        original(self, epoch, logs)
        if epoch > 0:
            logs["val_ap"] = 0.1 * epoch

    monkeypatch.setattr(CocoEvaluation, "on_epoch_end", on_epoch_end)
    folder = train(config_of(evaluate_every=2, epochs=3), quiet=True, runs=tmp_path)
    assert_equal_weights(weights(folder / "model.keras"), weights(folder / "best.keras"), rtol=0)
    last, best = (keras.models.load_model(folder / name) for name in ("last.keras", "best.keras"))
    for variable, average in zip(best.trainable_variables, last.optimizer._model_variables_moving_average):
        np.testing.assert_allclose(variable.numpy(), average.numpy(), rtol=1e-5, atol=1e-6)


def test_a_run_of_the_same_name_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "last.keras").write_bytes(b"precious")
    with pytest.raises(
        ConfigError, match="The run .*tiny already exists. Continue it with --resume, choose another name=… or"
    ):
        train(config_of(), quiet=True, runs=tmp_path)
    assert [path.name for path in folder.iterdir()] == ["last.keras"]
    assert (folder / "last.keras").read_bytes() == b"precious"


def test_there_is_nothing_to_resume_where_nothing_was_started(tmp_path):
    with pytest.raises(ConfigError, match="There is nothing to resume: .*last.keras does not exist. Omit --resume"):
        train(config_of(), resume=True, quiet=True, runs=tmp_path)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    config = config_of(epochs=4)
    whole = train(config, quiet=True, runs=tmp_path / "whole")
    interrupt_in(monkeypatch, epoch=1)
    with pytest.raises(KeyboardInterrupt):
        train(config, quiet=True, runs=tmp_path)
    resumed = train(config, resume=True, quiet=True, runs=tmp_path)
    assert [row["epoch"] for row in history(resumed)] == ["0", "2", "3"]  # what was never measured has no row
    for row, expected in zip(history(resumed)[1:], history(whole)[2:]):
        assert float(row["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-4)
    first, second = (keras.models.load_model(folder / "last.keras") for folder in (whole, resumed))
    assert_equal_weights(first.get_weights(), second.get_weights(), rtol=1e-3, atol=1e-5)
    averages = (model.optimizer._model_variables_moving_average for model in (first, second))
    assert_equal_weights(*averages, rtol=1e-3, atol=1e-5)
    assert int(second.optimizer.iterations) == 8


def test_a_finished_run_can_be_given_more_epochs(tmp_path):
    folder = train(config_of(epochs=1), quiet=True, runs=tmp_path)
    again = train(config_of(epochs=2, learning_rate=0.5), resume=True, quiet=True, runs=tmp_path)
    assert [row["epoch"] for row in history(folder)] == ["0", "1"]
    model = keras.models.load_model(again / "last.keras")
    # The schedule is made for the new end and the new rate, which the run then tells.
    assert model.optimizer._learning_rate.decay_steps == 4
    assert model.optimizer._learning_rate.initial_learning_rate == 0.5
    assert load_config(folder / "config.yaml").training.learning_rate == 0.5
    # With no epoch left it only writes the network again.
    (folder / "model.keras").unlink()
    train(config_of(epochs=2, learning_rate=0.5), resume=True, quiet=True, runs=tmp_path)
    assert [row["epoch"] for row in history(folder)] == ["0", "1"]
    assert (folder / "model.keras").exists()


def test_the_network_to_export_is_the_moving_average(tmp_path):
    config = config_of(ema_momentum=0.5)
    config = config.model_copy(update={"data": config.data.model_copy(update={"validation": ()})})
    folder = train(config, quiet=True, runs=tmp_path)
    assert not (folder / "best.keras").exists()
    assert "val_ap" not in history(folder)[0]
    last = keras.models.load_model(folder / "last.keras")
    exported = keras.models.load_model(folder / "model.keras")
    averages = last.optimizer._model_variables_moving_average
    for variable, average in zip(exported.trainable_variables, averages):
        np.testing.assert_allclose(variable.numpy(), average.numpy(), rtol=1e-5, atol=1e-6)
    assert any(abs(a.numpy() - b.numpy()).max() > 1e-5 for a, b in zip(last.trainable_variables, averages))
    # So it is when it is written again, with no epoch left.
    (folder / "model.keras").unlink()
    train(config, resume=True, quiet=True, runs=tmp_path)
    assert_equal_weights(exported.get_weights(), keras.models.load_model(folder / "model.keras").get_weights())


@pytest.mark.parametrize("ema, momentum", [(0.0, 0.99), (0.9, 0.99), (0.999, 0.999)])
def test_batch_norms_remember_at_least_as_long_as_the_averaged_weights(ema, momentum):
    config = config_of(ema_momentum=ema)
    data = detection.datasets(config)
    network = untrained(detection.resolved(config, data), data)
    assert [layer.momentum for layer in network.layers if hasattr(layer, "momentum")] == [momentum]


def test_mixed_precision_belongs_to_the_network_and_leaves_keras_as_it_was(tmp_path):
    before = keras.config.dtype_policy().name
    folder = train(config_of(mixed_precision="bfloat16", epochs=1), quiet=True, runs=tmp_path)
    model = keras.models.load_model(folder / "last.keras", compile=False)
    assert {layer.dtype_policy.name for layer in model.layers[1:]} == {"mixed_bfloat16"}
    assert all(weight.dtype == np.float32 for weight in model.get_weights())
    assert keras.config.dtype_policy().name == before


def test_sharpness_aware_steps_are_taken_if_asked_for(tmp_path):
    plain, sharp = (
        train(config_of(epochs=1, sharpness_radius=radius), quiet=True, runs=tmp_path / str(radius))
        for radius in (0.0, 0.5)
    )
    apart = [np.abs(a - b).max() for a, b in zip(weights(plain / "model.keras"), weights(sharp / "model.keras"))]
    assert 1e-5 < max(apart) < 0.1


def test_early_stopping_ends_a_run_and_stays_ended(tmp_path, monkeypatch):
    # The evaluation says 0.5 in the first epoch and never better.
    def on_epoch_end(self, epoch, logs=None):
        logs.update(val_ap=0.5 if epoch == 0 else 0.4, val_ap50=0.5)

    monkeypatch.setattr(CocoEvaluation, "on_epoch_end", on_epoch_end)
    config = config_of(epochs=9, early_stopping_epochs=2, ema_momentum=0.0)
    folder = train(config, quiet=True, runs=tmp_path)
    assert len(history(folder)) == 3
    train(config, resume=True, quiet=True, runs=tmp_path)
    assert len(history(folder)) == 4  # it had waited long enough: the first epoch of the resumed run is its last


@pytest.mark.slow
def test_the_real_network_learns_eight_pictures_by_heart(tmp_path):
    config = DetectionConfig(
        name="eight",
        seed=1,
        data=Data(
            format="shapes",
            shapes=Shapes(train=8, val=0, test=0, size_hw=(64, 64)),
            validation=(),
            batch_size=8,
            augmentation=Augmentation(
                mirror=0, scale=(1, 1), aspect=1, shift=0, mosaic=0, brightness=0, contrast=0, saturation=0, hue=0
            ),
        ),
        model=Model(image_size_hw=(64, 64), width=0.25, depth=0.25, anchors_per_head=2, scale_xy=2.0),
        loss=Loss(box_loss="ciou", box_weight=2.0, match_iou=0.5, neighbour_cells=True, ignore_iou=0.6),
        training=Training(
            epochs=2, steps_per_epoch=100, learning_rate=4e-3, warmup_epochs=0.1, ema_momentum=0.9, weight_decay=0
        ),
    )
    folder = train(config, quiet=True, runs=tmp_path)
    data = detection.datasets(config)
    model = keras.models.load_model(folder / "model.keras")
    callback = CocoEvaluation(detection.serving_model(model, config), data.training, data.labels)
    callback.set_params({"epochs": 1})
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs["val_ap50"] == 1
    assert logs["val_ap"] > 0.6
