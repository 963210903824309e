"""Training on Keras's JAX backend, and the model folder that TensorFlow writes of it afterwards."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from cnn_suite.run_callbacks import read_history

pytest.importorskip("jax", reason="comes with the jax extra")


@pytest.mark.slow
def test_a_network_trained_on_jax_is_exported_on_tensorflow(tmp_path):
    for name, level in (("dark", 0), ("light", 200)):
        (tmp_path / "pictures" / "train" / name).mkdir(parents=True)
        for number in range(20):
            picture = np.random.default_rng(number).integers(level, level + 50, (8, 8, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "pictures" / "train" / name / f"{number}.png"), picture)
    (tmp_path / "light.yaml").write_text(
        """
name: light
task: classification
data: {path: pictures, held_out: 0.2, batch_size: 8}
model: {builder: resnet20, image_size_hw: [8, 8]}
training: {epochs: 2, warmup_epochs: 0, learning_rate: 0.01, ema_momentum: 0.5}
export: {formats: [litert]}
"""
    )

    def trained(backend, *options):
        return subprocess.run(
            [sys.executable, "-m", "cnn_suite.cli", "train", "light.yaml", *options],
            env={**os.environ, "KERAS_BACKEND": backend},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    first = trained("jax")
    assert first.returncode != 0
    assert "needs Keras's TensorFlow backend. Received KERAS_BACKEND=jax. runs/light stays" in first.stderr
    losses = [float(row["loss"]) for row in read_history(tmp_path / "runs" / "light" / "history.csv")]
    assert len(losses) == 2 and losses[1] < losses[0]
    assert not (tmp_path / "saved_models").exists()
    second = trained("tensorflow", "--resume")
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "saved_models" / "light" / "model.tflite").is_file()
    assert len(read_history(tmp_path / "saved_models" / "light" / "history.csv")) == 2
