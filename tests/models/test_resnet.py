"""ResNets and their plain twins: counts, shapes, names, and where which shortcut is."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.resnet_block import BasicBlock, BottleneckBlock
from cnn_suite.models import resnet

IMAGENET = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
CIFAR = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")


def shaped(builder, *arguments, **options):
    """A network whose weights have shapes and no values: quick, and enough to count and to name."""
    if isinstance(builder, str):
        builder = getattr(resnet, builder)
    try:
        with keras.StatelessScope(initialize_variables=False):
            return builder(*arguments, **options)
    finally:  # or Keras would give them values at the end of its next scope
        keras.utils.clear_session(free_memory=False)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def blocks_of(model):
    return [layer for layer in model.layers if isinstance(layer, (BasicBlock, BottleneckBlock))]


# By hand, ResNet-20: the first convolution and norm have 27 * 16 + 2 * 16 = 464 parameters, each of three blocks
# of the first stage 2 * (9 * 16 * 16 + 2 * 16) = 4,672; ... all together 269,722 and 1,376 moving statistics.
def test_the_cifar_resnet_of_20_layers_has_the_parameters_of_the_paper():
    model = shaped("resnet20")
    assert model.count_params() == 271_098
    assert trainable(model) == 269_722
    assert model.get_layer("conv1_conv").count_params() + model.get_layer("conv1_bn").count_params() == 464 + 32
    assert model.get_layer("conv2_block1").count_params() == 4_672 + 64


@pytest.mark.parametrize(
    ("name", "total", "to_train"),
    [
        ("resnet18", 11_699_112, 11_689_512),
        ("resnet34", 21_814_696, 21_797_672),
        ("resnet50", 25_636_712, 25_583_592),
        ("resnet101", 44_707_176, 44_601_832),
        ("resnet152", 60_419_944, 60_268_520),
        ("plain18", 11_523_496, 11_515_688),
        ("plain34", 21_639_080, 21_623_848),
    ],
)
def test_parameters_are_those_published(name, total, to_train):
    model = shaped(name)
    assert (model.count_params(), trainable(model)) == (total, to_train)


def cifar_parameters(depth):
    count = channels = 0
    for filters, convolutions in ((16, 1), (16, (depth - 2) // 3), (32, (depth - 2) // 3), (64, (depth - 2) // 3)):
        for _ in range(convolutions):
            count, channels = count + 9 * (channels or 3) * filters + 2 * filters, filters
    return count + 64 * 10 + 10


@pytest.mark.parametrize("name", CIFAR)
def test_parameters_of_cifar_resnets_and_their_plain_twins_follow_from_the_depth(name):
    expected = cifar_parameters(int(name.removeprefix("resnet")))
    assert trainable(shaped(name)) == trainable(shaped(name.replace("resnet", "plain"))) == expected


def test_projections_of_a_cifar_resnet_cost_two_small_convolutions():
    more = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert trainable(shaped("resnet20", shortcut="projection")) == cifar_parameters(20) + more


@pytest.mark.parametrize("name", IMAGENET + CIFAR + ("plain18", "plain34", "plain56"))
def test_the_number_in_the_name_is_that_of_the_layers_with_weights(name):
    model = shaped(name)
    inside = sum(len(block.convolutions) for block in blocks_of(model))
    assert 1 + inside + 1 == int(name.removeprefix("resnet").removeprefix("plain"))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "plain34"])
@pytest.mark.parametrize(
    ("size_hw", "expected"),
    [((224, 224), (7, 7)), ((33, 47), (2, 2)), ((1, 1), (1, 1)), ((None, 64), (None, 2))],
)
def test_the_last_map_is_a_thirty_second_of_the_picture_rounded_up(name, size_hw, expected):
    channels = 2048 if name == "resnet50" else 512
    assert shaped(name, (*size_hw, 3), include_top=False).output_shape == (None, *expected, channels)


@pytest.mark.parametrize(("size_hw", "expected"), [((32, 32), (8, 8)), ((33, 46), (9, 12)), ((1, 2), (1, 1))])
def test_the_last_map_of_a_cifar_resnet_is_a_quarter_of_the_picture_rounded_up(size_hw, expected):
    assert shaped("resnet20", (*size_hw, 3), include_top=False).output_shape == (None, *expected, 64)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", ["identity", "projection", "projection", "projection"]),
        ("resnet50", ["projection"] * 4),
        ("plain18", ["none"] * 4),
        ("resnet20", ["identity", "pad", "pad"]),
        ("plain20", ["none"] * 3),
    ],
)
def test_the_first_block_of_a_stage_changes_the_shape_and_the_others_do_not(name, expected):
    blocks = blocks_of(shaped(name))
    first = [block for block in blocks if block.name.endswith("block1")]
    assert [block.shortcut for block in first] == expected
    assert [block.strides for block in first] == [1] + [2] * (len(first) - 1)
    others = {(block.shortcut, block.strides) for block in blocks if block not in first}
    assert others == {("none" if name.startswith("plain") else "identity", 1)}


def test_layers_around_the_blocks_are_named_as_in_keras_applications():
    names = [layer.name for layer in shaped("resnet50").layers]
    assert names[:2] == ["image", "scale"]
    assert names[2:8] == ["conv1_pad", "conv1_conv", "conv1_bn", "conv1_relu", "pool1_pad", "pool1_pool"]
    assert names[8:11] == ["conv2_block1", "conv2_block2", "conv2_block3"]
    assert names[-3:] == ["conv5_block3", "avg_pool", "predictions"]


def test_a_plain_twin_adds_nothing_and_has_the_rest():
    plain, residual = shaped("plain20"), shaped("resnet20")
    assert [layer.name for layer in plain.layers] == [layer.name for layer in residual.layers]
    for twin, block in zip(blocks_of(plain), blocks_of(residual)):
        own, other = twin.tensors(twin.input), block.tensors(block.input)
        assert [name for name in other if name not in own] == ["shortcut", "add"]


def test_a_cifar_resnet_with_zeroed_last_norms_is_its_shortcuts():
    # Of the first convolution's 16 channels every fourth pixel is left, between 24 channels of zeros on either side.
    keras.utils.set_random_seed(0)
    model = resnet.resnet20(include_top=False)
    for block in blocks_of(model):
        block.norms[-1].gamma.assign(np.zeros(block.filters))
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    stem, out = keras.Model(model.input, [model.get_layer("conv1_relu").output, model.output])(images)
    np.testing.assert_allclose(out[..., 24:40], stem[:, ::4, ::4], rtol=1e-5, atol=1e-6)
    assert not np.any(out[..., :24]) and not np.any(out[..., 40:])


def test_probabilities_of_every_picture_sum_to_one_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = resnet.resnet20()
    finally:
        keras.config.set_dtype_policy("float32")
    probabilities = model(np.zeros((1, 32, 32, 3), np.uint8))
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"
    np.testing.assert_allclose(np.asarray(probabilities).sum(), 1, rtol=1e-6)


def test_grey_pictures_and_free_sides_are_taken():
    model = resnet.resnet20((None, None, 1), 3)
    assert model(np.zeros((1, 28, 31, 1), np.uint8)).shape == (1, 3)


def test_a_saved_network_comes_back_equal(tmp_path):
    model = resnet.resnet20(classes=3, dropout=0.1, shortcut="projection", name="saved")
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    assert again.name == "saved"
    np.testing.assert_array_equal(again(images), model(images))


@pytest.mark.parametrize("name", ["resnet18", "plain18", "resnet20"])
def test_the_name_of_the_model_is_the_builders_unless_given(name):
    assert shaped(name).name == name
    assert shaped(name, name="other").name == "other"


@pytest.mark.parametrize("depth", [2, 18, 21])
def test_a_depth_that_is_not_6_n_plus_2_is_refused(depth):
    with pytest.raises(ValueError, match=f"`depth` of cifar_resnet must be 6 n .*20, 32.*Received {depth}"):
        resnet.cifar_resnet(depth)


def test_other_depths_can_be_built():
    assert len(blocks_of(shaped(resnet.cifar_resnet, 14))) == 6


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, None), (32, 32, 0)])
def test_a_shape_that_is_none_of_a_picture_is_refused(shape):
    with pytest.raises(ValueError, match="`image_shape` of resnet50 must be .height, width, channels."):
        resnet.resnet50(shape)


def test_no_classes_and_a_dropout_of_everything_are_refused():
    with pytest.raises(ValueError, match="`classes` must be a whole number of at least 1. Received 0"):
        shaped("resnet20", classes=0)
    with pytest.raises(ValueError, match="`dropout` must be at least 0 and less than 1. Received 1"):
        shaped("resnet20", dropout=1)


def test_a_missing_weights_file_is_named():
    with pytest.raises(FileNotFoundError, match="no weights file `none.h5`.*resnet50_weights.*2cb95161c43110f711197"):
        shaped("resnet50", weights="none.h5")
