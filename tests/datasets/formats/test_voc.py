"""Pascal VOC, written and read again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apronwatch.geometry import envelopes, rotated_boxes
from apronwatch_datasets.formats.voc import read_voc, write_voc
from apronwatch_datasets.records import Objects
from apronwatch_datasets.source import Log

pixels = st.floats(-50, 4000)
sides = st.floats(0.5, 500)
boxes = st.lists(
    st.tuples(pixels, pixels, sides, sides, st.floats(-3, 3), st.booleans(), st.booleans()), max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes)
def test_round_trip(tmp_path: Path, rows: list[tuple[float, float, float, float, float, bool, bool]]) -> None:
    """A turned box comes back with its corners, an upright one as its hull."""
    columns = np.array([row[:5] for row in rows]).reshape(-1, 5).T
    oriented = np.array([row[5] for row in rows], dtype=bool)
    names = np.array([f"class {k} & <others>" for k in range(len(rows))], dtype=np.str_)
    objects = Objects.of(
        rotated_boxes(*columns), names, np.zeros(len(rows)), oriented=oriented, difficult=[r[6] for r in rows]
    )
    log = Log(tmp_path)
    write_voc(tmp_path / "a.xml", objects, names, image="a.jpg", size=(800, 600))
    file = read_voc(tmp_path / "a.xml", log)
    assert file is not None
    assert not log.faults
    assert (file.image, file.width, file.height) == ("a.jpg", 800, 600)
    assert file.objects.names.tolist() == names.tolist()
    assert file.objects.difficult.tolist() == objects.difficult.tolist()
    assert file.objects.oriented.tolist() == oriented.tolist()
    np.testing.assert_array_equal(file.objects.polygons[oriented], objects.polygons[oriented])
    np.testing.assert_array_equal(envelopes(file.objects.polygons), envelopes(objects.polygons))


def test_ignored_is_difficult(tmp_path: Path) -> None:
    """VOC has no word for a region to ignore."""
    objects = Objects.of(np.zeros((1, 4, 2)), ["tram"], [-1])
    write_voc(tmp_path / "a.xml", objects, objects.source_classes, image="a.jpg", size=(8, 6))
    file = read_voc(tmp_path / "a.xml", Log(tmp_path))
    assert file is not None
    assert file.objects.difficult.tolist() == [True]


@pytest.mark.parametrize(
    ("element", "lost"),
    [
        ("<object><name>plane</name></object>", "plane"),
        ("<object><bndbox/></object>", "?"),
        (
            "<object><name>ship</name><bndbox><xmin>1</xmin><ymin>x</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>",
            "ship",
        ),
        (
            "<object><name>ship</name><bndbox><xmin>1</xmin><ymin>nan</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>",
            "ship",
        ),
    ],
)
def test_bad_objects(tmp_path: Path, element: str, lost: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<annotation>{element}</annotation>")
    log = Log(tmp_path)
    file = read_voc(path, log)
    assert file is not None
    assert (file.image, file.width, file.height) == (None, None, None)
    assert len(file.objects) == 0
    assert log.lost == {lost: 1}


@pytest.mark.parametrize("content", [b"", b"<annotation>", b"\xff\xfe\x00", b"<html/>"])
def test_no_label_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    log = Log(tmp_path)
    assert read_voc(path, log) is None
    assert [fault.kind for fault in log.faults] == ["unreadable_labels"]


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "Big5", "ISO-8859-1", "utf-8", "UTF-16"])
def test_declared_encodings(tmp_path: Path, encoding: str) -> None:
    """Chinese labelling tools declare theirs, which expat does not read."""
    name = "\xe9" if encoding == "ISO-8859-1" else "\u8239"
    content = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<annotation><filename>{name}</filename></annotation>'
    )
    (tmp_path / "a.xml").write_bytes(content.encode(encoding))
    log = Log(tmp_path)
    file = read_voc(tmp_path / "a.xml", log)
    assert file is not None, log.faults
    assert file.image == name


@pytest.mark.parametrize("encoding", ["klingon", "hex", "gb2312"])
def test_encodings_that_do_not_hold(tmp_path: Path, encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?><annotation>'.encode() + b"\xff\xff</annotation>"
    (tmp_path / "a.xml").write_bytes(content)
    log = Log(tmp_path)
    assert read_voc(tmp_path / "a.xml", log) is None
    assert [fault.kind for fault in log.faults] == ["unreadable_labels"]
