"""What several adapters share: diamonds, GeoJSON, folders."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch_datasets.adapters.diamonds import boxes_around
from apronwatch_datasets.adapters.folders import by_stem, by_stem_of_all, last_part, split_lists
from apronwatch_datasets.adapters.geojson_labels import read_features, read_grid, read_rings, ring
from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.formats.texts import read_json
from apronwatch_datasets.source import Log

angles = st.floats(-np.pi, np.pi)
lengths = st.floats(5, 80)


@given(angle=angles, nose=lengths, tail=lengths, left=lengths, right=lengths, sweep=st.floats(-100, 100))
def test_box_around_a_diamond(
    angle: float, nose: float, tail: float, left: float, right: float, sweep: float
) -> None:
    """It lies along the axis, holds all four points, and no side of it can come nearer."""
    points = np.array([[nose, 0], [sweep, left], [-tail, 0], [sweep, -right]])
    forward, sideways = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    turned = points @ np.array([forward, sideways]) + [300, 200]
    box = boxes_around(turned[None])[0] - [300, 200]
    u, v = box @ forward, box @ sideways
    assert np.ptp(u) == pytest.approx(max(nose, sweep) + max(tail, -sweep), abs=1e-8)
    assert np.ptp(v) == pytest.approx(left + right, abs=1e-8)
    assert (u.max(), v.max()) == pytest.approx((max(nose, sweep), left), abs=1e-8)
    assert box[1] @ forward > box[0] @ forward, "the first side runs forward"


def test_an_aircraft_without_an_axis() -> None:
    box = boxes_around(np.array([[[5.0, 5], [0, 5], [5, 5], [10, 5]]]))[0]
    assert np.linalg.norm(box[1] - box[0]) == 0


def test_no_aircraft() -> None:
    assert boxes_around(np.zeros((0, 4, 2))).shape == (0, 4, 2)


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[["a", 0], [1, 0], [0, 1]]]},
        {"type": "Polygon", "coordinates": None},
        {"type": "Polygon"},
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [0, 1]]], [[[5, 0], [6, 0], [5, 1]]]]},
    ],
)
def test_no_polygon(geometry: object) -> None:
    with pytest.raises(ValueError, match="polygon"):
        ring({"geometry": geometry or {}})


def test_rings() -> None:
    corners = [[0, 0, 5], [1, 0, 5], [0, 1, 5], [0, 0, 5]]
    for geometry in (
        {"type": "Polygon", "coordinates": [corners]},
        {"type": "MultiPolygon", "coordinates": [[corners]]},
    ):
        assert ring({"geometry": geometry}).tolist() == [[0, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"features": {}}', '{"features": [], "crs": {"properties": {"name": "EPSG:none"}}}'],
)
def test_no_feature_collection(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"collection|crs|Expecting"):
        read_features(path)


@pytest.mark.parametrize("item", ["3", "[]", "null", '{"properties": [], "geometry": 5}', "{}"])
def test_features_that_are_none(tmp_path: Path, item: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(f'{{"crs": "none", "features": [{item}]}}')
    assert read_features(path).items == [{"properties": {}, "geometry": {}}]


def test_crs_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"features": []}))
    assert read_features(path).crs.is_geographic


def test_grid_of_no_raster(tmp_path: Path) -> None:
    assert read_grid(tmp_path / "a.tif") is None
    paint(tmp_path / "b.png", 40, 30)
    grid = read_grid(tmp_path / "b.png")
    assert grid is not None
    assert (grid.crs, grid.width, grid.height) == (None, 40, 30)


def test_notes_of_a_mac(tmp_path: Path) -> None:
    for name in ("b.TIF", "._b.tif", "a.tif", "c.txt"):
        (tmp_path / name).touch()
    log = Log(tmp_path)
    assert list(by_stem(tmp_path, (".tif",), log)) == ["a", "b"]
    assert Counter(fault.kind for fault in log.faults) == {FaultKind.STRAY_FILE: 1}


def test_split_lists(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a\nb\n")
    (tmp_path / "test.txt").write_text("c\r\n")
    assert split_lists(tmp_path) == {"a": "train", "b": "train", "c": "test"}


def test_of_two_files_of_one_name_the_first_stays_and_it_is_said(tmp_path: Path) -> None:
    for name in ("a/x.jpg", "a/x.png", "b/x.jpg", "b/y.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    log = Log(tmp_path)
    found = by_stem_of_all((tmp_path / "a", tmp_path / "b"), (".jpg", ".png"), log)
    assert found == {"x": tmp_path / "a/x.jpg", "y": tmp_path / "b/y.jpg"}
    assert [(fault.kind, fault.file) for fault in log.faults] == [
        (FaultKind.STRAY_FILE, "a/x.png"),
        (FaultKind.STRAY_FILE, "b/x.jpg"),
    ]


@pytest.mark.parametrize(
    ("told", "name"), [("a.tif", "a.tif"), ("../../a.tif", "a.tif"), ("C:\\x\\a.tif", "a.tif"), ("/", "")]
)
def test_of_a_path_that_labels_tell_the_last_part_counts(told: str, name: str) -> None:
    assert last_part(told) == name


@pytest.mark.parametrize("number", ["1" + "0" * 400, "NaN", "Infinity", '"1"', "1" * 5000])
def test_no_number_of_a_document_is_beyond_reading(tmp_path: Path, number: str) -> None:
    """JSON knows integers of any length, and Python's JSON also what is no number."""
    path = tmp_path / "a.geojson"
    points = f"[[0, 0], [1, 0], [{number}, 1]]"
    polygon = f'{{"type": "Polygon", "coordinates": [{points}]}}'
    path.write_text(f'{{"features": [{{"properties": {{}}, "geometry": {polygon}}}]}}')
    log = Log(tmp_path)
    rings = read_rings(path, lambda properties: "plane", log)
    if number == '"1"':
        assert rings is not None
        assert rings.items[0].points.tolist() == [[0, 0], [1, 0], [1, 1]]
    else:
        assert len(log.faults) == 1
        assert not rings or not rings.items


def test_documents_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(ValueError, match="nested"):
        read_json(tmp_path / "a.json")
