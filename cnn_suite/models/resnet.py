"""Residual networks of He et al. 2015 and their plain counterparts, for ImageNet and for CIFAR-10.

Two families, a table each. ImageNet's start with a 7x7 convolution and a pooling and have four stages; CIFAR's start
with one 3x3 convolution and have three stages of 16, 32 and 64 channels. A plain network is the same network without
shortcuts: the notes' and the paper's point is that it gets worse with depth while the residual network gets better.

Names: `conv1_conv`, `conv1_bn`, `conv2_block1` ... as in keras.applications, with what is inside a block reached as
`conv2_block1/conv1` (see `cnn_suite.models.surgery.features_at`).
"""

from pathlib import Path
from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.layers.resnet_block import BasicBlock, BottleneckBlock, Shortcut
from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.weights.keras_applications import load_keras_applications

IMAGENET_SHAPE = (224, 224, 3)
CIFAR_SHAPE = (32, 32, 3)
FILTERS = (64, 128, 256, 512)
CIFAR_FILTERS = (16, 32, 64)


class ImageNetVariant(NamedTuple):
    """A row of the paper's table 1."""

    block: type[BasicBlock] | type[BottleneckBlock]
    blocks: tuple[int, int, int, int]
    use_bias: bool = False
    epsilon: float = 1e-5


# The three with bottlenecks have biases and the epsilon of keras.applications, whose weights they load.
IMAGENET_VARIANTS = {
    "resnet18": ImageNetVariant(BasicBlock, (2, 2, 2, 2)),
    "resnet34": ImageNetVariant(BasicBlock, (3, 4, 6, 3)),
    "resnet50": ImageNetVariant(BottleneckBlock, (3, 4, 6, 3), True, 1.001e-5),
    "resnet101": ImageNetVariant(BottleneckBlock, (3, 4, 23, 3), True, 1.001e-5),
    "resnet152": ImageNetVariant(BottleneckBlock, (3, 8, 36, 3), True, 1.001e-5),
}
CIFAR_DEPTHS = (20, 32, 44, 56, 110)  # with (depth - 2) / 6 blocks in each of the three stages


def imagenet_resnet(
    variant: ImageNetVariant,
    image_shape: ImageShape = IMAGENET_SHAPE,
    classes: int = 1000,
    *,
    shortcuts: bool = True,
    include_top: bool = True,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    weights: str | Path | None = None,
    name: str = "resnet",
) -> keras.Model:
    """A residual network for large pictures.

    Args:
        variant: Row of the table.
        image_shape: Height, width and channels; None for a free side.
        classes: Number of classes.
        shortcuts: False for the plain network.
        include_top: False to end with the last feature map.
        dropout: Dropout rate of the pooled features.
        classifier_activation: None for logits.
        weights: A weights file of keras.applications (resnet50, 101 and 152), with or without top as `include_top`.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape or an argument is invalid.
        FileNotFoundError: If the weights file does not exist.

    Source: He et al. 2015, Deep Residual Learning for Image Recognition, table 1, shortcuts of option B. Deviation:
    the first convolution and pooling pad both sides alike, as keras.applications do.
    """
    image, x = image_input(image_shape, 1, "caffe", name)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    conv = layers.Conv2D(
        64, 7, 2, use_bias=variant.use_bias, kernel_initializer="he_normal", name="conv1_conv"
    )
    x = _norm_and_relu(conv(x), "conv1", 0.99, variant.epsilon)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    for stage, (filters, count) in enumerate(zip(FILTERS, variant.blocks), 2):
        for number in range(1, count + 1):
            strides = 2 if number == 1 and stage > 2 else 1
            fits = strides == 1 and x.shape[-1] == filters * variant.block.plan[-1].expansion
            kind: Shortcut = "identity" if fits else "projection"
            x = variant.block(
                filters,
                strides=strides,
                shortcut=kind if shortcuts else "none",
                use_bias=variant.use_bias,
                momentum=0.99,
                epsilon=variant.epsilon,
                name=f"conv{stage}_block{number}",
            )(x)
    model = _finished(image, x, classes, include_top, dropout, classifier_activation, name)
    if weights is not None:
        load_keras_applications(model, weights)
    return model


def cifar_resnet(
    depth: int,
    image_shape: ImageShape = CIFAR_SHAPE,
    classes: int = 10,
    *,
    shortcut: Shortcut = "pad",
    include_top: bool = True,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    name: str = "cifar_resnet",
) -> keras.Model:
    """A residual network for small pictures.

    Args:
        depth: Number of layers with weights: 20, 32, 44, 56, 110, or any other 6 n + 2.
        image_shape: Height, width and channels; None for a free side.
        classes: Number of classes.
        shortcut: Where the shape changes: "pad" (option A of the paper, without parameters) or "projection" (B);
            "none" for the plain network.
        include_top: False to end with the last feature map.
        dropout: Dropout rate of the pooled features.
        classifier_activation: None for logits.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the depth is not 6 n + 2, the shape is invalid, or an argument does not fit.

    Source: He et al. 2015, Deep Residual Learning for Image Recognition, section 4.2. Deviation: pictures are scaled
    to mean 0 and deviation 1 per channel by ImageNet's figures, instead of the mean of every pixel of the training set.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(
            f"`depth` of {name} must be 6 n + 2, such as {', '.join(map(str, CIFAR_DEPTHS))}. Received {depth}."
        )
    image, x = image_input(image_shape, 1, "imagenet", name)
    conv = layers.Conv2D(16, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name="conv1_conv")
    x = _norm_and_relu(conv(x), "conv1", 0.9, 1e-5)
    for stage, filters in enumerate(CIFAR_FILTERS, 2):
        for number in range(1, (depth - 2) // 6 + 1):
            first = number == 1 and stage > 2
            same: Shortcut = "none" if shortcut == "none" else "identity"
            x = BasicBlock(
                filters,
                strides=2 if first else 1,
                shortcut=shortcut if first else same,
                name=f"conv{stage}_block{number}",
            )(x)
    return _finished(image, x, classes, include_top, dropout, classifier_activation, name)


def _norm_and_relu(x, name: str, momentum: float, epsilon: float):
    x = FusedBatchNormalization(momentum=momentum, epsilon=epsilon, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _finished(image, x, classes, include_top, dropout, classifier_activation, name) -> keras.Model:
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = classifier(x, classes, dropout, classifier_activation)
    return keras.Model(image, x, name=name)


def _imagenet(name: str, image_shape: ImageShape, classes: int, /, **options) -> keras.Model:
    return imagenet_resnet(IMAGENET_VARIANTS[name], image_shape, classes, **{"name": name, **options})


def _plain(name: str, image_shape: ImageShape, classes: int, /, **options) -> keras.Model:
    row = IMAGENET_VARIANTS[f"resnet{name.removeprefix('plain')}"]
    return imagenet_resnet(row, image_shape, classes, **{"name": name, "shortcuts": False, **options})


def _cifar(name: str, image_shape: ImageShape, classes: int, /, **options) -> keras.Model:
    depth = int(name.removeprefix("resnet").removeprefix("plain"))
    fixed = {"shortcut": "none"} if name.startswith("plain") else {}
    return cifar_resnet(depth, image_shape, classes, **{"name": name, **fixed, **options})


def resnet18(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-18, blocks 2-2-2-2; `options` as of `imagenet_resnet`."""
    return _imagenet("resnet18", image_shape, classes, **options)


def resnet34(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-34, blocks 3-4-6-3; `options` as of `imagenet_resnet`."""
    return _imagenet("resnet34", image_shape, classes, **options)


def resnet50(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-50, bottleneck blocks 3-4-6-3; `options` as of `imagenet_resnet`."""
    return _imagenet("resnet50", image_shape, classes, **options)


def resnet101(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-101, bottleneck blocks 3-4-23-3; `options` as of `imagenet_resnet`."""
    return _imagenet("resnet101", image_shape, classes, **options)


def resnet152(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-152, bottleneck blocks 3-8-36-3; `options` as of `imagenet_resnet`."""
    return _imagenet("resnet152", image_shape, classes, **options)


def plain18(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-18 without shortcuts; `options` as of `imagenet_resnet`."""
    return _plain("plain18", image_shape, classes, **options)


def plain34(image_shape: ImageShape = IMAGENET_SHAPE, classes: int = 1000, **options) -> keras.Model:
    """ResNet-34 without shortcuts; `options` as of `imagenet_resnet`."""
    return _plain("plain34", image_shape, classes, **options)


def resnet20(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 20 layers, 3 blocks per stage; `options` as of `cifar_resnet`."""
    return _cifar("resnet20", image_shape, classes, **options)


def resnet32(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 32 layers, 5 blocks per stage; `options` as of `cifar_resnet`."""
    return _cifar("resnet32", image_shape, classes, **options)


def resnet44(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 44 layers, 7 blocks per stage; `options` as of `cifar_resnet`."""
    return _cifar("resnet44", image_shape, classes, **options)


def resnet56(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 56 layers, 9 blocks per stage; `options` as of `cifar_resnet`."""
    return _cifar("resnet56", image_shape, classes, **options)


def resnet110(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 110 layers, 18 blocks per stage; `options` as of `cifar_resnet`."""
    return _cifar("resnet110", image_shape, classes, **options)


def plain20(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 20 layers without shortcuts; `options` as of `cifar_resnet`."""
    return _cifar("plain20", image_shape, classes, **options)


def plain32(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 32 layers without shortcuts; `options` as of `cifar_resnet`."""
    return _cifar("plain32", image_shape, classes, **options)


def plain44(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 44 layers without shortcuts; `options` as of `cifar_resnet`."""
    return _cifar("plain44", image_shape, classes, **options)


def plain56(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 56 layers without shortcuts; `options` as of `cifar_resnet`."""
    return _cifar("plain56", image_shape, classes, **options)


def plain110(image_shape: ImageShape = CIFAR_SHAPE, classes: int = 10, **options) -> keras.Model:
    """The CIFAR ResNet of 110 layers without shortcuts; `options` as of `cifar_resnet`."""
    return _cifar("plain110", image_shape, classes, **options)
