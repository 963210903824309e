"""Graphs as files: what is in them, what they answer, and what the user does not have to read."""

import logging
import sys
import warnings
from importlib.util import find_spec

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from cnn_suite import graphs
from cnn_suite.runtime.model_files.litert import LiteRTModel

NEEDS_ONNX = pytest.mark.skipif(
    find_spec("tf2onnx") is None or find_spec("onnxruntime") is None, reason="tf2onnx and onnxruntime: the onnx extra"
)


class Serving(tf.Module):
    """A network of two convolutions, with and without a sum over its answer."""

    def __init__(self):
        super().__init__()
        keras.utils.set_random_seed(0)
        image = keras.Input((None, None, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        for number in (1, 2):
            x = keras.layers.Conv2D(64, 3, 2, padding="same", name=f"conv{number}")(x)
            x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
            x = keras.layers.Activation("silu", name=f"act{number}")(x)
        self.network = keras.Model(image, keras.layers.Conv2D(2, 1, name="head")(x), name="body")
        for layer in (self.network.get_layer("norm1"), self.network.get_layer("norm2")):
            layer.set_weights([np.random.default_rng(1).uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")])
    def maps(self, images):
        """What the network says of every place."""
        return {"maps": self.network(tf.cast(images, tf.float32)), "size": tf.shape(images)[1:3]}

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")])
    def sums(self, images):
        """The same, summed up and a thousand times as much."""
        return {"sums": 1000 * tf.reduce_sum(self.maps(images)["maps"], axis=(1, 2))}


@pytest.fixture(scope="module")
def serving():
    return Serving()


@pytest.fixture(scope="module")
def signatures(serving):
    return {"maps": serving.maps, "sums": serving.sums}


def picture(size_hw=(32, 48), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)


def operators(model: bytes) -> list[list[str]]:
    """Names of the operators of every graph of a LiteRT file."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    read = schema.ModelT.InitFromPackedBuf(model, 0)
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in read.operatorCodes]
    return [[codes[operator.opcodeIndex] for operator in graph.operators] for graph in read.subgraphs]


def assert_answers_equal(run, serving, size_hw, **tolerance):
    image = picture(size_hw)[None]
    for signature in ("maps", "sums"):
        expected, found = getattr(serving, signature)(tf.constant(image)), run(signature, image)
        assert set(found) == set(expected)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], **tolerance)


# SavedModel


@pytest.fixture(scope="module")
def saved(serving, signatures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "saved_model.pb").write_text("an earlier one")
    graphs.write_saved_model(serving.network, signatures, folder)
    return folder


def test_a_saved_model_answers_like_its_functions(saved, serving):
    loaded = tf.saved_model.load(str(saved))
    assert_answers_equal(lambda name, images: loaded.signatures[name](images=images), serving, (31, 57), rtol=1e-5)


def test_a_saved_model_holds_every_variable_once(saved, serving):
    weights = sum(weight.nbytes for weight in serving.network.get_weights())
    assert weights < (saved / "variables" / "variables.data-00000-of-00001").stat().st_size < 1.1 * weights


def test_a_saved_model_loads_without_a_warning(saved, caplog):
    tf.saved_model.load(str(saved))
    assert caplog.records == []


def test_keras_takes_a_saved_model_as_a_layer(saved, serving):
    layer = keras.layers.TFSMLayer(str(saved), call_endpoint="maps")
    image = tf.constant(picture()[None])
    np.testing.assert_allclose(layer(image)["maps"], serving.maps(image)["maps"], rtol=1e-5)


# LiteRT


@pytest.fixture(scope="module")
def litert(signatures):
    return graphs.litert_bytes(signatures)


@pytest.fixture
def opened(tmp_path):
    """The function that opens the bytes of a LiteRT model."""

    def open_bytes(model):
        path = tmp_path / "model.tflite"
        path.write_bytes(model)
        return LiteRTModel(path)

    return open_bytes


@pytest.mark.parametrize("size_hw", [(32, 48), (31, 57), (1, 1)])
def test_a_litert_model_answers_like_its_functions(litert, opened, serving, size_hw):
    model = opened(litert)
    assert set(model.signatures) == {"maps", "sums"}
    assert_answers_equal(model.run, serving, size_hw, rtol=1e-4, atol=1e-4)


def test_batch_norms_are_folded_into_the_convolutions(litert):
    for names in operators(litert):
        assert names.count("CONV_2D") == 3
        assert names.count("MUL") <= 4  # the scale of the picture, two activations, and the thousand
        assert "CUSTOM" not in names and not any(name.startswith("FLEX") for name in names)


def test_signatures_share_their_weights(litert, serving):
    weights = sum(weight.nbytes for weight in serving.network.get_weights())
    assert weights * 0.9 < len(litert) < 1.5 * weights


def test_a_conversion_says_nothing(signatures, caplog, capfd, recwarn):
    filters = list(logging.getLogger("absl").filters)
    graphs.litert_bytes(signatures)
    graphs.litert_int8_bytes(signatures, [picture()], "conv1")
    assert caplog.records == []
    assert [str(warning.message) for warning in recwarn if "lite" in str(warning.message).lower()] == []
    assert "fully_quantize" not in "".join(capfd.readouterr())
    assert logging.getLogger("absl").filters == filters


def test_what_a_conversion_has_to_say_arrives(caplog, capfd):
    def talkative(images):
        logging.getLogger("absl").warning("the gradients are fine, but")
        print("this is not", file=sys.stderr)
        warnings.warn("at all", UserWarning, stacklevel=1)
        return {"images": images}

    with pytest.warns(UserWarning, match="at all"):
        graphs.litert_bytes({"serving_default": talkative})
    assert "the gradients are fine, but" in caplog.messages
    assert "this is not" in capfd.readouterr().err


def test_an_operator_that_litert_lacks_is_an_error():
    def matrix(images):
        return {"inverse": tf.linalg.expm(tf.cast(images[:, :, :, 0], tf.float32))}

    with pytest.raises(Exception, match="MatrixSolve|tf\\.\\w+"):
        graphs.litert_bytes({"serving_default": matrix})


# 8 bits


def test_only_the_body_has_8_bits(signatures, litert, opened, serving):
    model = graphs.litert_int8_bytes(signatures, [picture(seed=seed) for seed in range(4)], r"body(_\d+)?/(?!head)")
    assert len(model) < 0.5 * len(litert)
    for names in operators(model):
        assert not any(name == "CUSTOM" or name.startswith("FLEX") for name in names)
    read = schema.ModelT.InitFromPackedBuf(model, 0)
    for graph in read.subgraphs:
        eight = {t.name.decode() for t in graph.tensors if t.type == schema.TensorType.INT8}
        assert any("conv2" in name for name in eight)
        assert not any("head" in name and "act2" not in name for name in eight)
    image = picture((31, 57))[None]
    found, expected = opened(model).run("maps", image), serving.maps(tf.constant(image))
    assert 0 < np.abs(found["maps"] - expected["maps"]).max() < 0.05 * np.ptp(expected["maps"])
    np.testing.assert_array_equal(found["size"], (31, 57))


@pytest.mark.parametrize(
    ("calibration", "body", "says"),
    [
        ([], "body", r"`calibration` must contain pictures of one size. Received 0 of sizes \[\]"),
        ([picture(), picture((16, 16))], "body", r"Received 2 of sizes \[\(16, 16, 3\), \(32, 48, 3\)\]"),
        ([picture()], "other", "`body` must name a part of the graph. No operator name contains 'other'"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(signatures, calibration, body, says):
    with pytest.raises(ValueError, match=says):
        graphs.litert_int8_bytes(signatures, calibration, body)


# ONNX


@NEEDS_ONNX
def test_an_onnx_file_pads_bytes_and_takes_any_size(tmp_path):
    import onnxruntime

    def padded(images):
        frame = tf.pad(images, [[0, 0], [1, 0], [0, 2], [0, 0]], constant_values=tf.cast(114.0, images.dtype))
        return {"mean": tf.reduce_mean(tf.cast(frame, tf.float32), axis=(1, 2))}

    graphs.write_onnx(padded, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    for size_hw in ((32, 48), (7, 5)):
        image = picture(size_hw)[None]
        np.testing.assert_allclose(
            session.run(["mean"], {"images": image})[0], padded(tf.constant(image))["mean"], 1e-5
        )


def test_without_its_libraries_an_export_to_onnx_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    with pytest.raises(ImportError) as error:
        graphs.write_onnx(lambda images: {"images": images}, tmp_path / "model.onnx")
    assert str(error.value) == (
        "The export to ONNX needs tf2onnx and onnxruntime: `pip install 'cnn_suite[onnx]'`, or remove onnx from the "
        "formats."
    )
