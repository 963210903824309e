"""What depends on Keras's backend: who compiles, and what is refused off TensorFlow."""

from types import SimpleNamespace

import keras
import pytest

from cnn_suite.backend import jit_compile, require_tensorflow
from cnn_suite.config import ConfigError
from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.tasks import classification
from cnn_suite.train import untrained


@pytest.fixture
def on_jax(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")


def test_tensorflow_compiles_with_xla_where_configured():
    assert [jit_compile(False), jit_compile(True)] == [False, True]
    require_tensorflow("Anything", "Nothing.")


def test_jax_always_compiles(on_jax):
    assert [jit_compile(False), jit_compile(True)] == [True, True]


def test_what_is_made_of_tensorflows_graphs_is_refused_on_jax(on_jax):
    with pytest.raises(ConfigError, match="^A cake needs Keras's TensorFlow backend. Received KERAS_BACKEND=jax. Bake"):
        require_tensorflow("A cake", "Bake it.")


def test_augmentation_in_the_network_is_refused_on_jax(on_jax):
    config = ClassificationConfig(name="x", data={"path": "x", "augment_in": "model"})
    with pytest.raises(ConfigError, match="^data.augment_in: model needs .* Say data.augment_in=pipeline"):
        classification.network(config, 2)


def test_sharpness_aware_steps_are_refused_on_jax(on_jax):
    training = {"sharpness_radius": 0.1}
    config = ClassificationConfig(name="x", data={"path": "x"}, model={"builder": "resnet20"}, training=training)
    with pytest.raises(ConfigError, match="^training.sharpness_radius needs .* Leave it out, or train on TensorFlow"):
        untrained(config, SimpleNamespace(labels=("a", "b")))
