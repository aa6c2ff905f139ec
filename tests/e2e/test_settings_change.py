"""Counting again with other settings: the series shows what was asked for last, and joins no two outlines."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from apronwatch.site import Site, read_sites, write_sites
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


def times(apronwatch: Command) -> set[str]:
    return {row["time"] for row in apronwatch("series", "base", "--json").document["rows"]}


@pytest.mark.parametrize("told", [(), ("--time", "2024-12-01T08:30Z")])
def test_the_same_picture_under_another_date_is_refused_before_anything_is_counted(
    apronwatch: Command, tmp_path: Path, scenes: list[Path], told: tuple[str, ...]
) -> None:
    apronwatch("count", scenes[0], "--site", "base", *told)
    before = times(apronwatch)
    renamed = scenes[0].rename(tmp_path / "x20240606.tif")
    answer = apronwatch("count", scenes[1], renamed, "--site", "base")
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    for said in ("2024-06-06 (name)", "2024-12-01", "20241201.tif", "apronwatch archive redate"):
        assert said in answer.err
    assert times(apronwatch) == before
    assert len(apronwatch("archive", "runs", "--json").document["runs"]) == 1


def test_one_call_cannot_date_a_picture_twice_for_two_sites(
    refused: Command, tmp_path: Path, scenes: list[Path]
) -> None:
    copy = tmp_path / "copy.tif"
    copy.write_bytes(scenes[0].read_bytes())
    manifest = tmp_path / "m.csv"
    manifest.write_text("path,time,site\n20241201.tif,2024-12-01,one\ncopy.tif,2024-12-02,two\n")
    drawn = []
    for name in ("one", "two"):
        [place] = read_sites(sites(tmp_path / f"{name}.geojson", 0.001))
        drawn.append(replace(place, id=name))
    write_sites(drawn, tmp_path / "both.geojson")
    answer = refused("count", "--manifest", manifest, "--sites", tmp_path / "both.geojson")
    assert "a day or more apart" in answer.err


def test_the_time_printed_is_the_one_that_the_series_shows(apronwatch: Command, scenes: list[Path]) -> None:
    """Refined by a better source within the day; corrected by hand, which the file's name cannot undo."""

    def printed(*told: str) -> str:
        answer = apronwatch("count", scenes[0], "--site", "base", "--json", *told)
        assert answer.status == 0, answer.err
        [scene] = answer.document["scenes"]
        assert times(apronwatch) == {scene["time"]}
        return str(scene["time"])

    assert printed() == "2024-12-01T00:00:00Z"
    assert printed("--time", "2024-12-01T08:30Z") == "2024-12-01T08:30:00Z"
    assert printed() == "2024-12-01T08:30:00Z"
    assert printed("--undated") == "2024-12-01T08:30:00Z"
    apronwatch("archive", "redate", scenes[0].name, "--time", "2024-12-01T09:00Z")
    assert printed("--time", "2024-12-01T10:00Z") == "2024-12-01T09:00:00Z"
    apronwatch("archive", "redate", scenes[0].name, "--time", "2024-12-15")
    assert apronwatch("count", scenes[0], "--site", "base", "--time", "2024-12-01T10:00Z").status == 2
    assert printed("--undated") == "2024-12-15T00:00:00Z"


def test_what_a_redate_corrected_is_noted_and_not_refused(apronwatch: Command, scenes: list[Path]) -> None:
    apronwatch("count", scenes[0], "--site", "base")
    apronwatch("archive", "redate", scenes[0].name, "--time", "2024-12-15")
    answer = apronwatch("count", scenes[0], "--site", "base", "--json")
    assert (answer.status, answer.document["scenes"][0]["time"]) == (0, "2024-12-15T00:00:00Z")
    assert "2024-12-15 (redate)" in answer.err
    assert "2024-12-01 (name)" in answer.err


@pytest.mark.parametrize("last", ["zones", "whole"])
def test_a_scene_counted_in_zones_and_as_a_whole_stands_once(
    apronwatch: Command, tmp_path: Path, scenes: list[Path], last: str
) -> None:
    ways = {"zones": ("--sites", sites(tmp_path / "s.geojson", 0.001)), "whole": ("--site", "base")}
    for way in sorted(ways, key=lambda name: name == last):
        assert apronwatch("count", scenes[0], *ways[way]).status == 0
    rows = apronwatch("series", "base", "--class", "plane", "--json").document["rows"]
    assert [row["zone"] for row in rows] == [{"zones": "a", "whole": "image"}[last], "*"]
