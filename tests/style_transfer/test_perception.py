"""What sees content and style: layers and weights, known networks, poolings, what is said where weights are missing."""

import keras
import numpy as np
import pytest
from keras import layers

from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.style_transfer import perception
from cnn_suite.style_transfer.perception import BACKBONES, Backbone, Perception, load_perception
from tests.small_perception import small_network, small_perception


def picture(size_hw=(24, 31)):
    return np.random.default_rng(0).uniform(0, 255, (1, *size_hw, 3)).astype(np.float32)


@pytest.fixture
def tiny_backbone(monkeypatch, tmp_path):
    """A known network in place of SqueezeNet, and its weights file; the arguments it was built with are kept."""
    asked = []

    def build(image_shape, *, include_top, weights):
        asked.append((image_shape, include_top, weights))
        return small_network()

    row = Backbone(build, "squeezenet1.1-notop", ("last",), ("conv1", "pool1", "last"), 12)
    monkeypatch.setitem(perception.BACKBONES, "squeezenet", row)
    path = tmp_path / "weights.h5"
    path.write_bytes(b"anything")
    return path, asked


def test_features_are_those_of_the_layers_each_once():
    seen = small_perception(content={"last": 1.0}, style={"conv1": 1.0, "last": 0.5})
    assert seen.layers == ("last", "conv1") and seen.name == "small_valid"
    found = seen.features(picture())
    whole = small_network()
    np.testing.assert_allclose(found["last"], whole(picture()), rtol=1e-5, atol=1e-6)
    assert found["conv1"].shape == (1, 11, 15, 6)
    assert (seen.content, seen.style) == ({"last": 1.0}, {"conv1": 1.0, "last": 0.5})


def test_nothing_of_it_learns():
    assert small_perception().features.trainable_variables == []


# conv1 3/2; pool1 3/2: 7 pixels, every 4th; a kernel of 3 on it: 15, from 4 before.
def test_it_knows_how_far_a_position_looks():
    fields = small_perception().fields
    assert fields == {"last": (4, 15, -4), "conv1": (2, 3, 0)}


def test_any_network_serves_and_wrong_layers_are_refused():
    model = small_network()
    with pytest.raises(ValueError, match=r"`content` must name layers with positive weights. Received \{\}"):
        Perception(model, {}, {"conv1": 1.0})
    with pytest.raises(ValueError, match=r"`style` must name layers with positive weights. Received \{'conv1': 0.0\}"):
        Perception(model, {"last": 1.0}, {"conv1": 0.0})
    with pytest.raises(ValueError, match="small_valid has no layer 'conv9'. Closest: conv1"):
        Perception(model, {"last": 1.0}, {"conv9": 1.0})


@pytest.mark.parametrize("name", ["squeezenet", "vgg16"])
def test_the_table_names_layers_that_exist_and_the_smallest_picture_that_leaves_a_position(name):
    row = BACKBONES[name]
    seen = Perception(
        row.build((None, None, 3), include_top=False),
        dict.fromkeys(row.content, 1.0),
        dict.fromkeys(row.style, 1.0),
        smallest=row.smallest,
    )
    shapes = seen.features.compute_output_shape((1, row.smallest, row.smallest, 3))
    assert min(side for shape in shapes.values() for side in shape[1:3]) >= 1
    assert {field.stride for field in seen.fields.values()} <= {1, 2, 4, 8, 16}


def test_vgg19_has_the_layers_of_the_paper():
    assert BACKBONES["vgg19"].content == ("block4_conv2",)
    assert BACKBONES["vgg19"].style == tuple(f"block{number}_conv1" for number in range(1, 6))


def test_a_known_network_is_built_for_pictures_of_any_size_with_its_file(tiny_backbone):
    path, asked = tiny_backbone
    seen = load_perception("squeezenet", path)
    assert asked == [((None, None, 3), False, path)]
    assert seen.content == {"last": 1.0} and seen.style == {"conv1": 1.0, "pool1": 1.0, "last": 1.0}
    assert seen.smallest == 12
    other = load_perception("squeezenet", str(path), content={"pool1": 2.0}, style={"conv1": 3.0})
    assert (other.content, other.style) == ({"pool1": 2.0}, {"conv1": 3.0})


def test_average_pooling_takes_means_where_maxima_were_with_the_same_weights(tiny_backbone):
    path, _ = tiny_backbone
    most, mean = (load_perception("squeezenet", path, pooling=pooling) for pooling in ("max", "average"))
    found, other = most.features(picture()), mean.features(picture())
    np.testing.assert_allclose(other["conv1"], found["conv1"], rtol=1e-6)
    np.testing.assert_allclose(other["pool1"], layers.AveragePooling2D(3, 2)(found["conv1"]), rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(other["last"]) - np.asarray(found["last"])).max() > 1e-3
    assert not any(isinstance(layer, keras.layers.MaxPooling2D) for layer in mean.features.layers)


def test_squeezenet_keeps_its_names_with_average_pooling(monkeypatch, tmp_path):
    row = BACKBONES["squeezenet"]._replace(build=lambda shape, weights, **more: squeezenet(shape, **more))
    monkeypatch.setitem(perception.BACKBONES, "squeezenet", row)
    (tmp_path / "weights.h5").touch()
    seen = load_perception("squeezenet", tmp_path / "weights.h5", pooling="average")
    assert seen.features(picture((31, 33)))["fire5_concat"].shape == (1, 3, 3, 256)


@pytest.mark.parametrize("backbone", ["squeezenet", "vgg16", "vgg19"])
def test_a_missing_file_is_named_with_the_line_to_type(monkeypatch, tmp_path, backbone):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    name = BACKBONES[backbone].weights
    with pytest.raises(FileNotFoundError, match=rf"no weights file {tmp_path}/files/{name}/\S+\.h5") as caught:
        load_perception(backbone)
    assert f"`cnn-suite pull {name}`" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no weights file elsewhere.h5. Correct its path, or name no file"):
        load_perception(backbone, "elsewhere.h5")


def test_a_pulled_file_is_found_where_no_other_is_named(tiny_backbone, monkeypatch, tmp_path):
    path, asked = tiny_backbone
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    pulled = tmp_path / "files/squeezenet1.1-notop/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
    pulled.parent.mkdir(parents=True)
    path.rename(pulled)
    for none in (None, ""):
        load_perception("squeezenet", none)
        assert asked[-1][2] == pulled


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`backbone` must be one of squeezenet, vgg16, vgg19. Received 'resnet'"):
        load_perception("resnet")
    with pytest.raises(ValueError, match="`pooling` must be one of max, average. Received 'min'"):
        load_perception("squeezenet", pooling="min")
