"""Configuration for training a detector."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section


class Augmentation(Section):
    """Random augmentation of training pictures and their boxes."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip")
    flip: float = Field(0.0, ge=0, le=1, description="probability of a vertical flip")
    transpose: float = Field(0.0, ge=0, le=1, description="probability of transposing the picture")
    scale: Range = Field((0.7, 1.4), description="minimum and maximum scale factor")
    aspect: float = Field(1.1, ge=1, description="maximum change of the aspect ratio, as a factor")
    shift: float = Field(0.15, ge=0, le=1, description="maximum shift, as a fraction of the picture")
    brightness: float = Field(0.2, ge=0, le=1, description="maximum change, as a fraction of full brightness")
    contrast: float = Field(0.2, ge=0, le=1, description="maximum relative change of the contrast")
    saturation: float = Field(0.3, ge=0, le=1, description="maximum relative change of the saturation")
    hue: float = Field(0.02, ge=0, le=0.5, description="maximum turn of the hues, as a fraction of the colour wheel")
    mosaic: float = Field(0.5, ge=0, le=1, description="probability of combining four pictures into one")
    close_mosaic_epochs: int = Field(10, ge=0, description="number of final epochs without mosaic")
    keep_visible: float = Field(0.25, ge=0, le=1, description="fraction of a box that must stay visible")


class Shapes(Section):
    """The synthetic data set of format shapes, made in memory; see `cnn_suite.data.boxes.synthetic`."""

    train: int = Field(400, ge=1, description="pictures in the split train")
    val: int = Field(50, ge=0, description="pictures in the split val")
    test: int = Field(50, ge=0, description="pictures in the split test")
    size_hw: tuple[int, int] = Field((128, 128), description="height and width of a picture")
    objects: tuple[int, int] = Field((1, 4), description="minimum and maximum number of shapes per picture")
    seed: int = Field(0, ge=0, description="of the drawn shapes")

    @model_validator(mode="after")
    def _possible(self) -> "Shapes":
        if min(self.size_hw) < 32:
            raise ValueError(f"size_hw must be at least 32 per side, received {self.size_hw}")
        if not 0 <= self.objects[0] <= self.objects[1]:
            raise ValueError(f"objects must be the minimum and maximum number of shapes, received {self.objects}")
        return self


class Data(config_sections.Data):
    """Source of the pictures and boxes, and input pipeline."""

    path: str = Field("", description="folder of the data set; required except for the formats shapes and none")
    format: Literal["auto", "voc", "yolo_txt", "coco", "landmarks_csv", "shapes", "none"] = Field(
        "auto", description="storage format; none: an imported network without data"
    )
    labels: tuple[str, ...] = Field((), description="class names in order; empty: those of the data")
    on_fault: Literal["stop", "leave_out"] = Field("stop", description="how to handle faulty pictures and boxes")
    train: tuple[str, ...] = Field(("train",), min_length=1, description="splits to train on")
    validation: tuple[str, ...] = Field(("val",), description="splits to evaluate on during training")
    background: tuple[str, ...] = Field((), description="folders of pictures without objects, added to training")
    point_margins: tuple[float, float, float, float] | None = Field(
        None, description="landmarks_csv: left, top, right and bottom margins around the points; empty: the defaults"
    )
    resize: Literal["letterbox", "stretch"] = Field("letterbox", description="how pictures are resized")
    batch_size: int = Field(8, ge=1, description="pictures per training step")
    cache: Literal["memory", "none"] = Field(
        "memory", description="memory keeps the decoded pictures; none decodes them every epoch"
    )
    shapes: Shapes = Shapes()
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _has_a_source(self) -> "Data":
        if not self.path and self.format not in ("shapes", "none"):
            raise ValueError("path is required: the folder of the data set; only format: shapes needs none")
        if self.point_margins and self.format != "landmarks_csv":
            raise ValueError(f"point_margins requires format: landmarks_csv, received format: {self.format}")
        return self


_SAID_BY_CFG = ("strides", "anchors_per_head", "width", "depth", "activation", "block", "scale_xy")


class Model(Section):
    """The network."""

    FROM_DATA = ("anchors_px",)

    builder: str = Field("yolo_resnet", description="yolo_resnet, darknet, or module:function")
    cfg: str = Field("", description="darknet: the network's .cfg, or the name of a pulled model")
    pretrained: str = Field(
        "", description="model folder, name of a pulled model or .weights file for all layers below the heads"
    )
    image_size_hw: tuple[int, int] = Field(
        (320, 416), description="height and width that the network sees, multiples of 32"
    )
    strides: tuple[int, ...] = Field(
        (8, 16), description="input pixels per cell of each head, ascending, out of 8, 16 and 32"
    )
    anchors_per_head: int = Field(3, ge=1, description="anchor boxes of every cell")
    anchors_px: tuple[tuple[tuple[float, float], ...], ...] | None = Field(
        None, description="anchors of every head in input pixels; empty: k-means on the training boxes"
    )
    width: float = Field(1.0, gt=0, description="factor on the number of filters")
    depth: float = Field(1.0, gt=0, description="factor on the number of residual blocks")
    activation: str = Field("silu", description="name of a Keras activation")
    block: Literal["darknet", "basic", "bottleneck", "inception"] = Field(
        "darknet", description="block type of the body"
    )
    scale_xy: float = Field(1.0, ge=1, description="how far a centre reaches beyond its cell: Darknet's scale_x_y")

    @model_validator(mode="after")
    def _cfg_for_darknet(self) -> "Model":
        if (self.builder == "darknet") != bool(self.cfg):
            raise ValueError(
                "builder: darknet requires cfg, the file that describes the network, and no other builder accepts it; "
                f"received builder: {self.builder}, cfg: {self.cfg or 'none'}"
            )
        idle = self.changed(_SAID_BY_CFG) if self.cfg else []
        if idle:
            raise ValueError(
                f"{', '.join(idle)} would do nothing with builder: darknet, whose cfg describes the network. Remove "
                f"{'it' if len(idle) == 1 else 'them'}"
            )
        return self

    @field_validator("image_size_hw")
    @classmethod
    def _multiple_of_32(cls, size_hw: tuple[int, int]) -> tuple[int, int]:
        if any(side < 32 or side % 32 for side in size_hw):
            raise ValueError(f"both sides must be multiples of 32, received {size_hw}")
        return size_hw


class Loss(Section):
    """Terms of the YOLO loss; see `cnn_suite.losses.yolo.YoloLoss`. A head of YOLOv2 knows `ignore_iou` alone."""

    ignore_iou: float | None = Field(
        None, ge=0, le=1, description="overlap above which a box is no negative; empty: 0.7, for a head of YOLOv2 0.6"
    )
    match_iou: float = Field(
        1.0,
        ge=0,
        le=1,
        description="shape IoU above which further anchors are responsible for an object; 1: only the best",
    )
    neighbour_cells: bool = Field(
        False, description="the two nearest neighbour cells are responsible too; needs giou or ciou"
    )
    box_loss: Literal["darknet", "giou", "ciou"] = Field("darknet", description="loss of the boxes")
    rescore: bool = Field(False, description="target objectness is the IoU of the box, not 1")
    box_weight: float = Field(1.0, ge=0, description="factor of the box loss")
    objectness_weight: float = Field(1.0, ge=0, description="factor of the objectness loss")
    class_weight: float = Field(1.0, ge=0, description="factor of the class loss")

    @model_validator(mode="after")
    def _neighbours_need_overlap(self) -> "Loss":
        if self.neighbour_cells and self.box_loss == "darknet":
            raise ValueError('neighbour_cells needs box_loss: ciou or giou, received "darknet"')
        return self


class Training(config_sections.Training):
    """Options for `fit`."""

    multi_scale: float = Field(0.0, ge=0, lt=1, description="fraction by which the input size varies between batches")


class Export(config_sections.Export):
    """Postprocessing in the exported graph, and the files to write."""

    confidence: float = Field(0.25, ge=0, le=1, description="default confidence threshold of the apps")
    iou: float = Field(0.45, ge=0, le=1, description="overlap above which the weaker of two boxes is removed")
    max_detections: int = Field(100, ge=1, description="most detections per picture")
    score_floor: float = Field(0.001, ge=0, le=1, description="detections with lower scores are removed in the graph")


class DetectionConfig(config_sections.Run):
    """Configuration of a detector: data, network, loss, training and export."""

    task: Literal["detection"] = "detection"
    data: Data
    model: Model = Model()
    loss: Loss = Loss()
    training: Training = Training()
    export: Export = Export()

    @model_validator(mode="after")
    def _anchors_fit_heads(self) -> "DetectionConfig":
        anchors = self.model.anchors_px
        if anchors is not None and self.model.builder != "darknet" and len(anchors) != len(self.model.strides):
            raise ValueError(
                f"model.anchors_px must hold {len(self.model.strides)} lists of anchors, one per stride, "
                f"received {len(anchors)}"
            )
        return self
