"""Conversion of third-party networks into model folders: Darknet's detectors, MobileFace V2."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import keras
from pydantic import ValidationError

from cnn_suite import config_embedding
from cnn_suite.config import ConfigError, RunConfig, save_config
from cnn_suite.config_detection import Data, DetectionConfig, Model
from cnn_suite.config_embedding import EmbeddingConfig
from cnn_suite.config_text import explain_all
from cnn_suite.export import export_model
from cnn_suite.models.darknet import darknet
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.models.yolo import yolo_heads
from cnn_suite.tasks.detection_network import CFG
from cnn_suite.weights.darknet_cfg import DarknetError, read_cfg
from cnn_suite.weights.darknet_plan import plan

LARGEST_NAMES = 1 << 20  # bytes


def convert_darknet(
    cfg: str | Path,
    weights: str | Path,
    folder: str | Path,
    *,
    names: str | Path | None = None,
    name: str | None = None,
    formats: Sequence[str] = ("saved_model", "litert"),
) -> Path:
    """Writes the model folder for a Darknet detector.

    The network keeps its input size, class order and resizing method: stretch, unless the .cfg says
    letter_box=1. The folder holds the .cfg too, as network.cfg, for a training to begin with.

    Args:
        cfg: The .cfg file.
        weights: The .weights file that belongs to it.
        folder: Folder to write to.
        names: Text file with one class name per line; without it, classes are named by their numbers.
        name: Name of the model; defaults to that of the folder.
        formats: Any of "saved_model", "litert" and "onnx".

    Returns:
        The folder.

    Raises:
        DarknetError: If the files cannot be imported, have no detection head, or there are not as many
            different names as classes.
        ConfigError: If the folder's name cannot be a model's, or a side of the network's input is no multiple of 32.
        ParityError: If an exported format gives different results from the network.
    """
    network = plan(read_cfg(cfg))
    model = darknet(network, weights=weights)
    if not isinstance(model.output, dict):
        raise DarknetError(f"{Path(cfg).name} has neither [yolo] nor [region]. Only detectors can be converted.")
    classes = yolo_heads(model)[0].classes
    folder = Path(folder)
    resize: Literal["letterbox", "stretch"] = "letterbox" if network.letterbox else "stretch"
    labels = _labels(names, classes)
    try:
        config = DetectionConfig(
            name=name or folder.resolve().name,
            data=Data(format="none", labels=labels, resize=resize),
            model=Model(builder="darknet", cfg=CFG, image_size_hw=network.size_hw),
        )
    except ValidationError as error:
        faults = " ".join(explain_all(error.errors(), DetectionConfig))
        raise ConfigError(f"{Path(cfg).name} cannot be converted into the folder {folder}. {faults}") from error
    _export(model, config, folder, formats)
    shutil.copyfile(cfg, folder / CFG)
    return folder


def convert_mobileface(
    weights: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    formats: Sequence[str] = ("saved_model", "litert"),
) -> Path:
    """Writes the model folder of MobileFace V2, whose encodings include that of the mirrored face.

    Args:
        weights: The authors' MobileFace_Identification_V2-0000.params.
        folder: Folder to write to.
        name: Name of the model; defaults to that of the folder.
        formats: Any of "saved_model", "litert" and "onnx".

    Returns:
        The folder.

    Raises:
        ValueError: If the file does not contain exactly the network's weights.
        ParityError: If an exported format gives different results from the network.
    """
    folder = Path(folder)
    config = EmbeddingConfig(
        name=name or folder.name,
        data=config_embedding.Data(),
        model=config_embedding.Model(builder="mobileface_v2"),
        export=config_embedding.Export(mirror=True),
    )
    _export(mobileface_v2(weights=weights), config, folder, formats)
    return folder


def _export(model: keras.Model, config: RunConfig, folder: Path, formats: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        model.save(source / "model.keras")
        save_config(config, source / "config.yaml")
        export_model(source, folder, formats=formats)


def _labels(names: str | Path | None, classes: int) -> tuple[str, ...]:
    if names is None:
        return tuple(str(number) for number in range(classes))
    path = Path(names)
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_NAMES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DarknetError(f"{path.name} must be UTF-8 text; line {line} is not. Save it in that encoding.") from error
    except OSError as error:
        raise DarknetError(f"Cannot read the class names from {path}: {error}.") from error
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(found) != classes:
        raise DarknetError(f"{path.name} must contain {classes} names, one per line. It contains {len(found)}.")
    twice = [label for number, label in enumerate(found) if label in found[:number]]
    if twice:
        raise DarknetError(
            f"{path.name} must name every class differently. It contains {twice[0]!r} {found.count(twice[0])} times: "
            "results could not tell these classes apart. Rename all but one."
        )
    return found
