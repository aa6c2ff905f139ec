"""`apronwatch demo`, once for real: everything that it promises, and the same numbers when run again."""

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas
import pystac
import pytest
import rasterio
from PIL import Image
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from apronwatch.archive import Archive, SeriesRow
from apronwatch.cli import main
from apronwatch.manifest import read_manifest
from apronwatch.site import read_sites
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets import synthetic
from apronwatch_datasets.synthetic import demo_scenario
from tests.e2e.conftest import Command

LOOKS = 8


@dataclass(frozen=True)
class Demo:
    """What the first run wrote and printed."""

    out: Path
    text: str


def run_demo(out: Path) -> str:
    said, noted = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(noted):
        patch.setattr(sys, "argv", ["apronwatch", "demo", "--out", str(out)])
        patch.setenv("APRONWATCH_WEIGHTS", str(out.parent / "no-weights"))
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 0, noted.getvalue()
    return said.getvalue()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    out = tmp_path_factory.mktemp("demo") / "new" / "apronwatch-demo"
    out.parent.mkdir()
    return Demo(out, run_demo(out))


def series(demo: Demo) -> list[SeriesRow]:
    with Archive.open(demo.out / "apronwatch.sqlite", create=False) as archive:
        (site,) = archive.sites()
        return archive.series(site)


def names(demo: Demo) -> list[str]:
    """Of the scenes."""
    return [path.stem for path in sorted((demo.out / "scenes").glob("*.tif"))]


def test_scenes_are_as_promised(demo: Demo) -> None:
    requests = read_manifest(demo.out / "manifest.csv")
    assert len(requests) == len(names(demo)) == LOOKS
    kinds = set()
    for request in requests:
        assert "synthetic" in Path(request.path).name
        with rasterio.open(request.path) as source:
            kinds.add((source.dtypes[0], source.count))
            assert source.crs.is_projected
            assert source.tags()["APRONWATCH_SYNTHETIC"] == "YES"
            if source.dtypes[0] == "uint16":
                assert source.read().max() < 2048
    assert kinds == {("uint8", 3), ("uint16", 3), ("uint8", 1)}
    assert sum(request.mask is not None for request in requests) == 1
    (site,) = read_sites(demo.out / "sites.geojson")
    assert len(site.zones) > 2


def test_the_table_tells_the_looks_apart(demo: Demo) -> None:
    rows = [line for line in demo.text.splitlines() if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d ", line)]
    rows, others = rows[:LOOKS], rows[LOOKS:]
    assert [row[:16] for row in others] in (
        [],
        [row[:16] for row in rows],
    )  # of the classes beside planes, if known
    assert [row[:16] for row in rows] == sorted(row[:16] for row in rows)
    statuses = [row.split()[-1] for row in rows]
    assert statuses.count("partial") == 2
    assert statuses.count("complete") == LOOKS - 2
    # The scene that covers half of the site: zones in the other half have no number, which is not 0.
    assert any("- / " in row for row in rows)
    assert f"No mask lay over {LOOKS - 1} of the {LOOKS} looks with a number: " in demo.text
    assert "synthetic" in demo.text
    for command in ("apronwatch count", "apronwatch series", "apronwatch report"):
        assert command in demo.text


def test_the_archive_holds_every_look(demo: Demo) -> None:
    rows = series(demo)
    planes = [row for row in rows if row.count.class_name == "plane"]
    totals = [row.count for row in planes if row.count.zone == "*"]
    assert len(totals) == LOOKS
    assert all(count.seen is not None and count.seen > 0 for count in totals)
    assert all(row.synthetic for row in rows)
    parts = {row.count.status.value for row in planes}
    assert {"complete", "partial", "unseen"} <= parts
    assert all(row.count.seen is None for row in planes if row.count.status.value == "unseen")


def test_numbers_follow_what_was_drawn(demo: Demo) -> None:
    """Real inference, with its misses: near the truth in sum, and falling as the base empties."""
    seen, drawn = [], []
    for row in series(demo):
        if (row.count.zone, row.count.class_name, row.count.status.value) != ("*", "plane", "complete"):
            continue
        truth = json.loads((demo.out / "truth" / f"{Path(row.scene_path).stem}_counts.json").read_text())
        seen.append(row.count.seen or 0)
        drawn.append(truth["zones"]["*"]["plane"]["shown"])
    assert sum(seen) == pytest.approx(sum(drawn), rel=0.25)
    assert seen[-1] < 0.5 * max(seen)


def test_of_what_was_seen_to_less_than_half_a_table_tells_the_lower_limit(
    demo: Demo, apronwatch: Command
) -> None:
    row = next(r for r in series(demo) if r.count.low is not None and r.count.high is None)
    answer = apronwatch("series", row.count.site, "--archive", demo.out / "apronwatch.sqlite")
    lines = [line.split("  ") for line in answer.out.splitlines()]
    said = [row.count.words, f"{row.count.low:g} or more"]
    assert any(all(cell in map(str.strip, line) for cell in said) for line in lines)


def test_pictures_open(demo: Demo) -> None:
    assert sorted(p.stem for p in (demo.out / "overlays").iterdir()) == names(demo)
    for path in [demo.out / "series.png", *sorted((demo.out / "overlays").iterdir())]:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 400
            assert len(set(picture.convert("L").resize((64, 64)).tobytes())) > 8


def test_detections_open_in_other_programs(demo: Demo) -> None:
    folder = demo.out / "detections"
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f"{name}{suffix}" for name in names(demo) for suffix in (".geojson", ".parquet")
    )
    for name in names(demo):
        table, features = (
            geopandas.read_parquet(folder / f"{name}.parquet"),
            geopandas.read_file(folder / f"{name}.geojson"),
        )
        assert len(table) == len(features) > 0
        assert table.crs is not None
        assert features.geometry.is_valid.all()
        assert "plane" in set(features["class"]) <= set(CLASSES)


def test_stac_items_lead_to_the_pictures_and_boxes(demo: Demo) -> None:
    folder = demo.out / "stac"
    assert sorted(p.stem for p in folder.iterdir()) == names(demo)
    for path in folder.iterdir():
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        JsonSchemaSTACValidator().validate_core(plain, pystac.STACObjectType.ITEM, plain["stac_version"])
        assert plain["properties"]["apronwatch:synthetic"] is True
        assert len(plain["assets"]) == 3
        for asset in plain["assets"].values():
            assert (folder / asset["href"]).is_file()


class _Loads(HTMLParser):
    """Collects what a page would fetch, and whether it runs anything."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster")]
        self.fetched += [value or "" for name, value in attrs if tag == "link" and name == "href"]


def test_the_report_opens_offline(demo: Demo) -> None:
    page = (demo.out / "report.html").read_text(encoding="utf-8")
    loads = _Loads()
    loads.feed(page)
    assert len(loads.fetched) >= LOOKS
    assert all(value.startswith("data:") for value in loads.fetched)
    assert not loads.tags & {"script", "iframe", "object", "embed"}
    assert not re.search(r"url\(\s*['\"]?(?!data:)|@import", page)
    assert "synthetic" in page.lower()
    assert str(demo.out) not in page


def test_a_foreign_folder_is_refused(refused: Command, folder: Path) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("mine")
    assert "thesis" in refused("demo", "--out", "thesis").err


def test_run_again_it_gives_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a corner of two of its scenes, for the sake of time."""
    whole = demo_scenario()
    looks = [
        replace(scene, look=replace(scene.look, extent_m=(-300.0, -200.0, 0.0, 100.0)))
        for scene in whole.scenes[1:3]
    ]
    monkeypatch.setattr(synthetic, "demo_scenario", lambda: replace(whole, scenes=tuple(looks)))
    demos = []
    for _ in range(2):
        demo = Demo(tmp_path / "out", run_demo(tmp_path / "out"))
        demos.append((demo.text, [(row.run_id, row.time, row.count) for row in series(demo)]))
    assert demos[0] == demos[1]
    assert sum(count.seen or 0 for _, _, count in demos[0][1]) > 0
