"""`cnn-suite export`: a trained network as a model folder, its forms checked against each other."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite import graphs, parity
from cnn_suite.config import ConfigError, RunConfig, load_config
from cnn_suite.models.yolo import yolo_heads
from cnn_suite.results import ModelCard
from cnn_suite.runtime.litert import LiteRTModel
from cnn_suite.tasks import detection

CALIBRATION_PICTURES = 64
PARITY_PICTURES = 8
LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "numpy")


def export_model(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    formats: Sequence[str] | None = None,
    int8: bool = False,
) -> Path:
    """Writes the model folder of a trained network.

    Args:
        source: A run (`runs/<name>`), a model folder, or a .keras file with its config.yaml beside it.
        folder: Where to write; `saved_models/<name>` by default.
        formats: Out of "saved_model", "litert" and "onnx"; the configuration's by default.
        int8: Whether to write model.int8.tflite too, quantised by training pictures.

    Returns:
        The model folder.

    Raises:
        ConfigError: If the source is no trained network.
        ParityError: If a written form does not answer like the network; the folder is then left for a look.
    """
    model, config, origin = _load(Path(source))
    formats = tuple(formats or config.export.formats)
    target = Path(folder) if folder else Path("saved_models") / config.name
    target.mkdir(parents=True, exist_ok=True)
    serving = detection.serving_model(model, config)
    _write_forms(model, serving, target, formats)
    if int8:
        calibration = detection.sample_pictures(config, CALIBRATION_PICTURES)
        (target / "model.int8.tflite").write_bytes(graphs.litert_bytes(_one_picture(serving), calibration))
    _copy(origin, target, model)
    pictures = _parity_pictures(config)
    differences = parity.parity(serving.serving_default, _runtimes(target, formats), pictures)
    _card(model, config, target, {"pictures": len(pictures), **differences}).write(target)
    parity.check(differences)
    return target


def _load(source: Path) -> tuple[keras.Model, RunConfig, Path]:
    path = source / "model.keras" if source.is_dir() else source
    settings = path.parent / "config.yaml"
    if not path.is_file() or not settings.is_file():
        raise ConfigError(
            f"{source} is no trained network: expected model.keras and config.yaml, or a .keras file with config.yaml "
            "beside it. `cnn-suite train` writes them to runs/<name>."
        )
    return keras.models.load_model(path, compile=False), load_config(settings), path.parent


def _one_picture(serving) -> dict[str, Callable]:
    return {"serving_default": serving.one_picture, "candidates": serving.candidates}


def _write_forms(model: keras.Model, serving, target: Path, formats: Sequence[str]) -> None:
    if "saved_model" in formats:
        signatures = {"serving_default": serving.serving_default, "candidates": serving.candidates}
        graphs.write_saved_model(model, signatures, target)
    if "litert" in formats:
        (target / "model.tflite").write_bytes(graphs.litert_bytes(_one_picture(serving)))
    if "onnx" in formats:
        graphs.write_onnx(tf.function(serving.one_picture), graphs.ONE_PICTURE, target / "model.onnx")


def _copy(origin: Path, target: Path, model: keras.Model) -> None:
    model.save(target / "model.keras")
    for name in ("config.yaml", "history.csv"):
        if (origin / name).is_file() and (origin / name).resolve() != (target / name).resolve():
            shutil.copyfile(origin / name, target / name)


def _runtimes(target: Path, formats: Sequence[str]) -> dict[str, Callable[[np.ndarray], parity.Answer]]:
    runtimes: dict[str, Callable[[np.ndarray], parity.Answer]] = {}
    if "saved_model" in formats:
        loaded = tf.saved_model.load(str(target))
        runtimes["saved_model"] = lambda images: loaded.signatures["serving_default"](images=tf.constant(images))
    if "litert" in formats:
        lite = LiteRTModel(target / "model.tflite")
        runtimes["litert"] = lambda images: lite.run("serving_default", images)
    if "onnx" in formats:
        runtimes["onnx"] = _onnx(target / "model.onnx")
    return runtimes


def _onnx(path: Path) -> Callable[[np.ndarray], parity.Answer]:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("The check of ONNX needs onnxruntime: `pip install 'cnn_suite[onnx]'`.") from error
    session = onnxruntime.InferenceSession(str(path))
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"images": images}), strict=True))


def _parity_pictures(config: RunConfig) -> list[np.ndarray]:
    """Pictures of the model's own data where they are at hand, as they are and at an odd size; noise otherwise."""
    pictures = detection.sample_pictures(config, PARITY_PICTURES)
    if not pictures:
        generator = np.random.default_rng(0)
        pictures = [generator.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((480, 640), (250, 250))]
    odd = [np.ascontiguousarray(picture[: -(1 + len(picture) // 5), 1:]) for picture in pictures]
    return [*pictures, *odd]


def _card(model: keras.Model, config: RunConfig, target: Path, differences: dict) -> ModelCard:
    """What a program must know to use the folder; the metrics of an earlier card of the same weights are kept."""
    files = [path for path in sorted(target.rglob("*")) if path.is_file() and path.name != "card.json"]
    digests = {str(path.relative_to(target)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return ModelCard(
        name=config.name,
        task=config.task,
        labels=config.data.labels,
        input={
            "signature": "serving_default",
            "images": "uint8 (batch, height, width, 3) RGB, any height and width; model.tflite: batch 1",
            "network_size_hw": list(config.model.image_size_hw),
            "resizing": "letterbox, inside the graph",
        },
        thresholds=config.export.model_dump(include={"confidence", "iou", "max_detections", "score_floor"}),
        model={
            "builder": config.model.builder,
            "parameters": model.count_params(),
            "heads": [{"stride": head.stride, "anchors_px": head.anchors_px} for head in yolo_heads(model)],
        },
        metrics=_kept_metrics(target, digests),
        parity=differences,
        sizes={str(path.relative_to(target)): path.stat().st_size for path in files},
        versions={name: version(name) for name in LIBRARIES},
        sha256=digests,
    )


def _kept_metrics(target: Path, digests: dict[str, str]) -> dict:
    if not (target / "card.json").is_file():
        return {}
    earlier = ModelCard.read(target)
    same = earlier.sha256.get("model.keras") == digests.get("model.keras")
    return earlier.metrics if same else {}
