"""The examples of the documentation are what the program reads."""

import re
from pathlib import Path

import pytest

from apronwatch.interchange import read
from apronwatch.site import read_sites

from .samples import scene

DOCS = Path(__file__).resolve().parents[3] / "docs"


def _blocks(document: str, language: str) -> list[str]:
    text = (DOCS / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("number", "crs", "zones"), [(0, "EPSG:4326", ["north", "pads"]), (1, "pixel", ["north"])]
)
def test_the_site_files_are_sites(tmp_path: Path, number: int, crs: str, zones: list[str]) -> None:
    (tmp_path / "sites.geojson").write_text(_blocks("site-files.md", "json")[number])
    (site,) = read_sites(tmp_path / "sites.geojson")
    assert (site.id, site.crs, [zone.id for zone in site.zones]) == ("mybase", crs, zones)


def test_the_three_examples_of_formats_are_one_box(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text(_blocks("formats.md", "json")[0])
    dota, yolo = _blocks("formats.md", "text")
    (tmp_path / "dota.txt").write_text(dota)
    (tmp_path / "yolo.txt").write_text(yolo)
    info = scene(None)
    found = [
        read(tmp_path / "a.geojson", info=info),
        read(tmp_path / "dota.txt", format="dota"),
        read(tmp_path / "yolo.txt", format="yolo-obb", info=info),
    ]
    for one in found:
        assert one.polygons.ravel() == pytest.approx([960, 480, 1040, 480, 1040, 520, 960, 520], abs=1e-4)
        assert (one.lengths_m.round(3), one.widths_m.round(3), one.orientations_deg.round(3)) == (40, 20, 90)
        assert one.classes.tolist() == [0]
    assert [float(one.scores[0]) for one in found] == pytest.approx([0.91, 0.91, 1.0])
