"""The commands of `cnn-suite face` for a gallery of people who are enrolled: list, rename, export and others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cnn_suite.cli_arguments import Debug, Json, Quiet, UsageFault
from cnn_suite.cli_output import show
from cnn_suite.runtime.faces.gallery_opening import NEW_PASSPHRASE, PASSPHRASE, open_gallery, read_passphrase

if TYPE_CHECKING:
    from cnn_suite.runtime.faces.face_encoder import Encoder
    from cnn_suite.runtime.faces.gallery_merge import Clashes

Model = Annotated[str, typer.Option(help="Encoding network: model folder or known name.")]
GalleryFile = Annotated[Path, typer.Option("--gallery", metavar="FILE", help="Gallery file of the enrolled people.")]
Encrypt = Annotated[bool, typer.Option("--encrypted", help=f"Use the passphrase in {PASSPHRASE}, or ask for one.")]

MODEL = "face_embedding"
GALLERY = Path("people.gallery")


def list_people(
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the enrolled people."""
    with open_gallery(gallery, encoding_network(model), encrypted) as people:
        found = [vars(person) for person in people.people()]
    lines = [f"{person['name']}: {person['encodings']} encodings, since {person['created'][:10]}" for person in found]
    show({"people": found}, as_json, lambda: "\n".join(lines or ["nobody is enrolled"]))


def rename(
    old: Annotated[str, typer.Argument(show_default=False)],
    new: Annotated[str, typer.Argument(show_default=False)],
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rename an enrolled person."""
    with open_gallery(gallery, encoding_network(model), encrypted) as people:
        people.rename(old, new)
    show({"old": old, "new": new}, as_json, lambda: f"{old} is now called {new}")


def remove(
    name: Annotated[str, typer.Argument(help="Person to remove.", show_default=False)],
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Remove a person and all their encodings."""
    with open_gallery(gallery, encoding_network(model), encrypted) as people:
        count = people.remove(name)
    show({"removed": name, "encodings": count}, as_json, lambda: f"{name} and {count} encodings are removed")


def history(
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Print the history of changes, oldest first."""
    with open_gallery(gallery, encoding_network(model), encrypted) as people:
        found = [vars(entry) for entry in people.history()]
    lines = [" ".join(filter(None, entry.values())) for entry in found]
    show({"history": found}, as_json, lambda: "\n".join(lines or ["nothing was done yet"]))


def passphrase(
    gallery: GalleryFile = GALLERY,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Change the passphrase of an encrypted gallery; older copies of the file keep the old one."""
    with open_gallery(gallery, encoding_network(model), encrypted=True) as people:
        people.change_passphrase(read_passphrase("New passphrase", NEW_PASSPHRASE, twice=True))
    show({"gallery": gallery}, as_json, lambda: f"{gallery} has a new passphrase")


def export(
    output: Annotated[
        Path, typer.Argument(help="File to write, .npz or .json; it is not encrypted.", show_default=False)
    ],
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write all encodings to a file."""
    with open_gallery(gallery, encoding_network(model), encrypted) as people:
        people.export(output)
    show({"output": output}, as_json, lambda: f"written: {output}")


def merge(
    source: Annotated[Path, typer.Argument(help="An exported .npz or .json file.", exists=True, show_default=False)],
    clashes: Annotated[str, typer.Option(help="What to do if a name is in both: refuse, join or number.")] = "refuse",
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add all people of an exported gallery."""
    if clashes not in ("refuse", "join", "number"):
        raise UsageFault(f"--clashes takes refuse, join or number. Received {clashes!r}.")
    with open_gallery(gallery, encoding_network(model), encrypted, create=True) as people:
        count = people.import_file(source, clashes=cast("Clashes", clashes))
    show({"encodings": count}, as_json, lambda: f"{count} encodings are added")


GALLERY_VERBS: dict[str, Callable[..., None]] = {
    "list": list_people,
    "rename": rename,
    "remove": remove,
    "history": history,
    "passphrase": passphrase,
    "export": export,
    "merge": merge,
}


def encoding_network(model: str) -> Encoder:
    """The network of a model folder or known name; a usage error if there is none."""
    from cnn_suite.runtime.faces.face_encoder import load_encoder
    from cnn_suite.runtime.model_files.pulled import find_or_pull

    try:
        return load_encoder(find_or_pull(model))
    except FileNotFoundError as error:
        raise UsageFault(str(error)) from error
