"""A style model for tests: two styles that are simple sums, in a real model folder, made by TensorFlow in its own
process so that a test can see that the runtime imports none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cnn_suite.results import ModelCard

CARD = ModelCard("two_styles", "style", ("negative", "dark"))

_EXPORT = '''
import sys
import tensorflow as tf


class Styles(tf.Module):
    """Style "negative" gives 255 - x, style "dark" gives x / 2."""

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "images")])
    def serving_default(self, images):
        return {"images": tf.cast(255.0 - tf.cast(images, tf.float32), tf.uint8)}

    @tf.function(input_signature=[
        tf.TensorSpec((1, None, None, 3), tf.uint8, "images"), tf.TensorSpec((2,), tf.float32, "mixture"),
    ])
    def mixed(self, images, mixture):
        values = tf.cast(images, tf.float32)
        return {"images": tf.cast(mixture[0] * (255.0 - values) + mixture[1] * values * 0.5 + 0.001, tf.uint8)}


module, folder = Styles(), sys.argv[1]
signatures = {"serving_default": module.serving_default, "mixed": module.mixed}
tf.saved_model.save(module, folder, signatures=signatures)
converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
open(folder + "/model.tflite", "wb").write(converter.convert())
'''


def write_style_model(folder: Path) -> Path:
    """Writes the model folder, with a SavedModel, a model.tflite and a card, and returns its path."""
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    CARD.write(folder)
    return folder
