"""What a run leaves in its folder, whenever it is interrupted."""

import math

import keras
import numpy as np
import pytest

from cnn_suite.run_callbacks import (
    BestCheckpoint,
    FiniteLoss,
    HistoryFile,
    LastCheckpoint,
    ResumableEarlyStopping,
    measured,
    read_history,
)


def network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fitted(model, **options):
    x = np.ones((4, 2), np.float32)
    return model.fit(x, x[:, :1], verbose=0, batch_size=4, **options)


# history.csv


def test_history_keeps_its_columns_whatever_each_epoch_measures(tmp_path):
    history = HistoryFile(tmp_path / "history.csv")
    history.on_epoch_end(0, {"loss": 2.0, "val_ap": math.nan})
    history.on_epoch_end(1, {"loss": np.float32(1.5), "val_ap": 0.25, "val_loss": 3.0})
    assert (tmp_path / "history.csv").read_text().splitlines() == [
        "epoch,loss,val_ap,val_loss",
        "0,2.0,,",
        "1,1.5,0.25,3.0",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_history_goes_on_after_a_resume_in_the_same_columns(tmp_path):
    path = tmp_path / "history.csv"
    HistoryFile(path).on_epoch_end(0, {"loss": 2.0, "val_loss": 3.0})
    again = HistoryFile(path, read_history(path))
    again.on_epoch_end(1, {"loss": 1.0})
    again.on_epoch_end(2, {"loss": 0.5, "val_loss": 2.0, "val_ap": 0.5})
    assert path.read_text().splitlines() == ["epoch,loss,val_loss,val_ap", "0,2.0,3.0,", "1,1.0,,", "2,0.5,2.0,0.5"]
    assert [measured(row, "val_ap") for row in read_history(path)] == [-math.inf, -math.inf, 0.5]


def test_there_is_no_history_where_there_is_no_file(tmp_path):
    assert read_history(tmp_path / "history.csv") == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.5", 0.5), ("", -math.inf), ("NA", -math.inf), ("nan", -math.inf), (None, -math.inf), (0.0, 0.0)],
)
def test_what_was_not_measured_is_less_than_anything(value, expected):
    assert measured({"val_ap": value}, "val_ap") == expected
    assert measured({}, "val_ap") == -math.inf


# last.keras


def test_the_last_checkpoint_has_the_optimiser_and_replaces_the_one_before_in_one_step(tmp_path):
    model = network()
    fitted(model, epochs=3, callbacks=[LastCheckpoint(tmp_path / "last.keras")])
    assert [path.name for path in tmp_path.iterdir()] == ["last.keras"]
    again = keras.models.load_model(tmp_path / "last.keras")
    assert int(again.optimizer.iterations) == 3
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_a_failure_while_saving_leaves_the_checkpoint_of_before(tmp_path):
    path = tmp_path / "last.keras"
    model = network()
    callback = LastCheckpoint(path)
    fitted(model, epochs=1, callbacks=[callback])
    before = path.read_bytes()

    class Killed:
        def save(self, path):
            path.write_bytes(b"half a file")
            raise KeyboardInterrupt

    callback.set_model(Killed())
    with pytest.raises(KeyboardInterrupt):
        callback.on_epoch_end(1)
    assert path.read_bytes() == before


# Early stopping


def stopped_after(values, patience, rows=(), earlier=()):
    """Number of epochs of the phase until it stops, None when it does not."""

    class Model:
        stop_training = False

    callback, model = ResumableEarlyStopping("val_ap", patience, rows, earlier), Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values, start=len(rows)):
        callback.on_epoch_end(epoch, {"val_ap": value})
        if model.stop_training:
            return epoch + 1
    return None


NAN = math.nan


@pytest.mark.parametrize(
    ("values", "patience", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 1, None),
        ([0.1, 0.3, 0.2, 0.3, 0.1], 2, 4),  # as good is not better
        ([NAN, 0.1, NAN, 0.2, NAN, 0.3], 2, None),  # measured every two epochs
        ([NAN, 0.3, NAN, 0.2, NAN, 0.1], 3, 5),
        ([NAN, NAN, 0.0, NAN, NAN, 0.1], 3, None),  # an AP of nought is better than none
    ],
)
def test_early_stopping_counts_epochs_since_the_best(values, patience, expected):
    assert stopped_after(values, patience) == expected


@pytest.mark.parametrize("interrupted", range(1, 5))
def test_early_stopping_goes_on_counting_after_a_resume(interrupted):
    values = [0.1, 0.3, NAN, 0.2, 0.1, 0.2]
    rows = [{"val_ap": "" if math.isnan(value) else str(value)} for value in values[:interrupted]]
    assert stopped_after(values[interrupted:], 4, rows) == stopped_after(values, 4) == 6


@pytest.mark.parametrize(
    ("values", "rows", "expected"),
    [
        ([0.3, 0.4, 0.3], [], 3),  # the whole patience, though the phase before has used up its own
        ([0.3, 0.5, 0.6, 0.7], [], 3),  # what is better than in this phase but not than before does not count
        ([0.3, 0.9, 0.6, 0.7, 0.7], [], 5),
        ([0.4], [{"val_ap": "0.3"}, {"val_ap": "0.3"}], 3),  # resumed
    ],
)
def test_each_phase_has_its_patience_for_itself(values, rows, expected):
    before = [{"val_ap": "0.8"}, {"val_ap": "0.2"}, {"val_ap": "0.2"}, {"val_ap": "0.2"}]
    assert stopped_after(values, 3, rows, before) == expected


def test_early_stopping_does_not_warn_about_epochs_without_measurement(recwarn):
    callback = ResumableEarlyStopping("val_ap", 3)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 1.0})
    assert not recwarn.list


# The best epoch


@pytest.mark.parametrize(
    ("values", "rows", "saved"),
    [
        ([0.1, 0.3, 0.2, 0.4], [], [0, 1, 3]),
        ([NAN, 0.3, None, 0.2], [], [1]),  # None: not measured at all
        ([0.3, 0.5], [{"val_ap": "0.4"}, {"val_ap": ""}], [1]),  # better than before the interruption
    ],
)
def test_the_best_epoch_is_kept_and_others_are_passed_over_without_a_word(tmp_path, recwarn, values, rows, saved):
    written = []

    class Model:
        def save(self, path, overwrite):
            written.append(epoch)

    callback = BestCheckpoint(tmp_path / "best.keras", "val_ap", rows)
    callback.set_model(Model())
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {} if value is None else {"val_ap": value})
    assert written == saved
    assert not recwarn.list


# The loss


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training_and_says_what_to_do(loss):
    with pytest.raises(
        FloatingPointError, match=f"the loss is {loss} at batch 3 of the epoch. Reduce training.learning"
    ):
        FiniteLoss().on_train_batch_end(2, {"loss": loss})


def test_a_loss_that_is_a_number_goes_on():
    FiniteLoss().on_train_batch_end(0, {"loss": 1e30})
    FiniteLoss().on_train_batch_end(0, None)


def test_no_checkpoint_is_written_of_a_loss_that_is_no_number(tmp_path):
    model = network()
    model.compile(keras.optimizers.SGD(1e30), "mse")
    with pytest.raises(FloatingPointError):
        fitted(model, epochs=50, callbacks=[FiniteLoss(), LastCheckpoint(tmp_path / "last.keras")])
    if (tmp_path / "last.keras").exists():
        assert np.isfinite(keras.models.load_model(tmp_path / "last.keras").get_weights()[0]).all()


@pytest.mark.parametrize("monitor, best", [("val_ap", 0), ("val_loss", 1)])
def test_of_a_loss_the_smallest_is_best_and_of_everything_else_the_largest(tmp_path, monitor, best):
    saved = []
    callback = BestCheckpoint(tmp_path / "best.keras", monitor, [])
    callback.set_model(type("Network", (), {"save": lambda self, path, **_: saved.append(path)})())
    for epoch, value in enumerate((0.5, 0.2, float("nan"), 0.3)):
        before = len(saved)
        callback.on_epoch_end(epoch, {monitor: value})
        assert (len(saved) > before) == (epoch == 0 or epoch == best)


@pytest.mark.parametrize("monitor, values, stops_at", [("val_loss", (3, 2, 2.5, 2.2), 3), ("val_ap", (3, 2, 2.5), 2)])
def test_early_stopping_goes_by_the_same_sense(monitor, values, stops_at):
    callback = ResumableEarlyStopping(monitor, 2)
    network = type("Network", (), {"stop_training": False})()
    callback.set_model(network)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {monitor: value})
        assert network.stop_training == (epoch == stops_at)
