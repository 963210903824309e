"""Darknet's .cfg files: text to sections, every fault with its line.

A file is a list of sections, `[kind]` and then `option=value` lines; what follows a # or ; is a comment. What the
sections mean together is said in `darknet_plan.py`.

Source: Darknet's parser.c and option_list.c (Redmon; AlexeyAB's branch for YOLOv4).
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn_suite.nearest_names import did_you_mean

LARGEST_FILE = 1 << 20  # bytes; yolov3.cfg has 8 thousand
MOST_SECTIONS = 1000  # yolov3.cfg has 107
MOST_OPTIONS = 200  # of one section
MOST_VALUES = 100  # of one option; yolov3's anchors are 18

_log = logging.getLogger(__name__)

ALIASES = {"network": "net", "conv": "convolutional", "max": "maxpool", "avg": "avgpool"}

# Of every section that can be imported: the options that say what it computes.
MEANING = {
    "net": {"width", "height", "channels", "letter_box"},
    "convolutional": set(
        "filters size stride stride_x stride_y pad padding groups batch_normalize activation dilation antialiasing "
        "share_index binary xnor bin_output flipped".split()
    ),
    "maxpool": {"size", "stride", "stride_x", "stride_y", "padding", "maxpool_depth", "out_channels", "antialiasing"},
    "avgpool": set(),
    "upsample": {"stride", "scale"},
    "route": {"layers", "groups", "group_id"},
    "shortcut": {"from", "activation", "weights_type", "weights_normalization"},
    "reorg": {"stride", "reverse"},
    "dropout": {"probability"},
    "yolo": {"mask", "anchors", "classes", "num", "scale_x_y", "new_coords", "embedding_layer"},
    "region": {"anchors", "classes", "num", "coords", "softmax", "tree", "map", "background"},
}

# And those that only Darknet's own training, counting or drawing reads.
TRAINING = {
    "net": set(
        "batch subdivisions momentum decay angle saturation exposure hue learning_rate burn_in max_batches "
        "policy steps scales scale power gamma step adam B1 B2 eps max_crop min_crop flip mosaic mosaic_bound "
        "mixup cutmix blur gaussian_noise aspect inputs max_chart_loss optimized_memory "
        "workspace_size_MB_limit ema_alpha time_steps use_cuda_graph loss_scale dynamic_minibatch "
        "num_sigmas_reject_badlabels badlabels_rejection_percentage badlabels_reject_threshold "
        "equidistant_point weights_reject_freq resize_step attention adversarial_lr label_smooth_eps "
        "try_fix_nan seq_scales sequential_subdivisions track augment_speed unsupervised contrastive "
        "contrastive_jit_flip contrastive_color letter_box_train all_steps train_images_num".split()
    ),
    "convolutional": {"stopbackward", "learning_rate_scale", "grad_centr", "dontload", "dontloadscales", "onlyforward"},
    "dropout": {"dropblock", "dropblock_size_rel", "dropblock_size_abs"},
    "route": {"stopbackward"},
    "shortcut": {"stopbackward"},
    "yolo": set(
        "ignore_thresh truth_thresh iou_thresh jitter resize random cls_normalizer iou_normalizer obj_normalizer "
        "iou_loss iou_thresh_kind nms_kind beta_nms beta1 max_delta max label_smooth_eps objectness_smooth focal_loss "
        "counters_per_class track_history_size sim_thresh dets_for_track dets_for_show track_ciou_norm "
        "embedding_size show_details delta_normalizer".split()
    ),
    "region": set(
        "bias_match jitter rescore object_scale noobject_scale mask_scale class_scale coord_scale absolute thresh "
        "random log sqrt classfix max focal_loss".split()
    ),
}


class DarknetError(ValueError):
    """A Darknet file that cannot be imported; the message names the file and, in a .cfg, the line."""


@dataclass(frozen=True)
class Section:
    """One section of a .cfg: its kind without brackets, the line of its header, its options as text, and its file."""

    kind: str
    line: int
    options: dict[str, str]
    source: str = "cfg"

    def fault(self, text: str) -> DarknetError:
        """The error that names this section."""
        return DarknetError(f"{self.source}, line {self.line}: [{self.kind}] {text}")

    def integer(self, option: str, default: int | None, low: int, high: int) -> int:
        """A whole number from `low` to `high`; without a default it must be given."""
        return self._numbers(option, default, int, low, high, several=False)[0]

    def number(self, option: str, default: float, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return self._numbers(option, default, float, low, high, several=False)[0]

    def integers(self, option: str, low: int, high: int) -> list[int]:
        """One or more whole numbers, separated by commas; they must be given."""
        return self._numbers(option, None, int, low, high, several=True)

    def numbers(self, option: str, low: float, high: float) -> list[float]:
        """One or more numbers, separated by commas; they must be given."""
        return self._numbers(option, None, float, low, high, several=True)

    def choice(self, option: str, default: str, choices: Sequence[str]) -> str:
        """One of several words."""
        value = self.options.get(option, default)
        if value not in choices:
            raise self.fault(f"{option} must be one of {', '.join(choices)}. Received {value!r:.60}.")
        return value

    def refuse(self, option: str, *harmless: str) -> None:
        """Refuses an option that would change the numbers in a way that is not imported."""
        if self.options.get(option, harmless[0]) not in harmless:
            received = f"{option}={self.options[option]:.60}"
            raise self.fault(f"{received} cannot be imported; only {option}={harmless[0]} can.")

    def _numbers(
        self, option: str, default: float | None, kind: type, low: float, high: float, *, several: bool
    ) -> list[Any]:
        what = "a whole number" if kind is int else "a number"
        wanted = f"{'one or more' if several else what}{' numbers' if several else ''} from {low} to {high}"
        text = self.options.get(option)
        if text is None:
            if default is None:
                raise self.fault(f"needs {option}: {wanted}.")
            return [default]
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words or len(words) > (MOST_VALUES if several else 1):
            raise self.fault(f"{option} must be {wanted}. Received {text!r:.60}.")
        return [self._number(option, word, kind, low, high, wanted) for word in words]

    def _number(self, option: str, word: str, kind: type, low: float, high: float, wanted: str) -> Any:
        pattern = r"[+-]?\d{1,18}" if kind is int else r"[+-]?(\d{1,18}\.?\d{0,18}|\.\d{1,18})([eE][+-]?\d{1,3})?"
        value = kind(word) if re.fullmatch(pattern, word, re.ASCII) else None
        if value is None or not low <= value <= high:
            raise self.fault(f"{option} must be {wanted}. Received {word!r:.60}.")
        return value


def read_cfg(path: str | Path) -> tuple[Section, ...]:
    """The sections of a .cfg file.

    Raises:
        DarknetError: If the file cannot be read or is no .cfg whose sections are all known.
    """
    path = Path(path)
    if not path.is_file():
        raise DarknetError(f"Cannot read the .cfg file {path}: there is no such file.")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DarknetError(f"Cannot read the .cfg file {path}: {error.strerror or error}.") from error
    if len(content) > LARGEST_FILE:
        raise DarknetError(f"{path.name} must be a .cfg of at most {LARGEST_FILE:,} bytes. It is larger.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DarknetError(f"{path.name} must be a text file. Received bytes that are no UTF-8 text.") from error
    return parse_cfg(text, path.name)


def parse_cfg(text: str, source: str = "cfg") -> tuple[Section, ...]:
    """The sections of a .cfg in order, [net] first.

    Args:
        text: What the file holds.
        source: What to call it in errors.

    Raises:
        DarknetError: If a line is neither a header, an option nor a comment, an option stands twice, a section is
            unknown, [net] is not the first alone, or there is more of something than any network has.
    """
    sections: list[Section] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = re.split(r"[#;]", line, maxsplit=1)[0].strip()
        if words.startswith("["):
            sections.append(_header(words, number, source))
            if len(sections) > 1 and sections[-1].kind == "net":
                raise DarknetError(f"{source}, line {number}: [net] stands twice. A .cfg describes one network.")
            if len(sections) > MOST_SECTIONS:
                raise DarknetError(f"{source}, line {number}: a .cfg may have {MOST_SECTIONS} sections. It has more.")
        elif words:
            _add_option(sections, words, number, source)
    if not sections or sections[0].kind != "net":
        raise DarknetError(f"{source} must begin with the section [net]. Received {_beginning(sections)}.")
    for section in sections:
        _tell_unknown(section)
    return tuple(sections)


def _header(words: str, number: int, source: str) -> Section:
    match = re.fullmatch(r"\[\s*([\w-]{1,40})\s*\]", words)
    if not match:
        raise DarknetError(f"{source}, line {number}: a section begins with [kind]. Received {words!r:.60}.")
    kind = ALIASES.get(match.group(1).lower(), match.group(1).lower())
    if kind not in MEANING:
        raise DarknetError(
            f"{source}, line {number}: the section [{kind}] cannot be imported. Supported: {', '.join(MEANING)}."
        )
    return Section(kind, number, {}, source)


def _add_option(sections: list[Section], words: str, number: int, source: str) -> None:
    option, separator, value = (part.strip() for part in words.partition("="))
    if not separator or not option:
        raise DarknetError(
            f"{source}, line {number}: expected [kind], option=value or a comment. Received {words!r:.60}."
        )
    if not sections:
        raise DarknetError(f"{source}, line {number}: {option[:60]} stands before the first section, [net].")
    if len(sections[-1].options) >= MOST_OPTIONS:
        raise DarknetError(
            f"{source}, line {number}: [{sections[-1].kind}] may have {MOST_OPTIONS} options. It has more."
        )
    if option in sections[-1].options:
        raise DarknetError(f"{source}, line {number}: {option[:60]} stands twice in [{sections[-1].kind}].")
    sections[-1].options[option] = value


def _beginning(sections: list[Section]) -> str:
    return f"[{sections[0].kind}] at line {sections[0].line}" if sections else "no section at all"


def _tell_unknown(section: Section) -> None:
    """Darknet ignores what it does not know, and so must whoever reads its files; but not in silence."""
    known = MEANING[section.kind] | TRAINING.get(section.kind, set())
    for option in section.options.keys() - known:
        hint = did_you_mean(option[:40], known)
        text = "%s, line %d: the option %.40r of [%s] is unknown and ignored.%s"
        _log.warning(text, section.source, section.line, option, section.kind, hint)
