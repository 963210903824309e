"""What holds for every part: it imports, is documented, survives saving, and costs no more than it must."""

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnn_suite
from cnn_suite.config import load_config
from cnn_suite.config_classification import Augmentation

ROOT = Path(__file__).resolve().parents[1]
MODULES = ["cnn_suite", *sorted(found.name for found in pkgutil.walk_packages(cnn_suite.__path__, "cnn_suite."))]
APPS = sorted((ROOT / "apps").glob("*.py"))
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
HEAVY = ("tensorflow", "keras")

RESNET_BLOCK = {
    "filters": 8,
    "strides": 2,
    "shortcut": "projection",
    "activation": "tanh",
    "use_bias": True,
    "momentum": 0.5,
    "epsilon": 0.01,
}

# Arguments other than the defaults for every layer and loss of the project; a new one needs a row here.
NON_DEFAULT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "BasicBlock": RESNET_BLOCK,
    "BottleneckBlock": RESNET_BLOCK,
    "ChannelGroup": {"groups": 3, "group": 2},
    "ChannelStatistics": {"epsilon": 0.5},
    "ColourShift": {"deviation": 0.3, "value_range": (0.0, 1.0), "seed": 3},
    "ConvolutionMuon": {"learning_rate": 0.5, "weight_decay": 0.01, "rms_rate": 0.2},
    "CroppedTo": {},
    "DepthToSpace": {"factor": 3},
    "FusedBatchNormalization": {},
    "GroupedConv2D": {"filters": 12, "kernel_size": [3, 3], "groups": 3},
    "InceptionModule": {
        "filters_1x1": 2,
        "reduce_3x3": 3,
        "filters_3x3": 4,
        "reduce_5x5": 5,
        "filters_5x5": 6,
        "pool_projection": 7,
        "activation": "tanh",
    },
    "InstanceNorm": {"styles": 3, "epsilon": 0.01},
    "L2Pooling": {"pool_size": 2, "strides": 1},
    "LandmarksLoss": {"width": 0.2, "curvature": 0.03, "face_weight": 0.4},
    "LayerRatesAdamW": {"layer_rates": {"conv1": 0.1}},
    "LayerRatesMuon": {"layer_rates": {"conv1": 0.1}},
    "LayerRatesSGD": {"layer_rates": {"conv1": 0.1}},
    "LocalResponseNormalization": {"radius": 3, "bias": 1.0, "alpha": 0.01, "beta": 0.5},
    "LocalWarp": {"largest": 0.1, "cells": 3, "seed": 3},
    "LocalizationLoss": {"form": "mixed", "box_weight": 5.0},
    "MaxPoolPadding": {"before": 1, "after": 2},
    "MirrorBorder": {"width": 3},
    "NearestUpsampling": {"factor": 3},
    "PairDifference": {"kind": "chi_square", "epsilon": 0.01},
    "PairLoss": {"threshold": 0.5, "scale": 2.0, "measure": "euclidean"},
    "PairDistance": {"measure": "cosine"},
    "PictureAugmentation": {
        "settings": Augmentation(mirror=0.25).model_dump(),
        "image_size_hw": (20, 24),
        "seed": 3,
    },
    "Reorganise": {"stride": 3},
    "ResidualBlock": {"filters": 24, "bottleneck": 8, "activation": "relu", "momentum": 0.5},
    "TripletLoss": {
        "rule": "random",
        "margin": 0.5,
        "soft": True,
        "measure": "euclidean",
        "choice": "random",
        "fallback": "skip",
        "average": "active",
        "seed": 3,
    },
    "YoloHead": {
        "anchors_px": [[10.0, 20.0], [30.0, 15.0]],
        "classes": 4,
        "stride": 16,
        "scale_xy": 1.05,
        "class_activation": "softmax",
        "squared_sizes": True,
        "objectness_prior": 0.2,
    },
    "YoloLoss": {
        "anchors_px": [[10.0, 20.0], [30.0, 15.0]],
        "mask": [1],
        "stride": 16,
        "scale_xy": 2.0,
        "squared_sizes": True,
        "ignore_iou": 0.5,
        "match_iou": 0.4,
        "neighbour_cells": True,
        "box_loss": "ciou",
        "rescore": True,
        "box_weight": 2.0,
        "objectness_weight": 3.0,
        "class_weight": 4.0,
    },
    "YoloV2Loss": {
        "anchors_px": [[10.0, 20.0], [30.0, 15.0]],
        "stride": 16,
        "noobject_scale": 0.5,
        "object_scale": 2.0,
        "coord_scale": 3.0,
        "class_scale": 4.0,
        "ignore_iou": 0.7,
        "rescore": False,
        "prior_scale": 0.01,
    },
}


def named(paths: list[Path]) -> list[Any]:
    """Paths as test parameters that carry the file's name."""
    return [pytest.param(path, id=path.name) for path in paths]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports_and_everything_public_in_it_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert inspect.getdoc(module), f"{name} has no docstring"
    undocumented = [
        member
        for member, value in vars(module).items()
        if not member.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
        and not value.__doc__
    ]
    assert not undocumented, f"{name}: no docstring on {', '.join(undocumented)}"


@pytest.fixture(scope="module")
def serialisable_classes() -> dict[str, type]:
    """Every class registered with Keras under the project's name."""
    import keras

    parts = ("layers", "losses", "optimizers", "data.classes.augmentation_layer")
    for name in MODULES:
        if name.startswith(tuple(f"cnn_suite.{part}" for part in parts)):
            importlib.import_module(name)
    registered = keras.saving.get_custom_objects()
    return {key.removeprefix("cnn_suite>"): value for key, value in registered.items() if key.startswith("cnn_suite>")}


def test_every_serialisable_class_has_a_row_of_arguments(serialisable_classes: dict[str, type]) -> None:
    assert sorted(serialisable_classes) == sorted(NON_DEFAULT_ARGUMENTS)


@pytest.mark.parametrize("name", NON_DEFAULT_ARGUMENTS)
def test_a_layer_or_loss_comes_back_from_its_config_with_every_argument(
    name: str, serialisable_classes: dict[str, type]
) -> None:
    import keras

    made_from, arguments = serialisable_classes[name], NON_DEFAULT_ARGUMENTS[name]
    parameters = inspect.signature(made_from.__init__).parameters.values()
    declared = {p.name: p.default for p in parameters if p.name not in ("self", "name", "dtype", "reduction")}
    declared = {key: default for key, default in declared.items() if key not in ("args", "kwargs")}
    if made_from.__init__.__module__.startswith("keras."):
        declared = {key: declared[key] for key in arguments}  # Keras's own arguments are tested there
    assert sorted(arguments) == sorted(declared), "the row must set every argument"
    assert all(arguments[key] != default for key, default in declared.items()), "the row must differ from the defaults"

    original = made_from(**arguments)
    config = original.get_config()
    assert {key: as_lists(config[key]) for key in arguments} == as_lists(arguments)
    again = made_from.from_config(json.loads(json.dumps(config)))
    assert as_lists(again.get_config()) == as_lists(config)
    saved = keras.saving.serialize_keras_object(original)
    assert type(keras.saving.deserialize_keras_object(saved)) is made_from


def as_lists(value: Any) -> Any:
    """Tuples as lists all the way down: JSON knows no tuples."""
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    return [as_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("path", named(CONFIGS))
def test_every_configuration_loads_and_says_in_its_head_how_to_run_it(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any("cnn-suite train" in line for line in head)


@pytest.mark.parametrize("path", named(APPS))
def test_every_app_shows_its_help_without_tensorflow(path: Path) -> None:
    program = (
        "import runpy, sys\n"
        f"sys.argv = [{str(path)!r}, '--help']\n"
        "try:\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "    status = 0\n"
        "except SystemExit as leaving:\n"
        "    status = leaving.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "--source" in done.stdout


@pytest.mark.parametrize("path", named(APPS))
def test_every_app_stands_on_the_runtime_alone(path: Path) -> None:
    allowed = ["cnn_suite.runtime", "cnn_suite.results", "cnn_suite.config", "cnn_suite.ops.numpy_boxes"]
    if path.stem == "explore":  # the inside of a network is Keras's; exported files do not show it
        allowed.append("cnn_suite.exploration")
    imported = [name for name in imported_names(path) if name.split(".")[0] == "cnn_suite"]
    assert [name for name in imported if not name.startswith(tuple(allowed))] == []


def imported_names(path: Path) -> list[str]:
    """Modules and members that a file imports, wherever in it, with their full names."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize(
    "names",
    [
        ["cnn_suite"],
        ["cnn_suite.cli", "cnn_suite.config", "cnn_suite.results", "cnn_suite.ops.numpy_boxes"],
        [name for name in MODULES if name.startswith("cnn_suite.runtime")],
        ["cnn_suite.evaluate", *(name for name in MODULES if name.endswith("_evaluation"))],
    ],
    ids=["the package", "the border", "the runtime", "measuring"],
)
def test_what_apps_and_help_import_brings_no_tensorflow(names: list[str]) -> None:
    program = (
        f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_brings_nothing_at_all() -> None:
    program = (
        "import sys; before = set(sys.modules); import cnn_suite\n"
        "print(sorted(set(sys.modules) - before - {'cnn_suite'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
