"""COCO, DOTA and YOLO-OBB, read by their own rules."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from apronwatch.detections import Detections
from apronwatch.interchange import read, write

from .samples import MODEL, UTM, box, scene

CORNERS = box(1000.0, 500.0, 80.0, 20.0, 30.0)


def _two(truncated: bool = True) -> Detections:
    """A plane in the picture and a ship over its left edge."""
    return Detections(
        np.array([CORNERS, box(0.0, 300.0, 100.0, 30.0, 0.0)]),
        np.array([0.9, 0.25], dtype=np.float32),
        np.array([0, 4], dtype=np.int16),
        np.array([False, truncated]),
        unit_m=0.5,
    )


def _lines(tmp_path: Path, format: str, **facts: Any) -> list[list[str]]:
    write(_two(), tmp_path / "a.txt", info=scene(None, **facts), model=MODEL, format=format)
    return [line.split() for line in (tmp_path / "a.txt").read_text().splitlines()]


def test_coco_measures_agree_with_the_polygons(tmp_path: Path) -> None:
    write(_two(), tmp_path / "a.json", info=scene(None), model=MODEL)
    document = json.loads((tmp_path / "a.json").read_text())
    (image,) = document["images"]
    assert (image["file_name"], image["width"], image["height"]) == ("base_20241213.tif", 4000, 3000)
    assert [(c["id"], c["name"], c["supercategory"]) for c in document["categories"]] == [
        (1, "plane", "aircraft"),
        (2, "helicopter", "aircraft"),
        (3, "vehicle_small", "vehicle"),
        (4, "vehicle_large", "vehicle"),
        (5, "ship", "vessel"),
    ]
    assert [one["category_id"] for one in document["annotations"]] == [1, 5]
    assert len({one["id"] for one in document["annotations"]}) == 2
    for one in document["annotations"]:
        assert one["image_id"] == image["id"]
        assert one["iscrowd"] == 0
        polygon = shapely.Polygon(np.reshape(one["segmentation"][0], (-1, 2)))
        left, top, right, bottom = polygon.bounds
        assert one["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=2e-4)
        assert one["area"] == pytest.approx(polygon.area, abs=1e-3)


def test_coco_keeps_its_categories_without_annotations(tmp_path: Path) -> None:
    write(Detections.empty(unit_m=0.5), tmp_path / "a.json", info=scene(None), model=MODEL)
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["annotations"] == []
    assert (len(document["images"]), len(document["categories"])) == (1, 5)


def test_dota_lines_are_header_corners_class_difficult_score(tmp_path: Path) -> None:
    lines = _lines(tmp_path, "dota", sensor="World View\n3")
    assert lines[:2] == [["imagesource:WorldView3"], ["gsd:0.5"]]
    assert [row[8:] for row in lines[2:]] == [["plane", "0", "0.9"], ["ship", "2", "0.25"]]
    assert np.array(lines[2][:8], dtype=float) == pytest.approx(CORNERS.ravel(), abs=1e-4)


def test_dota_corners_run_clockwise_on_the_picture(tmp_path: Path) -> None:
    for row in _lines(tmp_path, "dota")[2:]:
        ring = shapely.LinearRing(np.reshape(np.array(row[:8], dtype=float), (4, 2)) * (1, -1))
        assert not ring.is_ccw


def test_dota_labels_of_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "P0706.txt").write_text(
        "imagesource:GoogleEarth\ngsd:0.146343590398\n"
        "10 10 50 10 50 30 10 30 plane 0\n"
        "10.0 110.0 50.0 110.0 50.0 130.0 10.0 130.0 ship 1\n"
        "0 0 4 0 4 2 0 2 helicopter\n"
    )
    found = read(tmp_path / "P0706.txt", format="dota")
    assert found.classes.tolist() == [0, 4, 1]
    assert found.scores.tolist() == [1, 1, 1]
    assert not found.truncated.any()
    assert found.lengths_m.tolist() == pytest.approx([40 * 0.146343590398] * 2 + [4 * 0.146343590398])


def test_dota_without_a_gsd_takes_that_of_the_scene(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("imagesource:null\ngsd:null\n0 0 40 0 40 20 0 20 plane 0\n")
    found = read(tmp_path / "a.txt", format="dota", info=scene(None, gsd_m=0.3))
    assert found.lengths_m.tolist() == pytest.approx([12.0])


def test_yolo_rows_are_shares_of_width_and_height(tmp_path: Path) -> None:
    rows = _lines(tmp_path, "yolo-obb")
    assert [(row[0], len(row)) for row in rows] == [("0", 9), ("4", 9)]
    shares = np.array(rows[0][1:], dtype=float).reshape(4, 2)
    assert shares * (4000, 3000) == pytest.approx(CORNERS, abs=1e-4)
    assert min(map(float, rows[1][1:])) < 0  # what lies outside the picture stays outside


def test_georeferenced_boxes_fall_on_their_pixels(tmp_path: Path) -> None:
    corners = np.array(
        [(255_050, 3_921_990), (255_060, 3_921_990), (255_060, 3_921_980), (255_050, 3_921_980)]
    )
    made = Detections(corners[None], np.ones(1), np.zeros(1), crs=UTM)  # type: ignore[arg-type]
    write(made, tmp_path / "a.json", info=scene(), model=MODEL)
    (one,) = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert one["bbox"] == pytest.approx([100, 20, 20, 20], abs=1e-4)


def test_real_label_files_are_read_whole(real_data: Path) -> None:
    """Airbus Aircraft Sample: every box of every file, at its half metre."""
    files = sorted((real_data / "airbus_aircraft_sample" / "labelTxt").glob("*.txt"))
    assert files
    for file in files:
        found = read(file, format="dota")
        lines = file.read_text().splitlines()
        assert len(found) == len(lines) - 2
        assert (found.unit_m, set(found.classes.tolist()) <= {0}) == (0.5, True)
