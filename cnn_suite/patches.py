"""`cnn-suite patches`: a sheet of the patches that activate the units of a trained network most."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnn_suite.config import ConfigError
from cnn_suite.metrics.patch_sheet import write_patch_sheet
from cnn_suite.models.surgery import features_at
from cnn_suite.network_picture import picture_for
from cnn_suite.strongest_patches import strongest_patches
from cnn_suite.tasks.choice import task_of
from cnn_suite.trained import load_trained

MOST_UNITS = 25  # of a sheet, where no units are named


def write_patches(
    source: str | Path,
    layer: str,
    output: Path,
    *,
    data: str | None = None,
    units: Sequence[int] = (),
    pictures: int = 500,
    count: int = 9,
) -> dict[str, Any]:
    """Writes a sheet of the patches that activate a layer's units most.

    Args:
        source: A run, a model folder or a .keras file with its config.yaml beside it.
        layer: Name of a layer with a feature map, or `block/tensor`.
        output: Picture file to write.
        data: Location of the data, if it differs from the network's configuration.
        units: Indices of channels; empty for the first 25.
        pictures: Number of pictures, evenly chosen from the validation pictures, else from the training pictures.
        count: Patches per unit.

    Returns:
        `output`, `pictures` (looked at) and `units`: for each its number, and value, picture number and place of every
        patch.

    Raises:
        ConfigError: If the network does not exist, or its data cannot be found.
        ValueError: If there is no such layer or unit.
    """
    model, config, _ = load_trained(source)
    if data is not None:
        place = next(iter(config.data.places))
        here: str | tuple[str, ...] = data if isinstance(getattr(config.data, place), str) else (data,)
        config = config.model_copy(update={"data": config.data.model_copy(update={place: here})})
    chosen = task_of(config.task).sample_pictures(config, pictures)
    if not chosen:
        places = ", ".join(map(str, config.data.places.values()))
        raise ConfigError(f"There are no pictures: {places} does not exist. Set their location with --data.")
    prepared = map(picture_for(model, config), chosen)
    channels = features_at(model, [layer]).output[layer].shape[-1]
    units = list(units) or list(range(min(channels, MOST_UNITS)))
    found = strongest_patches(model, layer, prepared, units, count=count)
    write_patch_sheet(output, units, [[patch.pixels for patch in patches] for patches in found])
    rows = [
        {
            "unit": unit,
            "patches": [{"value": p.value, "picture": p.picture, "y_px": p.y_px, "x_px": p.x_px} for p in patches],
        }
        for unit, patches in zip(units, found)
    ]
    return {"output": str(output), "pictures": len(chosen), "units": rows}
