"""Configurations: what is read, what is refused and in which words, and that what is saved reads back the same."""

from pathlib import Path

import pytest
import yaml

from cnn_suite.config import ConfigError, load_config, save_config
from cnn_suite.config_detection import Augmentation, DetectionConfig, Model, Shapes

SMALLEST = "name: blood\ndata:\n  path: cells\n"


@pytest.fixture
def written(tmp_path: Path):
    """The function that writes a configuration and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "blood.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def refused(written):
    """The function that gives the text of the refusal of a configuration."""

    def refuse(text: str, *overrides: str) -> str:
        with pytest.raises(ConfigError) as error:
            load_config(written(text), overrides)
        return str(error.value)

    return refuse


def test_defaults_fill_what_the_file_leaves_out(written):
    config = load_config(written(SMALLEST))
    assert (config.name, config.task, config.seed) == ("blood", "detection", 0)
    assert (config.data.path, config.data.format, config.data.batch_size) == ("cells", "auto", 8)
    assert config.data.augmentation == Augmentation()


def test_lists_become_tuples_and_whole_numbers_fit_where_fractions_are_expected(written):
    text = SMALLEST + "  train: [train, extra]\nmodel:\n  strides: [8, 16, 32]\n  width: 1\n"
    config = load_config(written(text))
    assert config.data.train == ("train", "extra")
    assert config.model.strides == (8, 16, 32)
    assert config.model.width == 1.0


def test_a_configuration_cannot_be_changed(written):
    config = load_config(written(SMALLEST))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


# Overrides


def test_overrides_replace_and_add_values_of_every_type(written):
    overrides = [
        "seed=7",
        "name=other",
        "training.epochs=5",
        "training.jit=true",
        "training.learning_rate=2e-3",
        "data.train=[a, b]",
        "data.augmentation.scale=[0.5, 2]",
        "data.path=a=b",
        " data.batch_size =4",
        "model.anchors_px=null",
    ]
    config = load_config(written(SMALLEST), overrides)
    assert (config.seed, config.name, config.training.epochs, config.training.jit) == (7, "other", 5, True)
    assert config.training.learning_rate == 0.002
    assert (config.data.train, config.data.augmentation.scale) == (("a", "b"), (0.5, 2.0))
    assert (config.data.path, config.data.batch_size, config.model.anchors_px) == ("a=b", 4, None)


def test_the_last_override_of_a_key_counts(written):
    assert load_config(written(SMALLEST), ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize("override", ["training.epochs", "=5", "training.=5", ".epochs=5", "training..epochs=5", ""])
def test_an_override_that_is_none_is_refused(refused, override):
    assert refused(SMALLEST, override) == (
        f"An override must have the form key=value, such as training.epochs=5. Received {override!r}."
    )


def test_an_override_through_a_value_is_refused(refused):
    assert refused(SMALLEST, "name.first=x") == "name.first: name is a value, not a section."


TWO_PHASES = SMALLEST + "training: {phases: [{epochs: 1, learning_rate: 0.1}, {epochs: 2, learning_rate: 0.2}]}\n"


def test_an_override_reaches_an_element_of_a_list_by_its_number(written):
    phases = load_config(
        written(TWO_PHASES), ["training.phases.1.epochs=5", "training.phases.0.train=head"]
    ).training.phases
    assert [(phase.epochs, phase.train, phase.learning_rate) for phase in phases] == [(1, "head", 0.1), (5, "all", 0.2)]


@pytest.mark.parametrize("number", ["2", "-1", "first"])
def test_an_override_of_an_absent_element_is_refused(refused, number):
    said = refused(TWO_PHASES, f"training.phases.{number}.epochs=5")
    assert said == f"training.phases.{number}.epochs: there is no element {number!r}; the list has elements 0 to 1."


def test_an_empty_list_has_no_elements(refused):
    said = refused(SMALLEST + "training: {phases: []}\n", "training.phases.0.epochs=5")
    assert said == "training.phases.0.epochs: there is no element '0'; the list has no elements."


def test_what_every_phase_says_itself_is_refused_beside_phases(refused):
    assert refused(TWO_PHASES, "training.epochs=5") == (
        "training: epochs would do nothing beside phases, which have their own: training.phases.0.epochs is the first "
        "one's. Remove it"
    )


def test_an_override_whose_value_is_no_yaml_is_refused(refused):
    said = refused(SMALLEST, "data.train=[a, b")
    assert said.startswith("data.train: the value '[a, b' is not valid YAML: ")
    assert "\n" not in said


def test_an_unknown_override_is_refused_like_an_unknown_key(refused):
    assert refused(SMALLEST, "training.epoch=5").startswith("training.epoch: unknown key. Did you mean 'epochs'?")


def test_an_override_opens_a_section_that_the_file_leaves_empty(written):
    assert load_config(written(SMALLEST + "training:\n"), ["training.epochs=5"]).training.epochs == 5


# Unknown and missing keys


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SMALLEST + "sed: 1\n", "sed: unknown key. Did you mean 'seed'? Known keys: name, task, seed, data, "),
        (SMALLEST + "  bach_size: 4\n", "data.bach_size: unknown key. Did you mean 'batch_size'? Known keys: path, "),
        (SMALLEST + "  augmentation: {mozaic: 1}\n", "data.augmentation.mozaic: unknown key. Did you mean 'mosaic'?"),
        (SMALLEST + "epochs: 4\n", "epochs: unknown key. Did you mean 'training.epochs'? Known keys: name, "),
        (SMALLEST + "mosaic: 1\n", "mosaic: unknown key. Did you mean 'data.augmentation.mosaic'?"),
        (SMALLEST + "loss: {xyz: 1}\n", "loss.xyz: unknown key. Known keys: ignore_iou, "),
        (SMALLEST + "4: 1\n", "4: unknown key. Known keys: name, "),
    ],
)
def test_an_unknown_key_is_refused_with_its_path_and_the_nearest_one(refused, text, says):
    assert refused(text).startswith(says)


def test_missing_keys_are_named(refused):
    assert refused("seed: 1\n").splitlines() == ["name: this key is required.", "data: this key is required."]


def test_every_fault_is_listed_at_once(refused):
    said = refused(SMALLEST + "sed: 1\ntraining: {epochs: ten, jit: 1}\n").splitlines()
    assert [line.split(":")[0] for line in said] == ["training.epochs", "training.jit", "sed"]


def test_data_need_a_path_unless_they_are_shapes(refused, written):
    assert refused("name: a\ndata: {format: voc}\n") == (
        "data: path is required: the folder of the data set; only format: shapes needs none"
    )
    assert load_config(written("name: a\ndata: {format: shapes}\n")).data.path == ""


# Values of the wrong kind


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("training: {epochs: ten}", "training.epochs: must be a whole number. Received 'ten'."),
        ("training: {epochs: '5'}", "training.epochs: must be a whole number. Received '5'."),
        ("training: {epochs: 5.0}", "training.epochs: must be a whole number. Received 5.0."),
        ("training: {epochs: true}", "training.epochs: must be a whole number. Received True."),
        ("training: {epochs: }", "training.epochs: must be a whole number. Received nothing."),
        ("training: {epochs: 0}", "training.epochs: must be greater than or equal to 1. Received 0."),
        ("training: {learning_rate: true}", "training.learning_rate: must be a number. Received True."),
        ("training: {learning_rate: fast}", "training.learning_rate: must be a number. Received 'fast'."),
        ("training: {learning_rate: .nan}", "training.learning_rate: must be a finite number. Received nan."),
        ("training: {jit: 1}", "training.jit: must be true or false. Received 1."),
        ("training: {jit: 'yes'}", "training.jit: must be true or false. Received 'yes'."),
        (
            "training: {optimizer: adam}",
            "training.optimizer: must be 'adamw', 'sgd' or 'muon'. Received 'adam'. Did you mean 'adamw'?",
        ),
        ("training: {optimizer: 3}", "training.optimizer: must be 'adamw', 'sgd' or 'muon'. Received 3."),
        ("training: 5", "training: must be a section with keys. Received 5."),
        ("training: [epochs, 5]", "training: must be a section with keys. Received ['epochs', 5]."),
        ("model: {strides: '8, 16'}", "model.strides: must be a list. Received '8, 16'."),
        ("model: {strides: 8}", "model.strides: must be a list. Received 8."),
        ("model: {strides: [8, 16.5]}", "model.strides.1: must be a whole number. Received 16.5."),
        ("model: {image_size_hw: [320]}", "model.image_size_hw: the list is too short. Received [320]."),
        (
            "model: {image_size_hw: [32, 32, 3]}",
            "model.image_size_hw: must be a list of at most 2. Received [32, 32, 3].",
        ),
        ("model: {anchors_px: [[[10]]]}", "model.anchors_px.0.0: the list is too short. Received [10]."),
        (
            "model: {activation: no}",
            "model.activation: must be text; put it in quotes if YAML reads it as another type. Received False.",
        ),
        (
            "export: {formats: [litert, savedmodel]}",
            "export.formats.1: must be 'saved_model', 'litert' or 'onnx'. Received 'savedmodel'. "
            "Did you mean 'saved_model'?",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_and_never_converted(refused, section, says):
    assert refused(SMALLEST + section + "\n") == says


def test_a_list_that_must_not_be_empty_is_refused(refused):
    assert refused(SMALLEST + "  train: []\n") == "data.train: must be a list of at least 1. Received []."


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a b"])
def test_a_name_that_is_no_folder_name_is_refused(refused, name):
    assert refused(f"name: {name}\ndata: {{path: cells}}\n") == (
        f"name: must match the pattern ^[A-Za-z0-9][A-Za-z0-9._-]*$. Received {name!r}."
    )


def test_a_saved_configuration_that_names_every_default_is_read_with_builder_darknet():
    model = Model(builder="darknet", cfg="a.cfg")
    assert Model(**model.model_dump()) == model


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            "model: {image_size_hw: [320, 400]}",
            "model.image_size_hw: both sides must be multiples of 32, received (320, 400)",
        ),
        (
            "model: {image_size_hw: [0, 32]}",
            "model.image_size_hw: both sides must be multiples of 32, received (0, 32)",
        ),
        (
            "model: {anchors_px: [[[1, 2]]]}",
            "model.anchors_px must hold 2 lists of anchors, one per stride, received 1",
        ),
        (
            "model: {builder: darknet, cfg: a.cfg, depth: 2.0, strides: [32], width: 1.0}",
            "model: strides, depth would do nothing with builder: darknet, whose cfg describes the network. "
            "Remove them",
        ),
        ("loss: {neighbour_cells: true}", 'loss: neighbour_cells needs box_loss: ciou or giou, received "darknet"'),
        (
            "training: {early_stopping_epochs: 3}",
            "training: early_stopping_epochs must be at least evaluate_every (5), or 0 for never, received 3",
        ),
    ],
)
def test_values_that_do_not_fit_together_are_refused(refused, section, says):
    assert refused(SMALLEST + section + "\n") == says


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            "augmentation: {scale: [1.4, 0.7]}",
            "data.augmentation.scale: must be two positive numbers in ascending order, received (1.4, 0.7)",
        ),
        (
            "augmentation: {scale: [0, 1]}",
            "data.augmentation.scale: must be two positive numbers in ascending order, received (0.0, 1.0)",
        ),
        ("shapes: {size_hw: [16, 64]}", "data.shapes: size_hw must be at least 32 per side, received (16, 64)"),
        (
            "shapes: {objects: [3, 1]}",
            "data.shapes: objects must be the minimum and maximum number of shapes, received (3, 1)",
        ),
    ],
)
def test_ranges_of_the_data_section_are_checked(refused, section, says):
    assert refused(f"{SMALLEST}  {section}\n") == says


# Files


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read the configuration .*absent.yaml: No such file or directory"):
        load_config(tmp_path / "absent.yaml")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read the configuration .*: Is a directory"):
        load_config(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        load_config(path)


def test_an_empty_file_is_refused(refused):
    assert refused("# nothing yet\n").endswith(
        "blood.yaml is empty. It must contain keys and values, at least `name` and `data`."
    )


@pytest.mark.parametrize(("text", "kind"), [("- a\n- b\n", "list"), ("hello\n", "str"), ("3\n", "int")])
def test_a_file_without_keys_is_refused(refused, text, kind):
    assert refused(text).endswith(f"must contain keys and values. Received a {kind}.")


@pytest.mark.parametrize(
    ("text", "line"),
    [("name: a\ndata: [1, 2\n", 3), ("name: a\n\ttask: b\n", 2), ("name: a\ntask: b: c\n", 2)],
)
def test_a_yaml_error_is_one_line_with_its_line_number(refused, text, line):
    said = refused(text)
    assert f"blood.yaml:{line} is not valid YAML: " in said
    assert "\n" not in said


def test_a_key_that_stands_twice_is_refused_with_its_line(refused):
    said = refused("name: a\ndata:\n  path: x\n  batch_size: 4\n  path: y\n")
    assert said.endswith("blood.yaml:5 is not valid YAML: duplicate key 'path'.")


@pytest.mark.parametrize("value", ["!!set {a, b}", "!!binary aGVsbG8=", "&itself [*itself]"])
def test_yaml_beyond_lists_and_values_is_refused(refused, value):
    assert "must contain only text, numbers, lists and mappings" in refused(f"{SMALLEST}  train: {value}\n")


def test_python_objects_in_yaml_are_refused(refused):
    assert "is not valid YAML: could not determine a constructor" in refused("name: !!python/object:os.system x\n")


def test_numbers_with_an_exponent_are_numbers_and_dates_are_text(written):
    # YAML 1.1 reads 2e-3 as text and 2024-01-01 as a date; nobody who writes a configuration means that.
    text = (
        "name: 2024-01-01\ndata: {path: cells}\ntraining: {learning_rate: 2e-3, weight_decay: 1E-4, clip_norm: 1e1}\n"
    )
    config = load_config(written(text))
    assert config.name == "2024-01-01"
    assert (config.training.learning_rate, config.training.weight_decay, config.training.clip_norm) == (2e-3, 1e-4, 10)


# Saving


def test_what_is_saved_reads_back_the_same(written, tmp_path):
    overrides = [
        "data.labels=[ä, 'no', '5']",
        "data.shapes.objects=[0, 9]",
        "model.anchors_px=[[[1.5, 2]], [[30, 40.25]]]",
        "training.learning_rate=1e-7",
        "training.steps_per_epoch=12",
        "export.formats=[onnx]",
    ]
    config = load_config(written(SMALLEST), overrides)
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


def test_everything_is_saved_defaults_included(written, tmp_path):
    save_config(load_config(written(SMALLEST)), tmp_path / "config.yaml")
    saved = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert list(saved) == list(DetectionConfig.model_fields)
    assert saved["data"]["shapes"] == {**Shapes().model_dump(mode="json")}
    assert saved["data"]["augmentation"].keys() == Augmentation.model_fields.keys()
