import io

from rich.console import Console

from cnn_suite.data.boxes.doctor import examine
from cnn_suite.data.boxes.doctor_tables import print_report


def text_of(report, width=200):
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width, soft_wrap=True))
    return stream.getvalue()


def rows_of(text):
    return [[cell.strip() for cell in line.strip("│┃").split("│")] for line in text.splitlines()]


def test_the_report_names_classes_sizes_anchors_and_collisions(voc):
    voc.add("a", [("cat", 0, 0, 8 + 2 * number, 9 + number) for number in range(9)])
    voc.add("b", [("dog", 5, 5, 9, 9)], "val")
    text = text_of(examine(voc.root))
    rows = rows_of(text)
    assert ["cat", "9", "0"] in rows and ["dog", "0", "1"] in rows
    assert ["boxes", "9", "1"] in rows and ["pictures", "1", "1"] in rows
    assert ["width", "4", "6", "11", "15", "20", "23", "24"] in rows
    assert "Pictures: 60x40 (2)." in text and "Boxes per picture: 1 to 9, mean 5.0" in text
    assert "Anchors (k-means, at 416x416):" in text and "mean best shape IoU 1.000" in text
    assert "share their cell and anchor with another object" in text and "No faults." in text
    assert "Labels inferred from the annotations" in text


def test_faults_are_counted_listed_and_explained(voc):
    voc.add("a", [("cat", 5, 5, 5, 5), ("cat", 5, 5, 9, 9)])
    text = text_of(examine(voc.root))
    assert ["zero_area", "1", "box omitted"] in rows_of(text)
    assert f"{voc.root}/Annotations/a.xml:6: box of 'cat' (5, 5, 5, 5) has no area" in text
    assert f"1 fault. Run `cnn-suite doctor {voc.root} --repair FOLDER` to write a repaired copy." in text
    assert "Anchors: too few different boxes for an estimate." in text


def test_a_fault_stays_on_one_line_however_narrow_the_terminal(voc):
    voc.add("a", [("cat", 5, 5, 5, 5)])
    report = examine(voc.root)
    assert str(report.faults[0]) in text_of(report, width=40).splitlines()


def test_many_picture_sizes_are_summed_up(voc, picture):
    for number in range(7):
        voc.add(f"p{number}", [], size_hw=None)
        picture(voc.root / "JPEGImages" / f"p{number}.jpg", (20 + number, 30))
    assert "and 2 other sizes" in text_of(examine(voc.root))


def test_markup_in_names_is_printed_as_it_is(voc):
    voc.add("a", [("[red]cat", 5, 5, 9, 9)])
    assert "[red]cat" in text_of(examine(voc.root))
