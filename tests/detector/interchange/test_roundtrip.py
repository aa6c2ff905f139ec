"""What is written comes back: boxes, classes, scores and truncation, as far as each format carries them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apronwatch.detections import Detections
from apronwatch.interchange import read, write

from .samples import MODEL, SCENES, UTM, detections, farthest

SUFFIXES = {"geojson": ".geojson", "geoparquet": ".parquet", "geopackage": ".gpkg"}
CORNER_PX = 0.01
CORNER_DEG = 1e-7
METRES_PER_DEGREE = 111_000.0

same_folder = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _assert_same_labels(found: Detections, expected: Detections) -> None:
    assert found.classes.tolist() == expected.classes.tolist()
    assert found.scores.tolist() == expected.scores.tolist()
    assert found.truncated.tolist() == expected.truncated.tolist()


@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize("crs", [UTM, None], ids=["utm", "pixels"])
@same_folder
@given(data=st.data())
def test_plane_formats_keep_the_plane(
    tmp_path: Path, format: str, crs: str | None, data: st.DataObject
) -> None:
    made = data.draw(detections(crs))
    path = tmp_path / f"boxes{SUFFIXES[format]}"
    write(made, path, info=None, model=MODEL)
    found = read(path)
    assert (found.crs, found.unit_m) == (made.crs, made.unit_m)
    _assert_same_labels(found, made)
    tolerance = CORNER_DEG * METRES_PER_DEGREE / 2 if crs else CORNER_PX
    assert farthest(found.polygons, made.polygons) <= (tolerance if format == "geojson" else 0.0)


@pytest.mark.parametrize("format", ["coco", "dota", "yolo-obb"])
@pytest.mark.parametrize("name", SCENES)
@same_folder
@given(data=st.data())
def test_pixel_formats_keep_the_pixels(tmp_path: Path, format: str, name: str, data: st.DataObject) -> None:
    info = SCENES[name]
    made = data.draw(detections(UTM if info.crs else None))
    path = tmp_path / ("boxes.json" if format == "coco" else "boxes.txt")
    write(made, path, info=info, model=MODEL, format=format)
    found = read(path, info=info, format=format)
    assert (found.crs, found.unit_m) == (None, info.gsd_m)
    assert farthest(found.polygons, info.to_pixels(made.polygons, made.crs)) <= CORNER_PX
    if format == "yolo-obb":
        assert found.classes.tolist() == made.classes.tolist()
        assert (found.scores == 1).all()
        assert not found.truncated.any()
    else:
        _assert_same_labels(found, made)


@pytest.mark.parametrize("crs", [UTM, None], ids=["utm", "pixels"])
@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("geojson", "a.geojson"),
        ("geoparquet", "a.parquet"),
        ("geopackage", "a.gpkg"),
        ("coco", "a.json"),
        ("dota", "a.txt"),
        ("yolo-obb", "a.txt"),
    ],
)
def test_a_scene_with_nothing_found_is_a_valid_file(
    tmp_path: Path, format: str, name: str, crs: str | None
) -> None:
    info = SCENES["utm" if crs else "picture"]
    write(Detections.empty(crs, 1.0 if crs else 0.5), tmp_path / name, info=info, model=MODEL, format=format)
    found = read(tmp_path / name, info=info, format=format)
    assert len(found) == 0
    assert found.unit_m == (1.0 if found.crs else 0.5)


def test_a_picture_without_its_scene_keeps_its_own_scale(tmp_path: Path) -> None:
    made = Detections(np.array([[(0, 0), (80, 0), (80, 20), (0, 20)]]), [0.5], [0], unit_m=0.25)  # type: ignore[arg-type]
    write(made, tmp_path / "a.geojson", info=None, model=None)
    assert read(tmp_path / "a.geojson").lengths_m.tolist() == [20.0]
