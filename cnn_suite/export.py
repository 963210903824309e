"""`cnn-suite export`: writes a trained network as a model folder and compares its formats with each other."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite import graphs
from cnn_suite.backend import require_tensorflow
from cnn_suite.config import ConfigError, RunConfig, save_config
from cnn_suite.config_sections import EXPORT_FORMATS
from cnn_suite.export_target import (
    FILES,
    check_for_another_network,
    check_for_other_things,
    check_for_other_weights,
    target_of,
)
from cnn_suite.network_files import weights_digest
from cnn_suite.parity import Answer, Runtime
from cnn_suite.results import ModelCard
from cnn_suite.runtime.model_files.litert import LiteRTModel
from cnn_suite.runtime.model_files.saved_model import SavedModel
from cnn_suite.tasks.choice import task_of
from cnn_suite.tasks.serving import Serving
from cnn_suite.trained import Trained, load_trained

CALIBRATION_PICTURES = 64
PARITY_PICTURES = 8
LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "numpy")


def export_model(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    formats: Sequence[str] | None = None,
    int8: bool = False,
    overrides: Sequence[str] = (),
    replace: bool = False,
) -> Path:
    """Writes the model folder of a trained network.

    Formats of the same network that are already in the folder and are not requested are kept, with their entries in the
    card; those of another network are removed.

    Args:
        source: A run (`runs/<name>`), a model folder, or a .keras file with its config.yaml next to it.
        folder: Folder to write to; defaults to `saved_models/<name>`.
        formats: Any of "saved_model", "litert" and "onnx"; the configuration's by default.
        int8: Whether to write model.int8.tflite too, quantised by training pictures.
        overrides: Fields `export.…` of the configuration to replace, such as `export.mirror=true`; the folder's
            config.yaml says so.
        replace: Whether to take the place of another network, of another task or other labels.

    Returns:
        The model folder.

    Raises:
        ConfigError: If the source is no trained network, an override does not fit, the folder holds other things
            than a model or another network, `int8` is asked for without the training pictures, or Keras runs on another
            backend than TensorFlow.
        ValueError: If a format is unknown.
        ImportError: If ONNX is requested and its libraries are not installed.
        ParityError: If an exported format gives different results; the folder is then kept for inspection.
    """
    require_tensorflow(
        "A model folder",
        f"{source} is unchanged: run the same command with KERAS_BACKEND=tensorflow, and with --resume after `train`.",
    )
    _check_overrides(overrides)
    trained = load_trained(source, overrides)
    config = trained.config
    target = Path(folder) if folder else target_of(config.name)
    if target.resolve() != trained.path.parent.resolve():
        check_for_other_things(target)
    if not replace:
        check_for_another_network(target, config.task, config.data.labels)
    if folder is None and not replace:
        check_for_other_weights(trained.path.parent, target)
    formats = _checked_formats(formats or config.export.formats)
    serving = task_of(config.task).serving_model(trained.model, config)
    calibration = _calibration(trained, serving) if int8 else []
    earlier = _earlier_card(target, trained, serving)
    _copy(trained, serving, target)
    _write_forms(serving, target, formats, calibration)
    differences = (earlier.parity if earlier else {}) | _differences(serving, config, target, formats, int8)
    _card(trained, serving, target, differences, earlier).write(target)
    serving.check({name: differences[name] for name in formats})
    return target


def _check_overrides(overrides: Sequence[str]) -> None:
    other = [text for text in overrides if not text.strip().startswith("export.")]
    if other:
        raise ConfigError(
            f"Only fields of `export` can be replaced in a trained network, such as export.mirror=true. Received "
            f"{other[0]!r}, which is a matter of the training."
        )


def _checked_formats(formats: Sequence[str]) -> tuple[str, ...]:
    if isinstance(formats, str) or not set(formats) <= set(EXPORT_FORMATS):
        raise ValueError(f"`formats` must be a list of any of {', '.join(EXPORT_FORMATS)}. Received {formats!r}.")
    if "onnx" in formats:
        graphs.check_onnx_installed()
    return tuple(formats)


def _calibration(trained: Trained, serving: Serving) -> list[np.ndarray]:
    """Training pictures as they lie on the network's input, all of one size."""
    config = trained.config
    pictures = task_of(config.task).sample_pictures(config, CALIBRATION_PICTURES, training=True)
    if not pictures:
        written = trained.path.parent / "config.yaml"
        if not any(config.data.places.values()):  # as of an imported network
            raise ConfigError(
                f"An 8-bit file is calibrated on training pictures, and {written} names none. Enter data.format and "
                "data.path there, of pictures like those that the network will see."
            )
        raise ConfigError(
            f"An 8-bit file is calibrated on training pictures, which are not where the configuration says: "
            f"{_listed(config.data.places)}. Run the command where they are, or correct the path in {written}."
        )
    return [serving.on_input(picture) for picture in pictures]


def _listed(places: dict[str, Any]) -> str:
    return ", ".join(f"data.{name} {value!r}" for name, value in places.items())


def _earlier_card(target: Path, trained: Trained, serving: Serving) -> ModelCard | None:
    """The card of an earlier export of the same network and graph; forms of another one are removed."""
    if not (target / "card.json").is_file():
        return None
    card = ModelCard.read(target)
    same_weights = card.model.get("weights_sha256") == weights_digest(serving.model)
    same_file = card.sha256.get("model.keras") == _digest(trained.path)
    graph = serving.card()
    same_graph = _holds(card.input, graph["input"]) and _holds(card.thresholds, graph["thresholds"])
    if (same_weights or same_file) and same_graph:
        return card
    for name in (name for names in FILES.values() for name in names):
        if (target / name).is_dir():
            shutil.rmtree(target / name)
        else:
            (target / name).unlink(missing_ok=True)
    return None


def _holds(told: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a part of a card says all that a graph says; a calibration, for one, it may say besides."""
    return all(told.get(key) == value for key, value in wanted.items())


def _copy(trained: Trained, serving: Serving, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    origin = trained.path.parent
    if trained.path.resolve() != (target / "model.keras").resolve():
        serving.model.save(target / "model.keras")
    if (origin / "history.csv").is_file() and origin.resolve() != target.resolve():
        shutil.copyfile(origin / "history.csv", target / "history.csv")
    save_config(trained.config, target / "config.yaml")


def _write_forms(serving: Serving, target: Path, formats: Sequence[str], calibration: Sequence[np.ndarray]) -> None:
    one_picture = serving.one_picture_signatures
    if "saved_model" in formats:
        graphs.write_saved_model(serving.model, serving.signatures, target)
    if "litert" in formats:
        (target / "model.tflite").write_bytes(graphs.litert_bytes(one_picture))
    if "onnx" in formats:
        graphs.write_onnx(one_picture["serving_default"], target / "model.onnx")
    if calibration:
        quantised = graphs.litert_int8_bytes(one_picture, calibration, serving.int8_body)
        (target / "model.int8.tflite").write_bytes(quantised)


def _differences(serving: Serving, config: RunConfig, target: Path, formats: Sequence[str], int8: bool) -> dict:
    pictures = _parity_pictures(config, serving)
    found: dict = {"pictures": len(pictures)}
    found |= serving.differences({name: _runtime(target, name) for name in formats}, pictures)
    if int8:
        found["litert_int8"] = serving.int8_differences(_runtime(target, "litert_int8"), pictures)
    return found


def _runtime(target: Path, form: str) -> Runtime:
    if form == "saved_model":
        return SavedModel(target).run
    if form == "onnx":
        return _onnx(target / "model.onnx")
    return LiteRTModel(target / FILES[form][0]).run


def _onnx(path: Path) -> Runtime:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(signature: str, images: np.ndarray) -> Answer | None:
        if signature != "serving_default":
            return None
        return dict(zip(names, session.run(names, {"images": images}), strict=True))

    return run


def _parity_pictures(config: RunConfig, serving: Serving) -> list[np.ndarray]:
    """Pictures of the model's own data where they are available, as they are and at an odd size; noise otherwise."""
    pictures = task_of(config.task).sample_pictures(config, PARITY_PICTURES)
    generator = np.random.default_rng(0)
    if serving.example_shape:
        return pictures or list(generator.normal(size=(PARITY_PICTURES, *serving.example_shape)).astype(np.float32))
    if not pictures:
        pictures = [generator.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((480, 640), (250, 250))]
    odd = [np.ascontiguousarray(picture[: -(1 + len(picture) // 5), 1:]) for picture in pictures]
    return [*pictures, *odd]


def _card(trained: Trained, serving: Serving, target: Path, differences: dict, earlier: ModelCard | None) -> ModelCard:
    """What a program must know to use the folder; metrics and calibration of an earlier card of the same network are
    kept."""
    files = [path for path in sorted(target.rglob("*")) if path.is_file() and path.name != "card.json"]
    model, config, graph = serving.model, trained.config, serving.card()
    return ModelCard(
        name=config.name,
        task=config.task,
        labels=config.data.labels,
        input={
            "signature": "serving_default",
            "images": _images(serving),
            **graph["input"],
        },
        thresholds=(earlier.thresholds if earlier else {}) | graph["thresholds"],
        model={
            "builder": config.model.builder,
            "parameters": model.count_params(),
            "weights_sha256": weights_digest(model),
            **graph["model"],
        },
        metrics=earlier.metrics if earlier else {},
        parity=differences,
        sizes={str(path.relative_to(target)): path.stat().st_size for path in files},
        versions={name: version(name) for name in LIBRARIES},
        sha256={str(path.relative_to(target)): _digest(path) for path in files},
        extra=earlier.extra if earlier else {},
    )


def _images(serving: Serving) -> str:
    """The input `images` in words."""
    if serving.example_shape:
        return f"float32 (batch, {', '.join(map(str, serving.example_shape))}); model.tflite: batch 1"
    return "uint8 (batch, height, width, 3) RGB, any height and width; model.tflite: batch 1"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
