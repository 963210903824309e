"""`cnn-suite face` on drawn pictures, with stand-ins for the networks: what each verb says, writes and refuses."""

import json
import re
import shutil
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite import cli_face, cli_gallery, face_evaluation, faces
from cnn_suite.cli import main
from cnn_suite.face_gallery import enrol_pictures, identify_pictures
from cnn_suite.face_pictures import MOST_PIXELS, PictureError, people_pictures, read_face_picture
from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_alignment import ARCFACE_TEMPLATE
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_encoder import FaceEncoder
from cnn_suite.runtime.faces.gallery import Gallery

PEOPLE = 12


class ColourNetwork:
    """Encodes a face by the direction of its mean colour: every drawn person has a colour of their own."""

    size, dimensions, fingerprint = 112, 3, "colours"

    def __init__(self, thresholds=None):
        self.card = ModelCard("colours", "embedding", (), thresholds=thresholds or {})

    def encode_aligned(self, face):
        colour = face[30:90, 30:90].reshape(-1, 3).mean(axis=0) - 128
        return (colour / np.linalg.norm(colour)).astype(np.float32)


def find(image):
    """One face in the middle of every picture that is not black."""
    if not image.any():
        return Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    return Faces(np.array([[20, 20, 130, 140]]), np.ones(1), ARCFACE_TEMPLATE[None] + 20)


def drawn(person, seed):
    """A picture of a person: a plane of the person's colour with some texture."""
    generator = np.random.default_rng((person, seed))
    direction = np.random.default_rng(person).normal(size=3)
    colour = 128 + 70 * direction / np.linalg.norm(direction)
    noise = cv2.resize(generator.normal(0, 25, (40, 40, 3)), (160, 160))
    return np.clip(colour + noise, 1, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("people")
    for person in range(PEOPLE):
        (root / f"p{person:02}").mkdir()
        for seed in range(4):
            cv2.imwrite(str(root / f"p{person:02}" / f"{seed}.png"), drawn(person, seed)[:, :, ::-1])
    return root


@pytest.fixture
def encoder():
    return FaceEncoder(find, ColourNetwork({"calibration": {"threshold": 0.05, "requested_far": 0.01}}))


def test_every_picture_is_encoded_and_what_shows_no_face_is_a_row_of_nan(encoder, folder, tmp_path, caplog):
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "0.png"), drawn(0, 0))
    cv2.imwrite(str(tmp_path / "a" / "1.png"), np.zeros((160, 160, 3), np.uint8))
    (tmp_path / "a" / "2.png").write_bytes(b"no picture")
    pictures, encodings = faces.encode_people(encoder, tmp_path, quiet=True)
    assert [picture.path.name for picture in pictures] == ["0.png", "1.png", "2.png"]
    assert np.isnan(encodings).all(axis=1).tolist() == [False, True, True]
    assert "No face was found in" in caplog.text and "2.png is not a readable picture" in caplog.text


def test_encodings_are_written_with_paths_and_people(encoder, folder, tmp_path):
    faces.write_encodings(tmp_path / "x.npz", *faces.encode_people(encoder, folder, quiet=True))
    found = np.load(tmp_path / "x.npz")
    assert found["encodings"].shape == (4 * PEOPLE, 3) and found["people"][4] == "p01"
    np.testing.assert_allclose(np.linalg.norm(found["encodings"], axis=1), 1, atol=1e-5)


def test_two_pictures_of_one_person_are_the_same_and_of_two_are_not(encoder, folder):
    same = faces.verify(encoder, folder / "p00" / "0.png", folder / "p00" / "1.png")
    assert same["same"] and same["distance"] < same["threshold"] == 0.05 and same["far"] == 0.01
    other = faces.verify(encoder, folder / "p00" / "0.png", folder / "p01" / "1.png")
    assert not other["same"] and other["distance"] > 0.05
    assert faces.verify(encoder, folder / "p00" / "0.png", folder / "p01" / "1.png", threshold=4.0)["same"]
    assert not faces.verify(encoder, folder / "p00" / "0.png", folder / "p00" / "0.png", threshold=0.0)["same"]


def test_a_model_without_a_threshold_says_how_to_get_one(folder):
    never = FaceEncoder(find, ColourNetwork())
    with pytest.raises(ValueError, match="has no threshold: it is not calibrated. Run `cnn-suite face calibrate"):
        faces.verify(never, folder / "p00" / "0.png", folder / "p00" / "1.png")


def test_people_are_told_apart_with_intervals(encoder, folder):
    found = face_evaluation.evaluate_people(encoder, folder, quiet=True)
    assert (found["pictures"], found["people"], found["without_face"]) == (48, PEOPLE, 0)
    assert found["pairs"] == {"genuine": 6 * PEOPLE, "impostor": 16 * PEOPLE * (PEOPLE - 1) // 2}
    assert found["accuracy"]["value"] > 0.98 and found["rank1"]["value"] > 0.95
    low, high = found["rank1"]["interval"]
    assert low <= found["rank1"]["value"] <= high
    json.dumps(found)


def test_one_picture_of_each_is_enough_to_know_people_and_to_leave_strangers_unknown(encoder, folder):
    found = face_evaluation.one_shot_people(encoder, folder, enrolled=8, fpir=0.1, quiet=True)
    assert (found["people"], found["strangers"]) == (8, PEOPLE - 8)
    assert (found["enrolled_probes"], found["stranger_probes"]) == (8 * 3, (PEOPLE - 8) * 4)
    assert found["rank1"]["rate"] > 0.95 and found["fpir"] <= 0.1
    json.dumps(found)
    with pytest.raises(PictureError, match="Enrol at least one and fewer than all of them.*Received 12"):
        face_evaluation.one_shot_people(encoder, folder, enrolled=PEOPLE, quiet=True)


@pytest.fixture(scope="module")
def like_lfw(tmp_path_factory):
    """Six people with three pictures each, called as LFW calls them, and a file of two folds of pairs."""
    root = tmp_path_factory.mktemp("lfw")
    for person in range(6):
        (root / f"P{person}").mkdir()
        for number in range(1, 4):
            cv2.imwrite(str(root / f"P{person}" / f"P{person}_{number:04}.png"), drawn(person, number)[:, :, ::-1])
            (root / f"P{person}" / f"P{person}_{number:04}.png").rename(
                root / f"P{person}" / f"P{person}_{number:04}.jpg"
            )
    folds = [(0, 1, 2), (3, 4, 5)]
    lines = ["2\t3"]
    for fold in folds:
        lines += [f"P{person}\t1\t2" for person in fold]
        lines += [f"P{a}\t1\tP{b}\t3" for a, b in zip(fold, (*fold[1:], fold[0]))]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")
    return root


def test_listed_pairs_are_measured_fold_by_fold_and_the_protocol_is_named(encoder, like_lfw):
    found = face_evaluation.evaluate_listed_pairs(encoder, like_lfw, like_lfw / "pairs.txt", quiet=True)
    assert found["protocol"].startswith("pairs.txt, 2 folds")
    assert found["accuracy"] > 0.8 and (found["genuine"], found["impostors"]) == (6, 6)


def test_a_listed_picture_without_a_face_is_named(encoder, like_lfw, tmp_path):
    (tmp_path / "P0").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / "P0" / f"P0_{number:04}.jpg"), np.zeros((160, 160, 3), np.uint8))
    (tmp_path / "pairs.txt").write_text("1\t1\nP0\t1\t2\nP0\t1\tP1\t1\n")
    with pytest.raises(PictureError, match="No face was found in .*P0_0001.jpg, which is listed in .*pairs.txt"):
        faces.listed_pairs(encoder, tmp_path, tmp_path / "pairs.txt", quiet=True)


def test_curves_are_drawn_on_request(encoder, folder, tmp_path):
    face_evaluation.evaluate_people(encoder, folder, report_folder=tmp_path, quiet=True)
    assert {file.name for file in tmp_path.iterdir()} == {"roc.png", "det.png", "distances.png"}


def test_a_thousand_faces_in_one_picture_are_all_answered_for(folder, tmp_path):
    def crowd(image):
        boxes, points = np.tile([20, 20, 130, 140], (1000, 1)), np.tile(ARCFACE_TEMPLATE + 20, (1000, 1, 1))
        return Faces(boxes, np.ones(1000), points)

    encoder = FaceEncoder(crowd, ColourNetwork())
    with Gallery(tmp_path / "g", fingerprint="colours", dimensions=3, create=True) as gallery:
        gallery.enrol("Ada", encoder(drawn(0, 0)).encodings[:1])
        (answer,) = identify_pictures(encoder, gallery, [folder / "p00" / "0.png"], threshold=0.05)
    assert len(answer["faces"]) == 1000 and {face["identity"] for face in answer["faces"]} == {"Ada"}


def test_a_folder_in_which_nobody_stands_twice_cannot_be_measured(encoder, tmp_path):
    for person in range(2):
        (tmp_path / str(person)).mkdir()
        cv2.imwrite(str(tmp_path / str(person) / "0.png"), drawn(person, 0))
    with pytest.raises(
        PictureError, match="must contain detected faces of two people, and of one of them in two pictures"
    ):
        face_evaluation.evaluate_people(encoder, tmp_path, quiet=True)


def test_a_calibration_goes_into_the_card_and_out_of_it(encoder, folder, tmp_path):
    calibration = faces.calibrate_people(encoder, folder, far=0.05, quiet=True)
    ModelCard("colours", "embedding", ()).write(tmp_path)
    faces.record_calibration(tmp_path, calibration, "my people")
    card = ModelCard.read(tmp_path)
    assert card.thresholds["calibrated_on"] == "my people"
    assert faces.threshold_of(card) == (calibration.threshold, 0.05)


def test_figures_go_into_the_card_with_their_command(encoder, folder, tmp_path):
    ModelCard("colours", "embedding", (), metrics={"test": {"eer": 0.1}}).write(tmp_path)
    found = face_evaluation.evaluate_people(encoder, folder, quiet=True)
    faces.record_figures(tmp_path, found, folder, "cnn-suite face evaluate people")
    metrics = ModelCard.read(tmp_path).metrics
    assert metrics["test"] == {"eer": 0.1}
    assert metrics[folder.name]["balanced_accuracy"] == found["balanced_accuracy"]
    assert metrics[folder.name]["command"] == "cnn-suite face evaluate people"


def test_figures_of_another_protocol_are_kept_and_here_has_a_name(tmp_path, monkeypatch):
    split = {"eer": 0.1, "protocol": "pairs of a split"}
    ModelCard("colours", "embedding", (), metrics={"test": split}).write(tmp_path)
    (tmp_path / "people" / "test").mkdir(parents=True)
    faces.record_figures(tmp_path, {"eer": 0.2}, tmp_path / "people" / "test", "c")
    monkeypatch.chdir(tmp_path / "people")
    faces.record_figures(tmp_path, {"eer": 0.3}, ".", "c")
    metrics = ModelCard.read(tmp_path).metrics
    assert metrics["test"] == split
    assert (metrics["people/test"]["eer"], metrics["people"]["eer"]) == (0.2, 0.3)


def test_pictures_are_enrolled_together_and_recognised(encoder, folder, tmp_path):
    with Gallery(tmp_path / "g", fingerprint="colours", dimensions=3, create=True) as gallery:
        for person in (0, 1):
            paths = [folder / f"p{person:02}" / f"{seed}.png" for seed in (0, 1)]
            told = enrol_pictures(encoder, gallery, f"Number {person}", paths, force=True, keep_pictures=True)
            assert told["encodings"] == 2
        asked = [folder / "p00" / "2.png", folder / "p05" / "0.png"]
        known, stranger = identify_pictures(encoder, gallery, asked)
        assert known["faces"][0]["identity"] == "Number 0"
        assert stranger["faces"][0]["identity"] is None and stranger["faces"][0]["nearest"] is not None
        assert all(record.picture for record in gallery.records())


def test_what_the_gate_refuses_is_not_enrolled(encoder, folder, tmp_path):
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((160, 160, 3), np.uint8))
    with Gallery(tmp_path / "g", fingerprint="colours", dimensions=3, create=True) as gallery:
        good = folder / "p00" / "0.png"
        with pytest.raises(PictureError, match="black.png cannot be enrolled. There is no face in the picture"):
            enrol_pictures(encoder, gallery, "Ada", [good, tmp_path / "black.png"], force=True)
        assert len(gallery) == 0  # all or none
        enrol_pictures(encoder, gallery, "Ada", [good], force=True)
        with pytest.raises(PictureError, match="looks like Ada"):
            enrol_pictures(encoder, gallery, "Bo", [folder / "p00" / "1.png"])
        assert len(gallery) == 1


def test_two_people_do_not_come_under_one_name(encoder, folder, tmp_path):
    a, again, other = (folder / name for name in ("p00/0.png", "p00/1.png", "p05/0.png"))
    with Gallery(tmp_path / "g", fingerprint="colours", dimensions=3, create=True) as gallery:
        with pytest.raises(PictureError, match="p05.0.png .* does not look like the other pictures of Ada.*--force"):
            enrol_pictures(encoder, gallery, "Ada", [a, other])
        assert len(gallery) == 0
        enrol_pictures(encoder, gallery, "Ada", [a, again])
        with pytest.raises(PictureError, match="does not look like the other pictures of Ada"):
            enrol_pictures(encoder, gallery, " Ada", [other])
        told = enrol_pictures(encoder, gallery, "Ada", [other], force=True)
        assert told["encodings"] == 1 and len(told["problems"]) == 1


def test_hidden_folders_are_no_people_and_hold_none_of_their_pictures(folder, tmp_path):
    people = Path(shutil.copytree(folder, tmp_path / "people"))
    for hidden in (".thumbnails", "__MACOSX", "p00/.ipynb_checkpoints"):
        shutil.copytree(folder / "p01", people / hidden)
    assert [picture.path.name for picture in people_pictures(people)] == [p.path.name for p in people_pictures(folder)]
    assert {picture.person for picture in people_pictures(people)} == {f"p{person:02}" for person in range(PEOPLE)}


def test_a_name_is_the_same_person_in_either_form_of_unicode(folder, tmp_path):
    for form in ("NFC", "NFD"):
        shutil.copytree(folder / "p00", tmp_path / form / unicodedata.normalize(form, "José"))
        assert {picture.person for picture in people_pictures(tmp_path / form)} == {"Jos\u00e9"}


def test_a_calibration_without_faces_says_so(encoder, tmp_path):
    for person in ("a", "b"):
        (tmp_path / person).mkdir()
        cv2.imwrite(str(tmp_path / person / "0.png"), np.zeros((160, 160, 3), np.uint8))
    with pytest.raises(PictureError, match="a face was found in 0 of 2 pictures: use larger or better lit ones"):
        faces.calibrate_people(encoder, tmp_path, quiet=True)


def test_recognition_cannot_be_measured_where_nobody_enrolled_has_a_second_picture(encoder, folder, tmp_path):
    for person in ("p00", "p01", "p02"):
        (tmp_path / person).mkdir()
        shutil.copyfile(folder / person / "0.png", tmp_path / person / "0.png")
    with pytest.raises(PictureError, match="Nobody of the 2 enrolled people .* has a second picture with a face"):
        face_evaluation.one_shot_people(encoder, tmp_path, enrolled=2, quiet=True)


def test_folders_of_people(folder, tmp_path):
    assert len(people_pictures(folder)) == 4 * PEOPLE
    with pytest.raises(FileNotFoundError, match="The folder .* does not exist"):
        people_pictures(tmp_path / "absent")
    with pytest.raises(PictureError, match="contains no folders with pictures"):
        people_pictures(tmp_path)


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_head(tmp_path):
    head = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()
    side = (20_000).to_bytes(4, "big")
    (tmp_path / "huge.png").write_bytes(head[:16] + side + side + head[24:])
    assert 20_000**2 > MOST_PIXELS
    with pytest.raises(PictureError, match="has 20,000 x 20,000 pixels. At most 100 million are supported"):
        read_face_picture(tmp_path / "huge.png")
    with pytest.raises(FileNotFoundError, match="The picture .* does not exist"):
        read_face_picture(tmp_path / "absent.png")


@pytest.fixture
def commands(monkeypatch, encoder):
    """The command line with the stand-ins in place of the models."""
    monkeypatch.setattr(cli_face, "_encoder", lambda model, detector: encoder)
    monkeypatch.setattr(cli_gallery, "encoding_network", lambda model: encoder.encoder)


def test_the_commands_from_enrolment_to_removal(commands, folder, tmp_path, capsys):
    gallery = ["--gallery", str(tmp_path / "people.gallery")]
    pictures = [str(folder / "p00" / f"{seed}.png") for seed in (0, 1)]
    assert main(["face", "enrol", "Ada", *pictures, "--force", *gallery]) == 0
    assert main(["face", "identify", str(folder / "p00" / "3.png"), *gallery]) == 0
    assert "3.png: Ada 0.0" in capsys.readouterr().out
    assert main(["face", "rename", "Ada", "Ada L.", *gallery]) == 0
    assert main(["face", "export", str(tmp_path / "people.json"), *gallery]) == 0
    capsys.readouterr()
    assert main(["face", "list", "--json", *gallery]) == 0
    (person,) = json.loads(capsys.readouterr().out)["people"]
    assert (person["name"], person["encodings"]) == ("Ada L.", 2)
    assert main(["face", "remove", "Ada L.", *gallery]) == 0
    assert main(["face", "merge", str(tmp_path / "people.json"), *gallery]) == 0
    assert main(["face", "remove", "Nobody", *gallery]) == 1
    assert "Nobody" in capsys.readouterr().err


def test_the_history_of_a_gallery_says_what_was_done_when(commands, folder, tmp_path, capsys):
    gallery = ["--gallery", str(tmp_path / "people.gallery")]
    assert main(["face", "enrol", "Ada", str(folder / "p00" / "0.png"), "--force", *gallery]) == 0
    assert main(["face", "rename", "Ada", "Ada L.", *gallery]) == 0
    capsys.readouterr()
    assert main(["face", "history", *gallery]) == 0
    assert re.fullmatch(r"2\S+ enrol Ada 1 encoding\n2\S+ rename Ada L. was Ada\n", capsys.readouterr().out)
    assert main(["face", "history", "--json", *gallery]) == 0
    entries = json.loads(capsys.readouterr().out)["history"]
    assert [entry["action"] for entry in entries] == ["enrol", "rename"]
    assert entries[1].keys() == {"time", "action", "name", "detail"}


def test_a_gallery_gets_another_passphrase(commands, folder, tmp_path, capsys, monkeypatch):
    gallery, picture = ["--gallery", str(tmp_path / "people.gallery")], str(folder / "p00" / "0.png")
    monkeypatch.setenv("CNN_SUITE_PASSPHRASE", "old")
    assert main(["face", "enrol", "Ada", picture, "--force", "--encrypted", *gallery]) == 0
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: {"New passphrase: ": "new"}.get(prompt, "mew"))
    assert main(["face", "passphrase", *gallery]) == 1
    assert "The two passphrases differ. Nothing was changed" in capsys.readouterr().err
    monkeypatch.setenv("CNN_SUITE_NEW_PASSPHRASE", "new")
    assert main(["face", "passphrase", *gallery]) == 0
    assert main(["face", "list", "--encrypted", *gallery]) == 1
    assert "The passphrase is wrong" in capsys.readouterr().err
    monkeypatch.setenv("CNN_SUITE_PASSPHRASE", "new")
    assert main(["face", "history", "--encrypted", *gallery]) == 0
    assert capsys.readouterr().out.endswith(" change passphrase\n")


def test_a_gallery_without_a_passphrase_gets_none(commands, folder, tmp_path, capsys, monkeypatch):
    gallery = ["--gallery", str(tmp_path / "people.gallery")]
    assert main(["face", "enrol", "Ada", str(folder / "p00" / "0.png"), "--force", *gallery]) == 0
    monkeypatch.setenv("CNN_SUITE_PASSPHRASE", "old")
    assert main(["face", "passphrase", *gallery]) == 1
    assert "not encrypted. Open it without a passphrase, or merge it into an encrypted" in capsys.readouterr().err


def test_the_commands_that_measure(commands, folder, tmp_path, capsys):
    a, b = (str(folder / "p00" / f"{seed}.png") for seed in (0, 1))
    assert main(["face", "verify", a, b, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True
    assert main(["face", "evaluate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["people"] == PEOPLE
    assert main(["face", "encode", str(folder), "--output", str(tmp_path / "e.npz"), "--quiet"]) == 0
    assert np.load(tmp_path / "e.npz")["encodings"].shape == (4 * PEOPLE, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["e.npz"]
    capsys.readouterr()
    assert main(["face", "calibrate", str(folder), "--far", "0.001", "--json"]) == 1
    assert "pairs" in capsys.readouterr().err  # too few of them for one in a thousand


@pytest.mark.parametrize("output, text", [
    ("no/such/x.npz", "There is no folder"), ("enc", "must end in .npz. Received 'enc'"),
    ("enc.csv", "must end in .npz"), ("folder.npz", "is a folder"),
])  # fmt: skip
def test_where_encodings_cannot_go_is_told_before_the_work(monkeypatch, folder, tmp_path, capsys, output, text):
    monkeypatch.setattr(cli_face, "_encoder", lambda *_: pytest.fail("the work began"))
    (tmp_path / "folder.npz").mkdir()
    assert main(["face", "encode", str(folder), "--output", str(tmp_path / output)]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
    assert [file.name for file in tmp_path.iterdir()] == ["folder.npz"]


def test_encodings_that_cannot_be_written_leave_the_file_that_was_there(encoder, folder, tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    path.write_bytes(b"before")
    monkeypatch.setattr(np, "savez", lambda file, **_: file.write(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        faces.write_encodings(path, [], np.zeros((0, 3)))
    assert path.read_bytes() == b"before" and [file.name for file in tmp_path.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("words", [
    ["enrol", "Ada\nB", "{good}"], ["enrol", "Ada", "{black}"], ["merge", "{text}"],
])  # fmt: skip
def test_what_fails_makes_no_gallery(commands, folder, tmp_path, words):
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((160, 160, 3), np.uint8))
    (tmp_path / "bad.json").write_text("{}")
    names = {"good": folder / "p00" / "0.png", "black": tmp_path / "black.png", "text": tmp_path / "bad.json"}
    gallery = tmp_path / "people.gallery"
    assert main(["face", *(word.format(**names) for word in words), "--gallery", str(gallery)]) == 1
    assert not gallery.exists()


def test_wrong_words_are_usage(commands, folder, capsys):
    assert main(["face", "evaluate", str(folder), "--record", "--one-shot", "3"]) == 2
    assert "--record stores the metrics of the whole folder" in capsys.readouterr().err
    pairs = ["--pairs", str(folder / "p00" / "0.png")]
    assert main(["face", "evaluate", str(folder), "--one-shot", "3", "--report", "r"]) == 2
    assert main(["face", "evaluate", str(folder), *pairs, "--report", "r"]) == 2
    assert capsys.readouterr().err.count("--report draws the pairs of the whole folder") == 2
    assert main(["face", "evaluate", str(folder), *pairs, "--one-shot", "3"]) == 2
    assert "--pairs and --one-shot cannot be combined" in capsys.readouterr().err
    assert main(["face", "calibrate", str(folder), "--far", "2"]) == 2
    assert "--far takes a share between 0 and 1" in capsys.readouterr().err
    assert main(["face", "merge", str(folder / "p00" / "0.png"), "--clashes", "perhaps"]) == 2


def test_unknown_models_and_detectors_are_usage(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    a = str(folder / "p00" / "0.png")
    assert main(["face", "verify", a, a, "--model", "no_such_model"]) == 2
    assert "no_such_model" in capsys.readouterr().err
    assert main(["face", "verify", a, a, "--detector", "yunet"]) == 2
    assert "The detector yunet is not downloaded. Run `cnn-suite pull yunet`" in capsys.readouterr().err
