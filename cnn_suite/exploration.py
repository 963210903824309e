"""All views of `apps/explore.py` that are available for a trained network."""

import logging
from functools import partial
from pathlib import Path

from cnn_suite.class_activation import ClassActivation, activation_view
from cnn_suite.network_picture import picture_for
from cnn_suite.network_views import ClassWindows, feature_maps, map_layers
from cnn_suite.runtime.edges import EDGE_FILTERS, edges
from cnn_suite.runtime.explore_run import View
from cnn_suite.trained import load_trained

_log = logging.getLogger(__name__)


def views_of(folder: str | Path, *, windows: int = 3) -> list[View]:
    """The views `edges`, `features` (of several styles, in the first) and, of a classifier, `windows` and `cam`.

    A classifier that cannot be made convolutional has no `windows`; a warning says why.

    Args:
        folder: A model folder or run.
        windows: Windows along the smaller side of a picture.

    Raises:
        ConfigError: If there is no trained network in the folder.
    """
    model, config, _ = load_trained(folder)
    prepared = picture_for(model, config)
    views = [View("edges", name, partial(edges, kernel=kernel)) for name, kernel in EDGE_FILTERS.items()]
    views += [View("features", layer, feature_maps(model, layer, prepared)) for layer in map_layers(model)]
    if config.task == "classification":
        labels = config.data.labels
        try:
            classifier = ClassWindows(model, labels, windows=windows)
            views += [View("windows", label, classifier.view(label)) for label in labels]
        except ValueError as error:  # the other views need no certain form of network
            _log.warning("There are no views `windows`: %s", error)
        activation = ClassActivation(model)
        names = {"likeliest": None} | {label: label for label in labels}
        views += [
            View("cam", name, activation_view(activation, labels, label, prepared)) for name, label in names.items()
        ]
    return views
