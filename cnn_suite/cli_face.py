"""The command line for faces, `cnn-suite face COMMAND`: parse arguments, call a function, print the result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnn_suite.cli_arguments import Debug, Json, Quiet, UsageFault
from cnn_suite.cli_gallery import GALLERY, GALLERY_VERBS, MODEL, Encrypt, GalleryFile, Model, encoding_network
from cnn_suite.cli_output import as_lines, show, stdout_kept_clean
from cnn_suite.runtime.faces.gallery_opening import open_gallery

if TYPE_CHECKING:
    from cnn_suite.runtime.faces.face_encoder import FaceEncoder

face_app = typer.Typer(
    name="face",
    help="Verify and recognise people by their faces, with a calibrated threshold.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Picture = Annotated[Path, typer.Argument(help="Picture file.", exists=True, dir_okay=False, show_default=False)]
Pictures = Annotated[list[Path], typer.Argument(help="Picture files.", exists=True, dir_okay=False, show_default=False)]
People = Annotated[Path, typer.Argument(help="Folder with one folder per person.", exists=True, file_okay=False)]
Detector = Annotated[str, typer.Option(help="auto, yunet, a detector's name or folder, or a YuNet .onnx file.")]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=4,
        help="Accept faces below this squared distance.",
        show_default="the model's calibrated threshold",
    ),
]
Pairs = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Use only the pairs in this file (format of LFW's pairs.txt).", exists=True),
]



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
    """Tell whether two pictures show the same person, by comparing the largest face of each."""
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
        int,
        typer.Option(
            "--one-shot", metavar="N", min=0, help="Measure recognition with one enrolled picture each of N people."
        ),
    ] = 0,
    pairs: Pairs = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw ROC, DET and distances in this folder.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the metrics into the model's card.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure how well a model separates people: accuracy, EER, TAR at FAR, rank 1, with intervals."""
    if pairs and one_shot:
        raise UsageFault("--pairs and --one-shot cannot be combined. Use one of them.")
    if (record or report) and (pairs or one_shot):
        asked = "--record stores the metrics" if record else "--report draws the pairs"
        raise UsageFault(f"{asked} of the whole folder. Omit --pairs and --one-shot.")
    from cnn_suite.face_evaluation import evaluate_listed_pairs, evaluate_people, one_shot_people
    from cnn_suite.faces import record_figures
    from cnn_suite.runtime.model_files.model_folders import check_recordable, find_model

    if record:
        check_recordable(find_model(model))
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
    far: Annotated[float, typer.Option(help="False accept rate: share of pairs of strangers to accept.")] = 1e-3,
    model: Model = MODEL,
    detector: Detector = "auto",
    pairs: Pairs = None,
    record: Annotated[bool, typer.Option("--record", help="Write the threshold into the model's card.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Calibrate the threshold for a false accept rate on pictures of people, and report its error rates."""
    if not 0 < far < 1:
        raise UsageFault(f"--far takes a share between 0 and 1, such as 0.001. Received {far}.")
    from cnn_suite.faces import calibrate_listed_pairs, calibrate_people, record_calibration
    from cnn_suite.runtime.model_files.model_folders import check_recordable, find_model

    if record:
        check_recordable(find_model(model))
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
    name: Annotated[str, typer.Argument(help="Name of the person in the pictures.", show_default=False)],
    pictures: Pictures,
    gallery: GalleryFile = GALLERY,
    encrypted: Encrypt = False,
    keep_pictures: Annotated[bool, typer.Option("--keep-pictures", help="Also store the aligned faces.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Enrol even if the quality check fails.")] = False,
    model: Model = MODEL,
    detector: Detector = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add a person to the gallery from one or more pictures; each must pass the quality check."""
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
    """Recognise the people in pictures: for every face the nearest enrolled person, or unknown."""
    from cnn_suite.face_gallery import identify_pictures

    encoder = _encoder(model, detector)
    with stdout_kept_clean(as_json), open_gallery(gallery, encoder.encoder, encrypted) as people:
        found = identify_pictures(encoder, people, pictures, threshold)
    show({"pictures": found}, as_json, lambda: "\n".join(map(_told, found)))


for name, verb in GALLERY_VERBS.items():
    face_app.command(name=name)(verb)


def _told(answer: dict[str, Any]) -> str:
    """Describe in one line who is in a picture."""
    told = []
    for face in answer["faces"]:
        nearest = "" if face["nearest"] is None else f" ({face['nearest']} {face['distance']:.2f})"
        told.append(f"{face['identity']} {face['distance']:.2f}" if face["identity"] else f"unknown{nearest}")
    return f"{answer['picture']}: {', '.join(told) or 'no face'}"


def _encoder(model: str, detector: str) -> FaceEncoder:
    """All steps from picture to encoding; a usage error if a name is unknown."""
    from cnn_suite.runtime.faces.face_encoder import FaceEncoder
    from cnn_suite.runtime.faces.face_pipeline import load_finder

    try:
        return FaceEncoder(load_finder(detector), encoding_network(model))
    except FileNotFoundError as error:
        raise UsageFault(str(error)) from error
