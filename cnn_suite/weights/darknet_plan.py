"""The plan of a Darknet .cfg: every section as a step with its settings, sources and output shape.

Everything that could be wrong with a network is found here, by arithmetic alone, before a single weight is allocated.

Source: Darknet's parser.c, convolutional_layer.c, maxpool_layer.c, route_layer.c, shortcut_layer.c, reorg_layer.c,
yolo_layer.c, region_layer.c (Redmon; AlexeyAB's branch for YOLOv4).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cnn_suite.weights.darknet_cfg import Section
from cnn_suite.weights.darknet_steps import (
    AveragePool,
    Convolution,
    Dropout,
    Head,
    MaxPool,
    Plan,
    Reorg,
    Route,
    Settings,
    Shape,
    Shortcut,
    Step,
    Upsample,
)

LARGEST_SIDE = 8192
MOST_CHANNELS = 1 << 16
LARGEST_MAP = 1 << 27  # numbers of one feature map: 512 MB
MOST_LAYERS = 800  # one behind the other: Keras walks a network by recursion, and Python's stack ends at 1000
MOST_PARAMETERS = 1 << 28  # yolov3 has 62 million
Read = tuple[Settings, tuple[int, ...], Shape]  # what a section computes, the steps it takes, and what leaves it

ACTIVATIONS = ("linear", "leaky", "relu", "relu6", "mish", "swish", "logistic")


def plan(sections: Sequence[Section]) -> Plan:
    """Plans the computation of a .cfg.

    Args:
        sections: As `read_cfg` gives them.

    Raises:
        DarknetError: If an option has no sense or asks for what is not imported, shapes do not fit together, or the
            network is larger than any known one by far. The message names the line.
    """
    net, *rest = sections
    size_hw = (net.integer("height", None, 1, LARGEST_SIDE), net.integer("width", None, 1, LARGEST_SIDE))
    if net.integer("channels", 3, 1, MOST_CHANNELS) != 3:
        raise net.fault(f"channels must be 3, red, green and blue. Received {net.options['channels']:.60}.")
    if not rest:
        raise net.fault("is not followed by any section; there is nothing to compute.")
    steps: list[Step] = []
    for section in rest:
        steps.append(_step(section, _Before(steps, (*size_hw, 3))))
        _check_size(steps)
    _check_classes(steps)
    joined = _heads_joined(steps)
    _check_paths(joined)
    return Plan(size_hw, net.integer("letter_box", 0, 0, 1) == 1, joined)


class _Before:
    """The steps before one section, as it names them."""

    def __init__(self, steps: list[Step], image: Shape):
        self.steps = steps
        self.image = image

    @property
    def last(self) -> int:
        return len(self.steps) - 1

    def shape(self, number: int) -> Shape:
        return self.image if number < 0 else self.steps[number].shape

    def named(self, section: Section, option: str) -> tuple[int, ...]:
        """Numbers of the steps that an option names: absolute from 0 on, negative ones counted from here."""
        most = max(len(self.steps), 1)
        found = [n if n >= 0 else len(self.steps) + n for n in section.integers(option, -most, most - 1)]
        if min(found) < 0 or max(found) > self.last:
            raise section.fault(f"{option} must name sections before it. Received {section.options[option]!r:.60}.")
        return tuple(found)


def _step(section: Section, before: _Before) -> Step:
    settings, sources, shape = _READERS[section.kind](section, before)
    return Step(section, settings, sources, shape, before.shape(sources[0])[2])


def _check_size(steps: list[Step]) -> None:
    step = steps[-1]
    height, width, channels = step.shape
    if channels > MOST_CHANNELS or height * width * channels > LARGEST_MAP:
        raise step.section.fault(
            f"gives a map of {height}x{width}x{channels}. At most {MOST_CHANNELS:,} channels and {LARGEST_MAP:,} "
            "numbers can be imported."
        )
    parameters = sum(s.parameters for s in steps)
    if parameters > MOST_PARAMETERS:
        raise step.section.fault(
            f"brings the network to {parameters:,} parameters. At most {MOST_PARAMETERS:,} can be imported."
        )


def _check_classes(steps: list[Step]) -> None:
    """Rejects heads of different numbers of classes: the boxes of all heads make one list, with one set of classes."""
    heads = [(step.section, step.settings.classes) for step in steps if isinstance(step.settings, Head)]
    for section, classes in heads[1:]:
        first, expected = heads[0]
        if classes != expected:
            raise section.fault(
                f"classes must be {expected}, as in the head at line {first.line}. Received {classes}. All heads of a "
                "network find the same classes."
            )


def _check_paths(steps: tuple[Step, ...]) -> None:
    """Rejects a section that leads to no output, and more layers in a row than Keras can walk along."""
    heads = {number for number, step in enumerate(steps) if isinstance(step.settings, Head)}
    reached = {*heads, *(number - 1 for number in heads)} or {len(steps) - 1}
    depths: list[int] = []
    for step in steps:
        depths.append(_layers(step) + max((depths[source] for source in step.sources if source >= 0), default=0))
        if depths[-1] > MOST_LAYERS:
            raise step.section.fault(f"is more than {MOST_LAYERS} layers deep, which Keras cannot build.")
    for number in reversed(range(len(steps))):
        if number not in reached:
            raise steps[number].section.fault(
                "leads to no output: its result is not used. Outputs are the heads or, without heads, the last section."
            )
        reached.update(steps[number].sources)


def _layers(step: Step) -> int:
    """Layers that a step becomes, at most: a convolution may have padding, norm and activation."""
    if not isinstance(step.settings, Convolution):
        return 2
    settings = step.settings
    padded = settings.padding > 0 and (settings.stride > 1 or settings.kernel != 2 * settings.padding + 1)
    return 1 + padded + settings.batch_normalize + (settings.activation != "linear")


def _stride(section: Section) -> int:
    stride = section.integer("stride", 1, 1, LARGEST_SIDE)
    for option in ("stride_x", "stride_y"):
        section.refuse(option, str(stride))
    return stride


def _windows(section: Section, shape: Shape, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """Height and width of the result where a window slides over a map with `padding` more cells per axis."""
    height, width = (1 + (side + padding - kernel) // stride for side in shape[:2])
    if height < 1 or width < 1:
        raise section.fault(f"has windows of {kernel} cells, larger than the map of {shape[0]}x{shape[1]} before it.")
    return height, width


def _convolution(section: Section, before: _Before) -> Read:
    for option in ("antialiasing", "share_index", "binary", "xnor", "bin_output", "flipped"):
        section.refuse(option, "0")
    section.refuse("dilation", "1", "0")
    shape = before.shape(before.last)
    kernel = section.integer("size", 1, 1, LARGEST_SIDE)
    padding = section.integer("padding", 0, 0, kernel)
    settings = Convolution(
        filters=section.integer("filters", 1, 1, MOST_CHANNELS),
        kernel=kernel,
        stride=_stride(section),
        padding=kernel // 2 if section.integer("pad", 0, 0, 1) else padding,
        groups=section.integer("groups", 1, 1, MOST_CHANNELS),
        batch_normalize=section.integer("batch_normalize", 0, 0, 1) == 1,
        activation=section.choice("activation", "logistic", ACTIVATIONS),
    )
    if shape[2] % settings.groups or settings.filters % settings.groups:
        raise section.fault(
            f"groups must divide the {shape[2]} channels before it and its {settings.filters} filters. "
            f"Received {settings.groups}."
        )
    size_hw = _windows(section, shape, kernel, settings.stride, 2 * settings.padding)
    return settings, (before.last,), (*size_hw, settings.filters)


def _maxpool(section: Section, before: _Before) -> Read:
    section.refuse("maxpool_depth", "0")
    section.refuse("antialiasing", "0")
    shape, stride = before.shape(before.last), _stride(section)
    kernel = section.integer("size", stride, 1, LARGEST_SIDE)
    padding = section.integer("padding", kernel - 1, 0, kernel - 1)
    size_hw = _windows(section, shape, kernel, stride, padding)
    return MaxPool(kernel, stride, padding), (before.last,), (*size_hw, shape[2])


def _avgpool(section: Section, before: _Before) -> Read:
    return AveragePool(), (before.last,), (1, 1, before.shape(before.last)[2])


def _upsample(section: Section, before: _Before) -> Read:
    height, width, channels = before.shape(before.last)
    settings = Upsample(section.integer("stride", 2, 1, LARGEST_SIDE), section.number("scale", 1.0, -1e6, 1e6))
    return settings, (before.last,), (height * settings.stride, width * settings.stride, channels)


def _route(section: Section, before: _Before) -> Read:
    sources, groups = before.named(section, "layers"), section.integer("groups", 1, 1, MOST_CHANNELS)
    settings = Route(groups, section.integer("group_id", 0, 0, groups - 1))
    shapes = [before.shape(source) for source in sources]
    if len({shape[:2] for shape in shapes}) > 1:
        raise section.fault(f"layers must name maps of the same height and width. Received {_sizes(shapes)}.")
    if any(shape[2] % groups for shape in shapes):
        raise section.fault(f"groups must divide the channels of the maps. Received {groups} for {_sizes(shapes)}.")
    return settings, sources, (*shapes[0][:2], sum(shape[2] // groups for shape in shapes))


def _shortcut(section: Section, before: _Before) -> Read:
    section.refuse("weights_type", "none")
    sources = (before.last, *before.named(section, "from"))
    shapes = [before.shape(source) for source in sources]
    if len(set(shapes)) > 1:
        raise section.fault(f"from must name a map of the same height, width and channels. Received {_sizes(shapes)}.")
    return Shortcut(section.choice("activation", "linear", ACTIVATIONS)), sources, shapes[0]


def _sizes(shapes: Sequence[Shape]) -> str:
    shown = ", ".join("x".join(str(side) for side in shape) for shape in shapes[:4])
    return shown + (", ..." if len(shapes) > 4 else "")


def _reorg(section: Section, before: _Before) -> Read:
    section.refuse("reverse", "0")
    height, width, channels = before.shape(before.last)
    stride = section.integer("stride", 1, 1, LARGEST_SIDE)
    if height % stride or width % stride or channels % stride**2:
        raise section.fault(
            f"stride must divide the sides of the map before it, and its square the channels. "
            f"Received {stride} for {_sizes([(height, width, channels)])}."
        )
    return Reorg(stride), (before.last,), (height // stride, width // stride, channels * stride**2)


def _dropout(section: Section, before: _Before) -> Read:
    rate = section.number("probability", 0.5, 0.0, 1.0)
    return Dropout(min(rate, 0.999)), (before.last,), before.shape(before.last)


def _yolo(section: Section, before: _Before) -> Read:
    if section.options.get("embedding_layer"):
        raise section.fault("embedding_layer cannot be imported: such heads output encodings for tracking.")
    anchors = _anchors(section)
    mask = section.integers("mask", 0, len(anchors) - 1) if "mask" in section.options else range(len(anchors))
    new_coords = section.integer("new_coords", 0, 0, 1) == 1
    stride = _grid_stride(section, before)
    head = Head(
        anchors_px=tuple(anchors[i] for i in mask),
        classes=section.integer("classes", 20, 1, MOST_CHANNELS),
        stride=stride,
        scale_xy=section.number("scale_x_y", 1.0, 1.0, 100.0),
        class_activation="sigmoid",
        squared_sizes=new_coords,
    )
    return _head(section, before, head, "logistic" if new_coords else "linear")


def _region(section: Section, before: _Before) -> Read:
    for option in ("tree", "map"):
        if section.options.get(option):
            raise section.fault(f"{option} cannot be imported: YOLO9000's softmax tree of classes is not supported.")
    section.refuse("background", "0")
    section.refuse("coords", "4")
    stride = _grid_stride(section, before)
    head = Head(
        anchors_px=tuple((w * stride, h * stride) for w, h in _anchors(section)),  # which count cells here
        classes=section.integer("classes", 20, 1, MOST_CHANNELS),
        stride=stride,
        scale_xy=1.0,
        class_activation="softmax" if section.integer("softmax", 0, 0, 1) else "sigmoid",
        squared_sizes=False,
    )
    return _head(section, before, head, "linear")


def _anchors(section: Section) -> list[tuple[float, float]]:
    numbers = section.numbers("anchors", 1e-3, 1e5)
    count = section.integer("num", 1, 1, MOST_CHANNELS)
    if len(numbers) != 2 * count:
        raise section.fault(f"anchors must be num={count} pairs of width and height. Received {len(numbers)} numbers.")
    return list(zip(numbers[0::2], numbers[1::2]))


def _grid_stride(section: Section, before: _Before) -> int:
    """Pixels of the input a cell."""
    rows, columns, _ = before.shape(before.last)
    height, width, _ = before.image
    stride = height // rows
    if (rows * stride, columns * stride) != (height, width):
        raise section.fault(
            f"needs square cells of whole pixels. Received {rows}x{columns} cells for an input of "
            f"{height}x{width}. Choose a width and height in [net] that are divisible by the network's strides."
        )
    return stride


def _head(section: Section, before: _Before, head: Head, activation: str) -> Read:
    previous = before.steps[-1] if before.steps else None
    filters = len(head.anchors_px) * (5 + head.classes)
    wanted = Convolution(filters, 1, 1, 0, 1, batch_normalize=False, activation=activation)
    if previous is None or previous.settings != wanted:
        raise section.fault(
            f"must follow a [convolutional] of {filters} filters ({len(head.anchors_px)} anchors times 5 + "
            f"{head.classes} classes) with size=1, stride=1, no padding, no batch_normalize, activation={activation}."
        )
    return head, previous.sources, previous.shape


_READERS: dict[str, Callable[[Section, _Before], Read]] = {
    "convolutional": _convolution,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "upsample": _upsample,
    "route": _route,
    "shortcut": _shortcut,
    "reorg": _reorg,
    "dropout": _dropout,
    "yolo": _yolo,
    "region": _region,
}


def _heads_joined(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with every head's convolution told whose it is; nothing else may take what either of them gives."""
    heads = [number for number, step in enumerate(steps) if isinstance(step.settings, Head)]
    theirs = {number for head in heads for number in (head, head - 1)}
    for step in steps:
        taken = theirs.intersection(step.sources)
        if taken:
            other = steps[min(taken)].section
            raise step.section.fault(
                f"uses the result of [{other.kind}] at line {other.line}, which is a head of the network and has no "
                "further outputs."
            )
    return tuple(replace(step, head=number + 1) if number + 1 in heads else step for number, step in enumerate(steps))
