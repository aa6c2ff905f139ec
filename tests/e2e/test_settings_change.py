"""Counting again with other settings: the series shows what was asked for last, and joins no two outlines."""

import csv
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from apronwatch.site import Site, write_sites
from apronwatch.zone import Zone
from tests.e2e.conftest import Command
from tests.rasters import make_raster

PLACE = Affine(1.0, 0.0, 300_000.0, 0.0, -1.0, 3_920_000.0)
WEST, SOUTH = 36.7985, 35.3995


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    """Two dates, grey."""
    return [
        make_raster(
            tmp_path / f"2024120{n}.tif",
            pixels=np.full((500, 500, 3), 90 + n, np.uint8),
            crs="EPSG:32637",
            transform=PLACE,
        )
        for n in (1, 2)
    ]


def sites(path: Path, size_deg: float) -> Path:
    outline = shapely.box(WEST, SOUTH, WEST + size_deg, SOUTH + size_deg)
    write_sites([Site("base", (Zone("a", "apron", None, None, outline),))], path)
    return path


def test_the_settings_asked_for_last_are_the_series(
    apronwatch: Command, tmp_path: Path, scenes: list[Path]
) -> None:
    small, large = sites(tmp_path / "small.geojson", 0.001), sites(tmp_path / "large.geojson", 0.003)
    runs = []
    for drawn in (small, large, small):
        assert apronwatch("count", scenes[0], "--sites", drawn).status == 0
        rows = apronwatch("series", "base", "--json").document["rows"]
        assert not any("other_outline" in row["reasons"] for row in rows)
        runs.append({row["run"] for row in rows})
    assert runs[0] == runs[2] != runs[1]


def test_an_outline_changed_between_two_dates_is_said_everywhere(
    apronwatch: Command, folder: Path, tmp_path: Path, scenes: list[Path]
) -> None:
    for scene, size_deg in zip(scenes, (0.001, 0.003), strict=True):
        apronwatch("count", scene, "--sites", sites(tmp_path / "sites.geojson", size_deg))
    rows = apronwatch("series", "base", "--class", "plane", "--json").document["rows"]
    assert [("other_outline" in r["reasons"], r["zone"]) for r in rows] == [
        (True, "a"), (True, "*"), (False, "a"), (False, "*"),
    ]  # fmt: skip
    assert len({row["geometry_sha256"] for row in rows}) == 2
    table = apronwatch("series", "base", "--class", "plane", "--zone", "a", "--csv", "a.csv").out
    assert ["other_outline" in line for line in table.splitlines()[2:]] == [True, False]
    with (folder / "a.csv").open(newline="") as file:
        assert ["other_outline" in row["reasons"] for row in csv.DictReader(file)] == [True, False]
    assert apronwatch("report", "base", "--out", "a.html").status == 0
    page = (folder / "a.html").read_text(encoding="utf-8")
    assert "other outline" in page
    assert "answers another question" in page
    assert "ran on</th><td>cpu fp32" in page


def test_the_same_picture_under_a_name_with_another_date_is_not_moved(
    apronwatch: Command, tmp_path: Path, scenes: list[Path]
) -> None:
    apronwatch("count", scenes[0], "--site", "base", "--time", "2024-12-01T08:30Z")
    renamed = scenes[0].rename(tmp_path / "x20240606.tif")
    assert apronwatch("count", renamed, "--site", "base").status == 0
    rows = apronwatch("series", "base", "--json").document["rows"]
    assert {row["time"] for row in rows} == {"2024-12-01T08:30:00Z"}
