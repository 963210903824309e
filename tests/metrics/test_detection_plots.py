"""Plots hold what they were given: the tests read lines, texts and titles back from the figures."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cnn_suite.metrics import detection_plots
from cnn_suite.metrics.detection import Truths
from cnn_suite.metrics.detection_report import detection_report

A, B = [5, 5, 25, 25], [40, 30, 60, 50]
LABELS = ["cell", "dust"]
TRUTHS = [Truths([A, B], [0, 1]), Truths([A], [0])]
DETECTIONS = [
    SimpleNamespace(xyxy_px=np.array([A, B]), confidence=np.array([0.9, 0.8]), class_id=np.array([0, 0])),
    SimpleNamespace(xyxy_px=np.array([A, B]), confidence=np.array([0.7, 0.1]), class_id=np.array([0, 1])),
]


def grey(index):
    return np.full((64, 80, 3), 90 + index, np.uint8)


@pytest.fixture
def report():
    return detection_report(TRUTHS, DETECTIONS, 2, confidence=0.5)


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_ap50,val_loss,learning_rate\n0,8.0,NA,9.0,0.001\n1,4.0,0.5,5.0,0.0005\n")
    return path


def test_training_curves_have_a_panel_for_loss_metrics_and_learning_rate(history):
    axes = detection_plots.training_curves(history).axes
    assert [one.get_title() for one in axes] == ["loss", "metrics", "learning rate"]
    loss, val_loss = axes[0].lines
    assert (loss.get_label(), loss.get_xdata().tolist(), loss.get_ydata().tolist()) == ("loss", [1, 2], [8, 4])
    assert val_loss.get_ydata().tolist() == [9, 5]
    assert axes[0].get_yscale() == "log"
    assert axes[1].lines[0].get_xdata().tolist() == [2]  # NA is no point


def test_training_curves_leave_out_empty_panels_and_survive_a_cut_off_line(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_loss\n0,-1.0,2.0\n1,3.0")
    axes = detection_plots.training_curves(path).axes
    assert [one.get_title() for one in axes] == ["loss"]
    assert axes[0].get_yscale() == "linear"  # a negative loss has no logarithm
    assert axes[0].lines[1].get_ydata().tolist() == [2]


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "loss\n1.0\n"])
def test_training_curves_refuse_a_file_without_epochs(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match="must have a column `epoch` and at least one row"):
        detection_plots.training_curves(path)


def test_precision_recall_curves_draw_each_class_and_all(report):
    figure = detection_plots.precision_recall_curves(report, LABELS, ap50=[0.75, 0.0])
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts[0].startswith("cell, AP50 0.750, best F1")
    assert texts[1].startswith("dust, AP50 0.000")
    assert texts[2].startswith("all classes, best F1")
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), report.curves[0].recall)


def test_precision_recall_curves_leave_out_classes_without_truths(report):
    nothing = detection_report([Truths([], [])], [DETECTIONS[1]], 2)
    assert len(detection_plots.precision_recall_curves(nothing, LABELS).axes[0].lines) == 0


def test_confusion_figure_writes_every_count(report):
    # Cell found twice; dust found once under the name of cell; what is under the confidence does not count.
    figure = detection_plots.confusion_figure(report.confusion, LABELS, confidence=0.5)
    assert [text.get_text() for text in figure.axes[0].texts] == ["2", "0", "0", "1", "0", "0", "0", "0", "0"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["cell", "dust", "background"]
    assert figure.axes[0].get_title() == "Confusions at confidence 0.50"


def test_confusion_figure_of_many_classes_has_no_numbers():
    figure = detection_plots.confusion_figure(np.eye(31, dtype=int), [str(k) for k in range(30)])
    assert not figure.axes[0].texts


def test_confusion_figure_refuses_labels_that_do_not_fit():
    with pytest.raises(ValueError, match=r"must have shape \(3, 3\): 2 labels and background. Received \(2, 2\)"):
        detection_plots.confusion_figure(np.zeros((2, 2), int), LABELS)


def test_worst_pictures_sheet_shows_only_pictures_with_errors(report):
    sheet = detection_plots.worst_pictures_sheet(report, TRUTHS, DETECTIONS, LABELS, grey, names=["a.png", "b.png"])
    assert [axes.get_title() for axes in sheet.axes] == ["a.png: 0 missed, 0 false, 1 wrong class"]
    assert [text.get_text() for text in sheet.axes[0].texts] == ["cell", "cell"]
    assert len(sheet.axes[0].lines) == 4  # two truths, two detections


def test_worst_pictures_sheet_without_errors_says_so(report):
    perfect = detection_report(TRUTHS[1:], DETECTIONS[1:], 2, confidence=0.5)
    sheet = detection_plots.worst_pictures_sheet(perfect, TRUTHS[1:], DETECTIONS[1:], LABELS, grey)
    assert not sheet.axes
    assert sheet.texts[-1].get_text() == "No picture has errors."


def test_write_detection_plots_makes_the_folder_and_readable_pictures(report, history, tmp_path):
    folder = tmp_path / "deep" / "plots"
    files = detection_plots.write_detection_plots(
        folder, report, TRUTHS, DETECTIONS, LABELS, grey, ap50=[1, 0], history=history
    )
    assert sorted(path.name for path in files) == [
        "confusion_matrix.png",
        "precision_recall.png",
        "training_curves.png",
        "worst_pictures.png",
    ]
    for path in files:
        assert cv2.imread(str(path)).std() > 0


def test_missing_matplotlib_names_the_extra(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"Install it with `pip install 'cnn_suite\[plots\]'`"):
        detection_plots.precision_recall_curves(report, LABELS)


def test_importing_the_module_imports_no_matplotlib():
    program = "import sys, cnn_suite.metrics.detection_plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
