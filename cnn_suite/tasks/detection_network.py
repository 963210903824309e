"""The network of a detector's configuration, the initial weights of its body, and the loss of every head."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from cnn_suite.config import ConfigError
from cnn_suite.config_detection import DetectionConfig, Loss, Model
from cnn_suite.losses.yolo import YoloLoss
from cnn_suite.losses.yolo_v2 import YoloV2Loss
from cnn_suite.models.darknet import darknet
from cnn_suite.models.yolo import yolo_heads, yolo_resnet
from cnn_suite.tasks.builder_names import builder_of
from cnn_suite.tasks.pretrained_network import model_folder, pretrained_network, start_from

BUILDERS: dict[str, Callable[..., keras.Model]] = {"yolo_resnet": yolo_resnet, "darknet": darknet}
CFG = "network.cfg"  # in the model folder of a converted network


def network(config: DetectionConfig, classes: int) -> keras.Model:
    """The network of a configuration whose anchors are known; free height and width.

    Its weights are random, but for the body where `model.pretrained` says where that comes from.

    Raises:
        ConfigError: If the builder, the .cfg or the pretrained model cannot be found or does not fit.
    """
    settings = config.model
    if settings.builder == "darknet":
        model = _of_cfg(settings, classes)
    else:
        model = builder_of(settings.builder, BUILDERS)(
            (None, None, 3),
            classes,
            settings.anchors_px,
            strides=settings.strides,
            width=settings.width,
            depth=settings.depth,
            activation=settings.activation,
            block=settings.block,
            scale_xy=settings.scale_xy,
        )
    if settings.pretrained:
        start_from(model, _pretrained(settings), {head.name for head in yolo_heads(model)}, settings.pretrained)
    return model


def classes_of(model: keras.Model) -> int:
    """Number of classes that a network tells apart."""
    return yolo_heads(model)[0].classes


def losses(model: keras.Model, config: DetectionConfig) -> dict[str, keras.losses.Loss]:
    """One loss a head; together they are the loss of the detector.

    Raises:
        ConfigError: If a term of the loss is set that the network's heads do not have.
    """
    heads = yolo_heads(model)
    anchors = [anchor for head in heads for anchor in head.anchors_px]
    result: dict[str, keras.losses.Loss] = {}
    first = 0
    for head in heads:
        mask = list(range(first, first + len(head.anchors_px)))
        first += len(mask)
        if head.class_activation == "softmax":  # a head of YOLOv2, alone in its network
            result[head.name] = YoloV2Loss(head.anchors_px, head.stride, **_terms_of_yolo_v2(config.loss))
        else:
            result[head.name] = YoloLoss(
                anchors,
                mask,
                head.stride,
                scale_xy=head.scale_xy,
                squared_sizes=head.squared_sizes,
                **config.loss.model_dump(exclude_none=True),  # what is empty is the loss's own
            )
    return result


def _terms_of_yolo_v2(settings: Loss) -> dict[str, Any]:
    idle = settings.changed(name for name in Loss.model_fields if name != "ignore_iou")
    if idle:
        raise ConfigError(
            f"loss.{idle[0]} would do nothing for a network with a head of YOLOv2, whose loss has ignore_iou alone. "
            "Remove it."
        )
    return settings.model_dump(include={"ignore_iou"}, exclude_none=True)


def _of_cfg(settings: Model, classes: int) -> keras.Model:
    try:
        return darknet(_cfg(settings), classes=classes, anchors_px=settings.anchors_px)
    except ValueError as error:
        raise ConfigError(f"model.cfg: {error}") from error


def _cfg(settings: Model) -> Path:
    path = Path(settings.cfg).expanduser()
    return path if path.suffix == ".cfg" else model_folder(settings.cfg, "model.cfg") / CFG


def _pretrained(settings: Model) -> keras.Model:
    path = Path(settings.pretrained).expanduser()
    if path.suffix == ".weights":
        if settings.builder != "darknet":
            raise ConfigError(f"model.pretrained: {path} belongs to builder: darknet. Received {settings.builder}.")
        return darknet(_cfg(settings), weights=path)
    return pretrained_network(settings.pretrained)
