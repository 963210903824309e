"""The classification task: its parts of the data, its networks, its training, on pictures made here."""

import functools
import shutil

import cv2
import keras
import numpy as np
import pytest

from cnn_suite import models
from cnn_suite.config import ConfigError, load_config, save_config
from cnn_suite.config_classification import (
    Augmentation,
    ClassificationConfig,
    Data,
    Export,
    Model,
    Training,
)
from cnn_suite.config_sections import Phase
from cnn_suite.export import export_model
from cnn_suite.results import ModelCard
from cnn_suite.run_callbacks import read_history
from cnn_suite.tasks import classification
from cnn_suite.train import train

LABELS = ("blue", "green", "red")


def draw(class_id, number, side=16):
    """A picture in which one colour is the strongest; no two are the same."""
    image = np.random.default_rng(1000 * class_id + number).integers(0, 120, (side, side, 3), np.uint8)
    image[..., class_id] += 120
    return image  # BGR, as OpenCV writes it


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("colours")
    for class_id, label in enumerate(LABELS):
        (root / label).mkdir()
        for number in range(20):
            cv2.imwrite(str(root / label / f"{number:02}.png"), draw(class_id, number))
    return root


def config_of(folder, *, data=None, model=None, training=None, **more):
    training = training or {}
    short = {} if "phases" in training else {"epochs": 2, "learning_rate": 0.05, "warmup_epochs": 0.0}
    return ClassificationConfig(
        name="colours",
        data=Data(
            path=str(folder),
            held_out=0.2,
            batch_size=8,
            augmentation=Augmentation(mirror=0.5, shift=0.1),
            **(data or {}),
        ),
        model=Model(**{"builder": "resnet20", "image_size_hw": (16, 16)} | (model or {})),
        training=Training(**short | training),
        **more,
    )


def test_a_share_of_every_class_is_held_out(folder):
    data = classification.datasets(config_of(folder))
    assert data.labels == LABELS
    assert np.bincount(data.training.class_ids).tolist() == [16, 16, 16]
    assert np.bincount(data.validation.class_ids).tolist() == [4, 4, 4]
    assert not set(data.training.names) & set(data.validation.names)
    assert classification.counts(data)["training"] == {"pictures": 48, "blue": 16, "green": 16, "red": 16}


def test_what_was_held_out_stays_held_out_when_pictures_are_taken_away(folder, tmp_path):
    config = config_of(shutil.copytree(folder, tmp_path / "pictures"))
    before = classification.datasets(config)
    config = classification.resolved(config, before)
    for name in before.validation.names[:2]:
        (tmp_path / "pictures" / name).unlink()
    after = classification.datasets(config)
    assert after.validation.names == before.validation.names[2:]
    assert after.training.names == before.training.names
    fewer = config.model_copy(update={"data": config.data.model_copy(update={"held_out_up_to": ("00",)})})
    with pytest.raises(ConfigError, match="held_out_up_to: must have an entry for each of the 3 classes .* Received 1"):
        classification.datasets(fewer)


def test_few_pictures_a_class_are_taken_from_the_training_part_alone(folder):
    whole = classification.datasets(config_of(folder))
    few = classification.datasets(config_of(folder, data={"pictures_per_class": 3}))
    assert np.bincount(few.training.class_ids).tolist() == [3, 3, 3]
    assert few.validation.names == whole.validation.names
    assert set(few.training.names) < set(whole.training.names)


def test_validation_pictures_that_are_trained_on_leave_training(folder, tmp_path, caplog):
    for split, numbers in (("train", range(6)), ("val", range(4, 8))):
        for class_id, label in enumerate(LABELS):
            (tmp_path / split / label).mkdir(parents=True)
            for number in numbers:
                cv2.imwrite(str(tmp_path / split / label / f"{split}{number}.png"), draw(class_id, number))
    data = classification.datasets(config_of(tmp_path, data={"validation": ("val",)}))
    assert (len(data.training), len(data.validation)) == (12, 12)
    assert "6 training examples are validation examples too" in caplog.text


def test_an_unknown_split_is_refused_with_what_there_is(folder):
    with pytest.raises(ConfigError, match="has no split 'holiday'. Known splits: train"):
        classification.datasets(config_of(folder, data={"train": ("holiday",)}))


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    (tmp_path / "one/red").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "one/red/1.png"), draw(0, 0))
    for labels in ((), LABELS):
        with pytest.raises(ConfigError, match="/one has examples of one class, 'red', and a classifier tells"):
            classification.datasets(config_of(tmp_path / "one", data={"labels": labels}))


def test_resolving_fills_in_the_labels(folder):
    config = config_of(folder)
    assert classification.resolved(config, classification.datasets(config)).data.labels == LABELS


def test_an_unknown_builder_or_option_is_refused(folder):
    with pytest.raises(ConfigError, match="model.builder: unknown builder 'resnet21'. Did you mean"):
        classification.network(config_of(folder, model={"builder": "resnet21"}), 3)
    with pytest.raises(ConfigError, match="model.builder: cannot load 'nowhere:net'"):
        classification.network(config_of(folder, model={"builder": "nowhere:net"}), 3)
    config = config_of(folder, model={"builder": "lenet5", "options": {"varaint": "relu"}})
    with pytest.raises(ConfigError, match="model.options: lenet5 takes no 'varaint'. Known: .*variant"):
        classification.network(config, 3)


@pytest.mark.parametrize(("dropout", "rates"), [(None, [0.5]), (0.0, []), (0.2, [0.2])])
def test_a_dropout_of_nothing_is_not_the_same_as_no_word_about_it(folder, dropout, rates):
    model = {"builder": "squeezenet", "image_size_hw": (35, 35), "dropout": dropout}
    network = classification.network(config_of(folder, model=model), 3)
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == rates


def test_a_dropout_that_a_builder_does_not_take_is_refused(folder):
    config = config_of(folder, model={"builder": f"{__name__}:branched", "dropout": 0.5})
    with pytest.raises(ConfigError, match="branched takes no 'dropout'. Known: image_shape, classes"):
        classification.network(config, 3)


def bodied(image_shape, classes, include_top=True, weights=None):
    """A body whose first bias is the number in a text file of weights."""
    image = keras.Input(image_shape)
    convolution = keras.layers.Conv2D(2, 3, name="conv")
    body = keras.Model(image, convolution(image))
    convolution.bias.assign([float(weights.read_text())] * 2)
    return body


def test_pulled_weights_are_known_by_their_name(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    config = config_of(folder, model={"builder": f"{__name__}:bodied", "pretrained": "squeezenet1.1-notop"})
    with pytest.raises(ConfigError, match="model.pretrained: .* `cnn-suite pull squeezenet1.1-notop` fetches it"):
        classification.network(config, 3)
    file = tmp_path / "files/squeezenet1.1-notop/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
    file.parent.mkdir(parents=True)
    file.write_text("7")
    network = classification.network(config, 3)
    assert network.get_layer("conv").get_weights()[1].tolist() == [7, 7] and network.output_shape == (None, 3)


def same_weights(network, other, name):
    """Whether a layer of two networks has the same weights."""
    pairs = zip(network.get_layer(name).get_weights(), other.get_layer(name).get_weights())
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("named", ["folder", "file"])
def test_a_classifier_starts_from_another_one_of_any_size_and_classes(folder, tmp_path, named):
    source = models.resnet20((32, 32, 3), 5)
    source.get_layer("conv4_block3").set_weights([w + 1 for w in source.get_layer("conv4_block3").get_weights()])
    source.save(tmp_path / "model.keras")
    pretrained = str(tmp_path if named == "folder" else tmp_path / "model.keras")
    network = classification.network(config_of(folder, model={"pretrained": pretrained, "dropout": 0.3}), 3)
    assert network.input_shape == (None, 16, 16, 3) and network.output_shape == (None, 3)
    names = [layer.name for layer in network.layers if layer.weights]
    assert [name for name in names if not same_weights(network, source, name)] == ["predictions"]
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [0.3]


def test_another_body_is_refused_and_so_is_what_is_not_there(folder, tmp_path):
    models.lenet5((28, 28, 1), 5).save(tmp_path / "lenet5.keras")
    for words, says in [
        (str(tmp_path / "lenet5.keras"), "lenet5.keras does not fit. `source` must have the same body as resnet20"),
        (str(tmp_path / "none.keras"), "there is no file .*none.keras. `cnn-suite train` writes model.keras"),
        (str(tmp_path), "there is no file .*model.keras"),
        ("squeezenet1.1-notopp", "There is no model .* Did you mean 'squeezenet1.1-notop'"),
    ]:
        with pytest.raises(ConfigError, match=f"model.pretrained: .*{says}"):
            classification.network(config_of(folder, model={"pretrained": words}), 3)


@pytest.mark.parametrize(
    ("builder", "options"),
    [
        ("face_embedding", {}),
        ("stylizer", {}),
        ("resnet20", {"include_top": False}),
        ("resnet20", {"classifier_activation": "relu"}),
    ],
)
def test_a_network_that_is_no_classifier_is_refused_before_training(folder, builder, options):
    model = {"builder": builder, "options": options, "image_size_hw": (32, 32)}
    with pytest.raises(ConfigError, match=f"model.builder: {builder} must "):
        classification.network(config_of(folder, model=model), 3)


def test_a_builder_may_be_named_by_its_module(folder):
    config = config_of(folder, model={"builder": "cnn_suite.models.lenet:lenet5", "image_size_hw": (28, 28)})
    assert classification.network(config, 3).output_shape == (None, 3)


def test_pictures_weigh_as_their_classes_if_asked_to(folder):
    config = config_of(folder, training={"class_weights": "balanced"})
    data = classification.datasets(config)
    data = classification.Datasets(data.labels, data.training.take(range(16 + 4)), data.validation)  # 16, 4 and none
    batches = classification.training_dataset(config, data, classification.network(config, 3))
    images, shares, weights = next(batches.as_numpy_iterator())
    np.testing.assert_allclose(weights, shares @ [20 / 3 / 16, 20 / 3 / 4, 20 / 3], rtol=1e-6)


@pytest.mark.slow
def test_training_learns_the_colours_and_keeps_the_best(folder, tmp_path):
    run = train(config_of(folder, training={"epochs": 6}), quiet=True, runs=tmp_path)
    rows = read_history(run / "history.csv")
    assert len(rows) == 6 and float(rows[-1]["val_accuracy"]) == 1
    assert load_config(run / "config.yaml").data.labels == LABELS
    model = keras.models.load_model(run / "model.keras", compile=False)
    assert model.output_shape == (None, 3)


def test_a_damaged_picture_is_named_where_pictures_are_read_during_training(folder, tmp_path):
    root = shutil.copytree(folder, tmp_path / "colours")
    (root / "red" / "07.png").write_bytes((root / "red" / "07.png").read_bytes()[:40])
    config = config_of(root, data={"cache": "none"}, training={"epochs": 1})
    with pytest.raises(ValueError, match="07.png cannot be decoded as a picture. .* `cnn-suite doctor` lists all"):
        train(config, quiet=True, runs=tmp_path)


PHASES = (
    Phase(epochs=2, train="head", learning_rate=0.05),
    Phase(epochs=2, train="fc3", learning_rate=0.01, layer_decay=0.5),
)
SMALL = {"builder": "lenet5", "image_size_hw": (12, 12), "options": {"variant": "relu"}}


@pytest.mark.slow
def test_phases_train_one_after_the_other_and_only_what_they_name(folder, tmp_path):
    config = config_of(folder, model=SMALL, training={"phases": PHASES})
    run = train(config, quiet=True, runs=tmp_path)
    assert [row["epoch"] for row in read_history(run / "history.csv")] == ["0", "1", "2", "3"]
    keras.utils.set_random_seed(config.seed)
    untrained = classification.network(config, 3)
    last = classification.network(config, 3)
    last.load_weights(run / "last.keras")
    moved = {
        new.path.split("/")[0]
        for new, old in zip(last.weights, untrained.weights)
        if np.abs(new.numpy() - old.numpy()).max() > 0
    }
    assert moved == {"fc3", "fc4", "predictions"}


@pytest.mark.parametrize(("layer", "says"), [("fc9", "has no layer 'fc9'"), ("last", "no weights to learn")])
def test_a_mistake_in_a_later_phase_is_told_before_the_first_is_trained(folder, tmp_path, layer, says):
    later = (*PHASES, Phase(epochs=1, train=layer, learning_rate=0.01))
    config = config_of(folder, model={"builder": f"{__name__}:ends_without_weights"}, training={"phases": later})
    with pytest.raises(ConfigError, match=rf"training.phases.2.train: .*{says}"):
        train(config, quiet=True, runs=tmp_path)
    assert not (tmp_path / "colours/last.keras").exists()


def ends_without_weights(image_shape, classes):
    """A network whose last layer, the softmax, has no weights."""
    image = keras.Input(image_shape)
    x = keras.layers.GlobalAveragePooling2D()(image)
    x = keras.layers.Dense(classes, name="fc3")(x)
    return keras.Model(image, keras.layers.Softmax(name="last")(x))


@pytest.fixture(scope="module")
def uninterrupted(folder, tmp_path_factory):
    """Gives the run of a configuration in a precision, trained once."""
    return functools.cache(
        lambda precision: train(in_phases(folder, precision), quiet=True, runs=tmp_path_factory.mktemp("whole"))
    )


def in_phases(folder, precision):
    return config_of(folder, model=SMALL, training={"phases": PHASES, "mixed_precision": precision})


@pytest.mark.slow
@pytest.mark.parametrize(("stop_after", "precision"), [(1, "none"), (2, "none"), (3, "none"), (3, "float16")])
def test_an_interrupted_run_goes_on_in_the_right_phase_and_ends_like_an_uninterrupted_one(
    folder, uninterrupted, tmp_path, monkeypatch, stop_after, precision
):
    config, whole = in_phases(folder, precision), uninterrupted(precision)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == stop_after:
                raise KeyboardInterrupt

    usual = classification.callbacks
    with monkeypatch.context() as patch:
        patch.setattr(classification, "callbacks", lambda *arguments: [*usual(*arguments), Stop()])
        with pytest.raises(KeyboardInterrupt):
            train(config, quiet=True, runs=tmp_path / "parts")
    parts = train(config, resume=True, quiet=True, runs=tmp_path / "parts")
    wanted, found = (classification.network(config, 3) for _ in range(2))
    wanted.load_weights(whole / "last.keras")
    found.load_weights(parts / "last.keras")
    for expected, weight in zip(wanted.weights, found.weights):
        np.testing.assert_allclose(weight.numpy(), expected.numpy(), rtol=2e-2, atol=2e-3)


def branched(image_shape, classes):
    """A network of three outputs under the names that GoogLeNet gives its own."""
    image = keras.Input(image_shape)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = ("predictions", "auxiliary1", "auxiliary2")
    return keras.Model(image, {name: keras.layers.Dense(classes, "softmax", name=name)(x) for name in outputs})


def test_side_branches_help_to_train_and_are_not_served(folder, tmp_path):
    model = {"builder": f"{__name__}:branched"}
    config = config_of(folder, model=model, training={"epochs": 1, "steps_per_epoch": 1, "optimizer": "adamw"})
    run = train(config, quiet=True, runs=tmp_path)
    (row,) = read_history(run / "history.csv")
    assert {"val_predictions_accuracy", "auxiliary1_loss", "auxiliary2_loss"} <= set(row)
    network = keras.models.load_model(run / "model.keras", compile=False)
    assert classification.classes_of(network) == 3
    card = ModelCard.read(export_model(run, tmp_path / "model", formats=["litert"]))
    served = keras.models.load_model(tmp_path / "model" / "model.keras", compile=False)
    assert served.count_params() == card.model["parameters"] < network.count_params()
    assert served.output_shape == (None, 3) and card.parity["litert"]["probability"] < 1e-4


def test_augmentation_may_be_a_layer_of_the_network(folder):
    config = config_of(folder, data={"augment_in": "model", "margin": 1.5})
    data = classification.datasets(config)
    network = classification.network(config, 3)
    assert network.layers[1].name == "augmentation"
    images, _ = next(iter(classification.training_dataset(config, data, network)))
    assert images.shape == (8, 24, 24, 3)  # as they are kept, unchanged
    first, second = (np.asarray(network(images, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0
    middle = np.asarray(network(images[:, 4:20, 4:20], training=False))
    np.testing.assert_allclose(network(images, training=False), middle, rtol=1e-5)


def test_the_configuration_survives_saving(folder, tmp_path):
    config = config_of(folder, training={"phases": PHASES}, export=Export(mirror=True))
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
