"""The style task: its data, its loss by hand, a short training through the verbs, serving graph and refusals."""

import csv
from types import SimpleNamespace

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config import ConfigError, load_config
from cnn_suite.data.photo_crops import PhotoCrops
from cnn_suite.export import export_model
from cnn_suite.models.stylizer import VARIANTS, stylizer
from cnn_suite.ops.style import content_cost, mean_gram, style_cost, total_variation
from cnn_suite.results import ModelCard
from cnn_suite.runtime.style.stylizer import load_stylizer
from cnn_suite.tasks import style, style_loss
from cnn_suite.tasks.style_loss import PerceptualLoss, mixtures, perceptual_loss, style_numbers
from cnn_suite.tasks.style_serving import StyleServing
from cnn_suite.tasks.style_start import beginnings
from cnn_suite.train import train, untrained
from tests.small_perception import small_perception


def noise(size_hw, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Photographs to train on and to measure on, two paintings, and a configuration."""
    folder = tmp_path_factory.mktemp("style")
    for part, count in (("photos", 3), ("holiday", 2)):
        (folder / part).mkdir()
        for number in range(count):
            cv2.imwrite(str(folder / part / f"{number}.png"), noise((40, 50 + number), number))
    for number, name in enumerate(("waves", "lines")):
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(noise((5, 6 + number), 9), (60, 40)))
    (folder / "brush.yaml").write_text(
        f"""
name: brush
task: style
data:
  photos: [{folder}/photos]
  validation: [{folder}/holiday]
  paintings:
    - {{name: waves, path: {folder}/waves.png, size: 48}}
    - {{name: lines, path: {folder}/lines.png, size: 40, strength: 2.0}}
  smallest_side: 32
  crop: 32
  batch_size: 2
training: {{epochs: 2, steps_per_epoch: 6, warmup_epochs: 0, ema_momentum: 0.0, learning_rate: 0.003, tv: 0.1}}
export: {{formats: [litert]}}
"""
    )
    return folder


def config_of(root, *overrides):
    return load_config(root / "brush.yaml", overrides)


@pytest.fixture(scope="module", autouse=True)
def _small_networks():
    """A network of few random weights in place of ImageNet's, and a thin one with few layers."""

    def load(backbone, weights, *, pooling):
        assert (backbone, weights, pooling) == ("squeezenet", "", "max")
        return small_perception()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style_loss, "load_perception", load)
        patch.setitem(VARIANTS, "thin", VARIANTS["thin"]._replace(blocks=1))
        yield


# The data


def test_styles_are_the_paintings_and_pictures_the_photographs(root):
    config = config_of(root)
    data = style.datasets(config)
    assert data.labels == ("waves", "lines")
    assert (len(data.training), len(data.validation)) == (3, 2)
    assert style.resolved(config, data).data.labels == ("waves", "lines")
    assert style.steps_per_epoch(config, data) == 6
    assert style.steps_per_epoch(config_of(root, "training.steps_per_epoch=null"), data) == 1000  # 2,000 photographs


def test_the_place_in_a_batch_says_the_style(root):
    assert style_numbers(5, 2).numpy().tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_array_equal(mixtures(3, 2), [[1, 0], [0, 1], [1, 0]])
    config = config_of(root)
    data = style.datasets(config)
    batches = list(style.training_dataset(config, data, None, 0, 1))
    assert len(batches) == 6
    (photos, mixture), targets = batches[0]
    assert photos.shape == (2, 32, 32, 3) and photos.dtype == tf.float32
    np.testing.assert_array_equal(mixture, np.eye(2))
    np.testing.assert_array_equal(targets, photos)


def test_each_photograph_is_measured_in_every_style(root):
    config = config_of(root)
    data = style.datasets(config)
    batches = list(style.validation_dataset(config, data, None))
    assert len(batches) == 2
    (photos, mixture), targets = batches[1]
    np.testing.assert_array_equal(photos, np.stack([data.validation.still(1)[0]] * 2))
    np.testing.assert_array_equal(mixture, np.eye(2))
    np.testing.assert_array_equal(targets, photos)
    none = style.Datasets(data.labels, data.training, PhotoCrops([], 32))
    assert style.validation_dataset(config, none, None) is None


def test_one_style_needs_no_mixture(root):
    config = config_of(root, f"data.paintings=[{{name: waves, path: {root}/waves.png}}]")
    inputs, targets = next(iter(style.training_dataset(config, style.datasets(config), None, 0, 1)))
    np.testing.assert_array_equal(inputs, targets)
    assert len(style.network(config, 1).inputs) == 1


def test_missing_paintings_and_photographs_are_refused(root):
    with pytest.raises(ConfigError, match="data.paintings: there is no painting none.png"):
        style.datasets(config_of(root, "data.paintings=[{name: waves, path: none.png}]"))
    cv2.imwrite(str(root / "dot.png"), noise((1, 1)))
    with pytest.raises(
        ConfigError, match="data.paintings: .*dot.png has 1 x 1 pixels. Both sides must have at least 16 pixels"
    ):
        style.datasets(config_of(root, f"data.paintings=[{{name: dot, path: {root}/dot.png}}]"))
    with pytest.raises(FileNotFoundError, match="The folder of photographs nowhere does not exist"):
        style.datasets(config_of(root, "data.photos=[nowhere]"))
    with pytest.raises(FileNotFoundError, match="contains no photographs with sides of at least 41 pixels"):
        style.datasets(config_of(root, "data.smallest_side=41"))


def test_sample_pictures_are_squares_of_the_validation_photographs_where_there_are_any(root):
    config = config_of(root)
    assert [picture.shape for picture in style.sample_pictures(config, 8)] == [(32, 32, 3)] * 2
    assert len(style.sample_pictures(config, 8, training=True)) == 3
    assert len(style.sample_pictures(config, 2, training=True)) == 2
    assert len(style.sample_pictures(config_of(root, "data.validation=[]"), 8)) == 3
    assert style.sample_pictures(config_of(root, "data.validation=[nowhere]"), 8) == []


# The loss


def test_the_loss_is_j_of_every_picture_in_its_own_style():
    seen, paintings = small_perception(), [noise((40, 50), seed).astype(np.float32) for seed in (1, 2)]
    loss = PerceptualLoss(seen, paintings, [1.0, 3.0], alpha=2.0, beta=5.0, tv=0.5)
    photos, painted = (np.stack([noise((24, 30), seed + n) for n in range(3)]).astype(np.float32) for seed in (10, 20))
    expected = []
    for number in range(3):
        found, wanted, target = (
            seen.features(picture[None]) for picture in (painted[number], photos[number], paintings[number % 2])
        )
        styles = [style_cost(mean_gram(found[name]), mean_gram(target[name]))[0] for name in ("conv1", "last")]
        content = content_cost(found["last"], wanted["last"])[0]
        mean = (styles[0] + 0.5 * styles[1]) / 1.5 * (1.0, 3.0)[number % 2]
        expected.append(2 * content + 5 * mean + 0.5 * total_variation(painted[number : number + 1])[0])
    np.testing.assert_allclose(loss(tf.constant(photos), tf.constant(painted)), expected, rtol=1e-4)


def test_its_gradient_reaches_the_painted_pictures_alone():
    loss = PerceptualLoss(small_perception(), [noise((40, 50)).astype(np.float32)], [1.0], 1.0, 1.0, 1.0)
    photos, painted = (tf.constant(noise((24, 30), seed)[None], tf.float32) for seed in (3, 4))
    with tf.GradientTape() as tape:
        tape.watch([photos, painted])
        cost = loss(photos, painted)
    by_photo, by_painted = tape.gradient(cost, [photos, painted])
    assert by_photo is None or np.abs(by_photo).max() == 0
    assert np.abs(by_painted).max() > 0


def test_the_loss_of_a_configuration_has_its_weights_sizes_and_precision(root, monkeypatch):
    config, policies = config_of(root, "training.beta=7", "training.mixed_precision=bfloat16"), []

    def load(backbone, weights, *, pooling):
        policies.append(keras.config.dtype_policy().name)
        return small_perception()

    monkeypatch.setattr(style_loss, "load_perception", load)
    loss = perceptual_loss(config)
    assert policies == ["mixed_bfloat16"] and keras.config.dtype_policy().name == "float32"
    photo = tf.constant(np.stack([noise((32, 32))] * 2), tf.float32)
    parts, total = loss.parts(photo, photo), loss(photo, photo)
    np.testing.assert_array_equal(parts.content, [0, 0])
    np.testing.assert_allclose(total, 7 * parts.style + 0.1 * parts.variation, rtol=1e-5)
    assert total.dtype == tf.float32
    twice = perceptual_loss(config_of(root, "training.beta=7", f"data.paintings=[{PAINTED.format(root=root)}]"))
    np.testing.assert_allclose(twice.parts(photo, photo).style[0], 2 * parts.style[0], rtol=0.03)  # 8 bits of mantissa


PAINTED = "{{name: a, path: {root}/waves.png, size: 48, strength: 2.0}}, {{name: b, path: {root}/lines.png, size: 40}}"


# Training and export


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    return train(config_of(root), quiet=True, runs=tmp_path_factory.mktemp("runs"))


def test_a_short_training_lowers_the_loss_and_keeps_a_history(run):
    with open(run / "history.csv", newline="", encoding="utf-8") as file:
        first, last = csv.DictReader(file)
    assert float(last["val_loss"]) < 0.9 * float(first["val_loss"])
    assert float(last["loss"]) < float(first["loss"])
    assert load_config(run / "config.yaml").data.labels == ("waves", "lines")
    model = keras.models.load_model(run / "model.keras", compile=False)
    assert style.classes_of(model) == 2
    norms = [layer for layer in model.layers if layer.name.endswith("_norm")]
    assert all(np.abs(np.diff(layer.gamma, axis=0)).max() > 0 for layer in norms[-1:])  # the styles part


def test_a_compiled_network_is_ready_for_fit(root):
    config = config_of(root, "training.jit=true")
    data = style.datasets(config)
    model = untrained(config, data)
    assert model.compiled and model.jit_compile and model.loss and len(model.inputs) == 2
    assert style.monitor(model) == "val_loss" and style.callbacks(config, data, model) == []


# Beginning with another network


def test_styles_begin_as_themselves_or_as_the_mean_of_all():
    expected = [[0.5, 0.5], [0, 1], [1, 0]]
    np.testing.assert_array_equal(beginnings(["new", "lines", "waves"], ("waves", "lines")), expected)
    np.testing.assert_array_equal(beginnings(["new"], ("",)), [[1]])


def started_from(root, start, *paintings, variant="thin"):
    """The network of a training that starts from another one."""
    listed = ", ".join(f"{{name: {name}, path: {root}/waves.png}}" for name in paintings)
    config = config_of(root, f"model.pretrained={start}", f"model.variant={variant}", f"data.paintings=[{listed}]")
    data = style.datasets(config)
    return style.network(style.resolved(config, data), len(data.labels))


def test_a_training_starts_from_the_styles_of_a_run(root, run):
    theirs = keras.models.load_model(run / "model.keras", compile=False)
    photo = noise((24, 30), 7)[None].astype(np.float32)
    lines, mean = (theirs([photo, np.float32([mixture])]) for mixture in ([0, 1], [0.5, 0.5]))
    close = {"rtol": 1e-4, "atol": 1e-2}
    np.testing.assert_allclose(started_from(root, run, "lines")(photo), lines, **close)
    np.testing.assert_allclose(started_from(root, run, "other")(photo), mean, **close)
    both = started_from(root, run, "other", "lines")
    np.testing.assert_allclose(both([photo, np.float32([[0, 1]])]), lines, **close)
    alone = started_from(root, copied(run / "model.keras", root / "alone.keras"), "lines")
    np.testing.assert_allclose(alone(photo), mean, **close)  # the file alone does not tell its styles' names


def copied(source, target):
    return target.write_bytes(source.read_bytes()) and target


def test_what_is_no_network_of_the_variant_is_refused(root, run):
    with pytest.raises(ConfigError, match="model.pretrained: .* does not fit. `source` must have no more layers"):
        started_from(root, run, "lines", variant="johnson")
    with pytest.raises(ConfigError, match="model.pretrained: There is no model 'none'"):
        started_from(root, "none", "lines")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export_model(run, tmp_path_factory.mktemp("models") / "brush")


def test_the_exported_network_paints_pictures_of_any_size_in_any_mixture(exported, run):
    network = load_stylizer(exported)
    assert network.labels == ("waves", "lines")
    serving = StyleServing(keras.models.load_model(run / "model.keras", compile=False))
    for size_hw, mixture in (((32, 32), (1, 0)), ((41, 27), (0, 1)), ((8, 9), (1, 3))):
        picture = noise(size_hw, 5)
        painted = network(picture, mixture)
        assert painted.shape == picture.shape and painted.dtype == np.uint8
        weights = tf.constant(np.array(mixture, np.float32) / sum(mixture))
        expected = np.asarray(serving.painted(tf.constant(picture[None]), weights)["images"][0], int)
        assert np.abs(expected - painted).max() <= 2


def test_the_card_says_what_it_is(exported):
    card = ModelCard.read(exported)
    assert (card.task, card.labels, card.thresholds) == ("style", ("waves", "lines"), {})
    assert card.model["styles"] == 2 and card.model["builder"] == "stylizer"
    assert card.input["smallest_side"] == 8 and card.input["network_size_hw"] is None
    assert "(2,)" in card.input["mixture"]
    assert card.parity["litert"]["pixel"] <= 2


# Serving


@pytest.mark.parametrize("styles", [1, 2])
def test_serving_gives_whole_numbers_from_0_to_255_first_style_first(styles):
    keras.utils.set_random_seed(0)
    model = stylizer(styles=styles, variant="thin")
    last = model.get_layer("picture_conv")
    last.set_weights([np.random.default_rng(0).normal(0, 0.5, weight.shape) for weight in last.get_weights()])
    serving = StyleServing(model)
    pictures = np.stack([noise((20, 23), seed) for seed in (1, 2)])
    found = serving.answer(tf.constant(pictures))["images"]
    assert found.shape == pictures.shape and found.dtype == tf.uint8
    inputs = pictures.astype(np.float32)
    network = model(inputs if styles == 1 else [inputs, np.array([[1, 0], [1, 0]], np.float32)])
    expected = np.clip(np.round(network), 0, 255)
    assert expected.min() == 0 and expected.max() == 255 and np.abs(found - expected).max() <= 1
    names = ["serving_default", "mixed"][:styles]
    assert list(serving.signatures) == list(serving.one_picture_signatures) == names
    assert serving.card()["model"] == {"styles": styles} and ("mixture" in serving.card()["input"]) == (styles > 1)
    if styles == 2:
        mixed = serving.painted(tf.constant(pictures), tf.constant([1.0, 0.0]))["images"]
        np.testing.assert_array_equal(mixed, found)
    np.testing.assert_array_equal(serving.on_input(pictures[0]), pictures[0])


# Two rows of three squares, 240 pixels high, of what `fit` gets first.
def test_the_sheet_shows_the_squares_that_training_begins_with(root, tmp_path):
    config = config_of(root, "data.hue=0.5", "data.mosaic=true", "data.batch_size=4")
    data = style.datasets(config)
    assert style.counts(data) == {"training": {"pictures": 3}, "validation": {"pictures": 2}}
    style.write_training_sheet(tmp_path / "new" / "sheet.png", config, data, rows=2, columns=3)
    sheet = cv2.imread(str(tmp_path / "new" / "sheet.png"))[..., ::-1]
    assert sheet.shape == (2 * 244, 3 * 240, 3)
    first, second = (photos.numpy() for (photos, _), _ in style.training_dataset(config, data, None).take(2))
    for number, photo in enumerate([*first, *second[:2]]):
        top, left = 244 * (number // 3), 240 * (number % 3)
        shown = cv2.resize(sheet[top : top + 240, left : left + 240], (32, 32), interpolation=cv2.INTER_AREA)
        assert abs(shown.astype(float) - photo).mean() < 12


def test_colours_change_at_random_and_with_the_seed_alone(root):
    def first(*overrides):
        config = config_of(root, *overrides)
        (photos, _), _ = next(iter(style.training_dataset(config, style.datasets(config), None)))
        return photos.numpy()

    plain, changed = first(), first("data.brightness=0.3", "data.saturation=0.5")
    assert abs(plain - changed).mean() > 5
    np.testing.assert_array_equal(changed, first("data.brightness=0.3", "data.saturation=0.5"))
    assert len({round(float(photo.mean() - before.mean()), 2) for photo, before in zip(changed, plain)}) == 2


def test_settings_of_chance_are_those_of_the_data(root):
    crops = PhotoCrops([[noise((40, 50))]], 16)
    square, _ = crops.random(0, np.random.default_rng(0), config_of(root).data)
    same, _ = crops.random(0, np.random.default_rng(0), SimpleNamespace(scale=(0.5, 1.0), mosaic=False, collage=0.0))
    np.testing.assert_array_equal(square, same)
