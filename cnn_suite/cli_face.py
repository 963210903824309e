"""The command line of faces, `cnn-suite face VERB`: parse, call, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cnn_suite.cli_arguments import Debug, Json, Quiet, UsageFault
from cnn_suite.cli_output import as_lines, show, stdout_kept_clean
from cnn_suite.runtime.gallery_opening import NEW_PASSPHRASE, PASSPHRASE, open_gallery, read_passphrase

if TYPE_CHECKING:
    from cnn_suite.runtime.face_encoder import Encoder, FaceEncoder
    from cnn_suite.runtime.gallery_merge import Clashes

face_app = typer.Typer(
    name="face",
    help="Verify and recognise people by their faces, with a threshold that comes from data.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Picture = Annotated[Path, typer.Argument(help="Picture file.", exists=True, dir_okay=False, show_default=False)]
Pictures = Annotated[list[Path], typer.Argument(help="Picture files.", exists=True, dir_okay=False, show_default=False)]
People = Annotated[Path, typer.Argument(help="Folder of people: a folder a person.", exists=True, file_okay=False)]
Model = Annotated[str, typer.Option(help="Network for encodings: model folder or known name.")]
Detector = Annotated[str, typer.Option(help="auto, yunet, a detector's name or folder, or a YuNet .onnx.")]
Threshold = Annotated[float | None, typer.Option(min=0, max=4, help="Largest squared distance; the model's own.")]
GalleryFile = Annotated[Path, typer.Option("--gallery", metavar="FILE", help="The enrolled people.")]
Pairs = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Only these pairs: a file like LFW's pairs.txt.", exists=True)
]
Encrypt = Annotated[bool, typer.Option("--encrypted", help=f"Ask for a passphrase, or take {PASSPHRASE}.")]

MODEL = "face_embedding"
GALLERY = Path("people.gallery")


@face_app.command()
def verify(
    a: Picture,
    b: Picture,
    model: Model = MODEL,
    detector: Detector = "auto",
    threshold: Threshold = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say whether two pictures show the same person: their largest faces are compared."""
    from cnn_suite.faces import verify as verify_pictures

    with stdout_kept_clean(as_json):
        found = verify_pictures(_encoder(model, detector), a, b, threshold)
    show(found, as_json, lambda: as_lines(found))


@face_app.command()
def encode(
    folder: People,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The .npz file to write.", show_default=False)],
    model: Model = MODEL,
    detector: Detector = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the encodings of a folder of people: paths, people, encodings (NaN where no face is found)."""
    from cnn_suite.faces import check_encodings_file, encode_people, write_encodings

    try:
        check_encodings_file(output)
    except ValueError as error:
        raise UsageFault(str(error)) from error
    with stdout_kept_clean(as_json):
        pictures, encodings = encode_people(_encoder(model, detector), folder, quiet=quiet)
        write_encodings(output, pictures, encodings)
    told = {"output": output, "pictures": len(pictures), "dimensions": encodings.shape[1]}
    show(told, as_json, lambda: as_lines(told))


@face_app.command()
def evaluate(
    folder: People,
    model: Model = MODEL,
    detector: Detector = "auto",
    one_shot: Annotated[
        int, typer.Option("--one-shot", metavar="N", min=0, help="Instead: recognise with one picture of N people.")
    ] = 0,
    pairs: Pairs = None,
    report: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw ROC, DET and distances there.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the figures into the model's card.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure how well a model tells people apart: accuracy, EER, TAR at FAR, rank 1, with intervals."""
    if pairs and one_shot:
        raise UsageFault("--pairs and --one-shot are two ways to measure. Give one of them.")
    if (record or report) and (pairs or one_shot):
        asked = "--record takes the figures" if record else "--report draws the pairs"
        raise UsageFault(f"{asked} of the whole folder. Leave --pairs and --one-shot out.")
    from cnn_suite.face_evaluation import evaluate_listed_pairs, evaluate_people, one_shot_people
    from cnn_suite.faces import record_figures
    from cnn_suite.runtime.model_folders import find_model

    with stdout_kept_clean(as_json):
        encoder = _encoder(model, detector)
        if pairs:
            found = evaluate_listed_pairs(encoder, folder, pairs, quiet=quiet)
        elif one_shot:
            found = one_shot_people(encoder, folder, enrolled=one_shot, quiet=quiet)
        else:
            found = evaluate_people(encoder, folder, report_folder=report, quiet=quiet)
        if record:
            command = f"cnn-suite face evaluate {folder} --model {model} --detector {detector}"
            record_figures(find_model(model), found, folder, command)
    show(found, as_json, lambda: as_lines(found))


@face_app.command()
def calibrate(
    folder: People,
    far: Annotated[float, typer.Option(help="Share of strangers to let in.")] = 1e-3,
    model: Model = MODEL,
    detector: Detector = "auto",
    pairs: Pairs = None,
    record: Annotated[bool, typer.Option("--record", help="Write the threshold into the model's card.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find the threshold for a false accept rate from pictures of people, with its error rates."""
    if not 0 < far < 1:
        raise UsageFault(f"--far takes a share between 0 and 1, such as 0.001. Received {far}.")
    from cnn_suite.faces import calibrate_listed_pairs, calibrate_people, record_calibration
    from cnn_suite.runtime.model_folders import find_model

    with stdout_kept_clean(as_json):
        encoder = _encoder(model, detector)
        if pairs:
            found = calibrate_listed_pairs(encoder, folder, pairs, far=far, quiet=quiet)
        else:
            found = calibrate_people(encoder, folder, far=far, quiet=quiet)
        if record:
            record_calibration(find_model(model), found, folder)
    show(found.as_dict(), as_json, lambda: as_lines(found.as_dict()))


@face_app.command()
def enrol(
    name: Annotated[str, typer.Argument(help="Who the pictures show.", show_default=False)],
    pictures: Pictures,
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    keep_pictures: Annotated[bool, typer.Option("--keep-pictures", help="Keep the aligned faces too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Enrol although the gate has something against it.")] = False,
    model: Model = MODEL,
    detector: Detector = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add a person to the gallery from one or several pictures; each must pass the gate."""
    from cnn_suite.face_gallery import enrol_pictures

    encoder = _encoder(model, detector)
    with stdout_kept_clean(as_json), open_gallery(gallery, encoder.encoder, encrypted, create=True) as people:
        told = enrol_pictures(encoder, people, name, pictures, keep_pictures=keep_pictures, force=force)
    show(told, as_json, lambda: as_lines(told))


@face_app.command()
def identify(
    pictures: Pictures,
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    threshold: Threshold = None,
    model: Model = MODEL,
    detector: Detector = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say who is in pictures: for every face the nearest enrolled person, or unknown."""
    from cnn_suite.face_gallery import identify_pictures

    encoder = _encoder(model, detector)
    with stdout_kept_clean(as_json), open_gallery(gallery, encoder.encoder, encrypted) as people:
        found = identify_pictures(encoder, people, pictures, threshold)
    show({"pictures": found}, as_json, lambda: "\n".join(map(_told, found)))


@face_app.command(name="list")
def list_people(
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the enrolled people."""
    with open_gallery(gallery, _encoding_network(model), encrypted) as people:
        found = [vars(person) for person in people.people()]
    lines = [f"{person['name']}: {person['encodings']} encodings, since {person['created'][:10]}" for person in found]
    show({"people": found}, as_json, lambda: "\n".join(lines or ["nobody is enrolled"]))


@face_app.command()
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
    """Give an enrolled person another name."""
    with open_gallery(gallery, _encoding_network(model), encrypted) as people:
        people.rename(old, new)
    show({"old": old, "new": new}, as_json, lambda: f"{old} is now called {new}")


@face_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Whom to remove.", show_default=False)],
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Remove a person with all encodings."""
    with open_gallery(gallery, _encoding_network(model), encrypted) as people:
        count = people.remove(name)
    show({"removed": name, "encodings": count}, as_json, lambda: f"{name} and {count} encodings are removed")


@face_app.command()
def history(
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Print what was done when, the first change first."""
    with open_gallery(gallery, _encoding_network(model), encrypted) as people:
        found = [vars(entry) for entry in people.history()]
    lines = [" ".join(filter(None, entry.values())) for entry in found]
    show({"history": found}, as_json, lambda: "\n".join(lines or ["nothing was done yet"]))


@face_app.command()
def passphrase(
    gallery: GalleryFile = GALLERY,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Give an encrypted gallery another passphrase; older copies of the file keep the old one."""
    with open_gallery(gallery, _encoding_network(model), encrypted=True) as people:
        people.change_passphrase(read_passphrase("New passphrase", NEW_PASSPHRASE, twice=True))
    show({"gallery": gallery}, as_json, lambda: f"{gallery} has a new passphrase")


@face_app.command()
def export(
    output: Annotated[Path, typer.Argument(help="File to write: .npz or .json, not encrypted.", show_default=False)],
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write everybody's encodings into a file."""
    with open_gallery(gallery, _encoding_network(model), encrypted) as people:
        people.export(output)
    show({"output": output}, as_json, lambda: f"written: {output}")


@face_app.command()
def merge(
    source: Annotated[Path, typer.Argument(help="Exported .npz or .json.", exists=True, show_default=False)],
    clashes: Annotated[str, typer.Option(help="One name in both: refuse, join or number.")] = "refuse",
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    model: Model = MODEL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add everybody of an exported gallery."""
    if clashes not in ("refuse", "join", "number"):
        raise UsageFault(f"--clashes takes refuse, join or number. Received {clashes!r}.")
    with open_gallery(gallery, _encoding_network(model), encrypted, create=True) as people:
        count = people.import_file(source, clashes=cast("Clashes", clashes))
    show({"encodings": count}, as_json, lambda: f"{count} encodings are added")


def _told(answer: dict[str, Any]) -> str:
    """Put into one line who is in a picture."""
    told = []
    for face in answer["faces"]:
        nearest = "" if face["nearest"] is None else f" ({face['nearest']} {face['distance']:.2f})"
        told.append(f"{face['identity']} {face['distance']:.2f}" if face["identity"] else f"unknown{nearest}")
    return f"{answer['picture']}: {', '.join(told) or 'no face'}"


def _encoder(model: str, detector: str) -> FaceEncoder:
    """Everything from picture to encoding, or a usage error where a name is wrong."""
    from cnn_suite.runtime.face_encoder import FaceEncoder
    from cnn_suite.runtime.face_pipeline import load_finder

    try:
        return FaceEncoder(load_finder(detector), _encoding_network(model))
    except FileNotFoundError as error:
        raise UsageFault(str(error)) from error


def _encoding_network(model: str) -> Encoder:
    from cnn_suite.runtime.face_encoder import load_encoder
    from cnn_suite.runtime.pulled import find_or_pull

    try:
        return load_encoder(find_or_pull(model))
    except FileNotFoundError as error:
        raise UsageFault(str(error)) from error
