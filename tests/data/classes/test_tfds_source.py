"""TensorFlow Datasets: mocked, prepared in a folder, and absent."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from cnn_suite.data.classes.labelled_sources import read_labelled_data  # noqa: E402
from cnn_suite.data.classes.tfds_source import read_tfds  # noqa: E402


def pixels(number, size_hw=(5, 7)):
    return np.random.default_rng(number).integers(0, 256, (*size_hw, 3), np.uint8)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Six pictures for training, one of them without a class, and two for testing."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First."}
    name = "tiny_shapes"

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["round", "square"]),
        }
        return self.dataset_info(features, ("image", "label"))

    def dataset_info(self, features, keys):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=keys)

    def _split_generators(self, manager):
        return {"train": self._generate_examples(range(6)), "test": self._generate_examples(range(10, 12))}

    def _generate_examples(self, numbers):
        for number in numbers:
            yield number, {"image": pixels(number, (5, 7 + number % 2)), "label": -1 if number == 3 else number % 2}


class Boxes(Builder):
    """No classes."""

    name = "tiny_boxes"

    def _info(self):
        return self.dataset_info({"image": tfds.features.Image(), "boxes": tfds.features.BBoxFeature()}, None)


class Depth(Builder):
    """Pictures of 16 bits."""

    name = "tiny_depth"

    def _info(self):
        image = tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16)
        return self.dataset_info({"image": image, "label": tfds.features.ClassLabel(num_classes=2)}, ("image", "label"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    Builder(data_dir=folder).download_and_prepare()
    return folder


def test_a_prepared_data_set_is_read_from_its_folder(prepared, caplog):
    data = read_tfds("tiny_shapes", str(prepared))
    assert data.labels == ("round", "square") and data.root == "tfds:tiny_shapes"
    assert {name: len(part) for name, part in data.splits.items()} == {"train": 5, "test": 2}
    assert "tiny_shapes: 1 pictures of train have no class and are omitted" in caplog.text
    part = data.splits["train"]
    assert sorted(part.class_ids.tolist()) == [0, 0, 0, 1, 1] and part.class_ids.dtype == np.int32
    assert part.names[0] == "tfds:tiny_shapes:train[0]"
    wanted = {pixels(n, (5, 7 + n % 2)).tobytes(): n % 2 for n in (0, 1, 2, 4, 5)}  # PNG loses nothing
    found = {part.load(i).tobytes(): int(part.class_ids[i]) for i in range(5)}
    assert found == wanted
    assert part.content(0).startswith(b"\x89PNG") and len(set(part.fingerprints().tolist())) == 5


def test_the_order_is_the_same_every_time(prepared):
    first, second = (read_tfds("tiny_shapes", str(prepared)).splits["train"] for _ in range(2))
    assert first.fingerprints().tolist() == second.fingerprints().tolist()


def test_a_configurations_format_and_path_lead_to_it(prepared):
    data = read_labelled_data(str(prepared), "tfds:tiny_shapes", ["a", "b"])
    assert data.labels == ("a", "b") and set(data.splits) == {"train", "test"}
    with pytest.raises(ValueError, match="tfds:tiny_shapes has classes up to 1, but data.labels has 1 names"):
        read_labelled_data(prepared, "tfds:tiny_shapes", ["a"])


@pytest.mark.parametrize(("name", "channels"), [("cifar10", 3), ("mnist", 1)])
def test_mocked_data_sets_are_read_without_a_folder(name, channels):
    with tfds.testing.mock_data(num_examples=4):
        data = read_labelled_data("", f"tfds:{name}")
    assert len(data.labels) == 10 and set(data.splits) == {"train", "test"}
    part = data.splits["train"]
    assert len(part) == 4 and part.load(0).dtype == np.uint8
    assert part.load(0).shape == ((32, 32, 3) if channels == 3 else (28, 28, 3))


def test_what_is_not_prepared_says_where_it_looked_and_how_to_prepare_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_tfds("cifar10", str(tmp_path))
    text = str(caught.value)
    assert text.startswith(f"tfds:cifar10 is not prepared: {tmp_path}/cifar10/")
    assert f"tfds.builder('cifar10', data_dir='{tmp_path}').download_and_prepare()" in text
    assert "data.path" in text
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_refused_with_the_place_that_was_searched(tmp_path):
    with pytest.raises(ValueError, match=rf"has no data set 'no_such_set', and none is prepared in {tmp_path}"):
        read_tfds("no_such_set", str(tmp_path))


@pytest.mark.parametrize(("builder", "keys"), [(Boxes, "no pairs"), (Depth, r"\('image', 'label'\)")])
def test_a_data_set_without_pairs_of_picture_and_class_is_refused_by_name(tmp_path, monkeypatch, builder, keys):
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir, try_gcs: builder(data_dir=data_dir))
    with pytest.raises(
        ValueError, match=rf"tfds:{builder.name} is not a classification data set.*It provides {keys} out of"
    ):
        read_tfds(builder.name, str(tmp_path))
