"""Files of a scenario: whole or not there, the same bytes again, COGs that tell their date, two sites in one folder."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from apronwatch.errors import CallInvalid, OutputInvalid
from apronwatch.manifest import read_manifest
from apronwatch.site import read_sites
from apronwatch_datasets.cli.data import drawing
from apronwatch_datasets.synthetic import draw, ground, read_scenario, strips, synthesize
from apronwatch_datasets.synthetic.writing import whole

SCENARIO = """
title = "Two small places"
seed = 9

[[sites]]
id = "west"
layout = "hard-apron"
every_look = {{ gsd_m = 0.8, extent_m = [-{half}, -{half}, {half}, {half}] }}
looks = [
  {{ time = 2026-03-03T08:14:00Z, cloud_cover = 0.3 }},
  {{ time = 2026-03-09T08:31:00Z, bits = 11 }},
]
[[sites.groups]]
stands = "W"
types = {{ "Su-27" = 1.0 }}
counts = [9, 5]

[[sites]]
id = "east"
layout = "vehicle-park"
looks = [ {{ time = 2026-03-05T09:02:00Z, gsd_m = 0.8, bands = 1, extent_m = [-40.0, -40.0, 40.0, 40.0] }} ]
[[sites.groups]]
stands = "K"
types = {{ "car" = 1.0 }}
counts = [300]
"""


def written(folder: Path, half_m: float = 60.0) -> Path:
    path = folder / "two.toml"
    path.write_text(SCENARIO.format(half=half_m), encoding="utf-8")
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_two_sites_share_one_folder_that_count_takes(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    files = synthesize(written(tmp_path), tmp_path / "out", lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert sorted(site.id for site in read_sites(files.sites)) == ["east", "west"]
    requests = read_manifest(files.manifest)
    with files.manifest.open(newline="") as file:
        assert [row["site"] for row in csv.DictReader(file)] == ["west", "west", "east"]
    for request, truth in zip(requests, files.truths, strict=True):
        with request.open() as scene:
            assert scene.info.time == truth.look.time
            assert scene.info.synthetic
    east = json.loads(files.scenes[2].counts.read_text())["zones"]["cars"]["vehicle_small"]
    assert east["present"] == 300
    assert 0 < east["shown"] < 300


def test_an_interrupted_run_leaves_no_half_file_and_another_completes_it(tmp_path: Path) -> None:
    complete = everything(synthesize(written(tmp_path), tmp_path / "straight").manifest.parent)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        synthesize(written(tmp_path), out, stop)
    part = everything(out)
    assert 0 < len(part) < len(complete)
    assert all(complete[name] == content for name, content in part.items())
    # What a killed process left in the middle of a file.
    (out / "scenes" / ".synthetic-east_20260305.tif.tmp").write_bytes(b"half")
    synthesize(written(tmp_path), out)
    assert everything(out) == complete


def test_a_folder_takes_one_scenario(tmp_path: Path) -> None:
    """The reader of a folder would take the scenes of both for one set."""
    out = tmp_path / "out"
    before = everything(synthesize(written(tmp_path), out).manifest.parent)
    other = tmp_path / "other.toml"
    other.write_text(written(tmp_path).read_text().replace('id = "east"', 'id = "north"'), encoding="utf-8")
    with pytest.raises(OutputInvalid, match=r"synthetic-east_20260305.*of another scenario"):
        synthesize(other, out)
    assert everything(out) == before
    # What GIS programs leave beside a picture is no scene.
    (out / "scenes" / "synthetic-east_20260305.tif.aux.xml").write_text("<PAMDataset/>")
    synthesize(written(tmp_path), out)


@pytest.mark.parametrize(
    "strange",
    [
        "manifest.csv",
        "holiday.jpg",
        "scenes/holiday.jpg",
        "masks/other_cloud.tif",
        "truth/notes",
    ],
)
def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, strange: str) -> None:
    out = tmp_path / "out"
    path = out / strange
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    before = everything(out)
    with pytest.raises(OutputInvalid, match="give another folder") as told:
        synthesize(written(tmp_path), out)
    assert "\n" not in str(told.value)
    assert everything(out) == before


def test_an_id_as_long_as_allowed_can_be_written(tmp_path: Path) -> None:
    """And a picture as small: 16 pixels a side at 0.8 m."""
    path = written(tmp_path, half_m=6.4)
    path.write_text(path.read_text().replace('"west"', f'"{"w" * 64}"'), encoding="utf-8")
    files = synthesize(path, tmp_path / "out")
    with rasterio.open(files.scenes[0].image) as file:
        assert (file.width, file.height) == (16, 16)
    assert "w" * 64 in files.scenes[0].counts.name


@pytest.mark.parametrize("out", ["", " "])
def test_no_name_of_a_folder_is_not_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CallInvalid, match="--out"):
        drawing.synthesize("steady", out)
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"

    def fail() -> None:
        with whole(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(target.parent.iterdir()) == []
    with whole(target) as temporary:
        temporary.write_text("all of it")
        assert not target.exists()
    assert [p.read_text() for p in target.parent.iterdir()] == ["all of it"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, no folder")
    with pytest.raises(OutputInvalid, match="cannot be written"):
        synthesize(written(tmp_path), tmp_path / "out")


def test_scenes_are_cogs_with_overviews_and_their_date(tmp_path: Path) -> None:
    files = synthesize(written(tmp_path, half_m=230.0), tmp_path / "out")
    first, second, _ = files.scenes
    with rasterio.open(first.image) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.overviews(1) == [2, 4]
        assert file.tags()["TIFFTAG_DATETIME"] == "2026:03:03 08:14:00"
        assert file.tags()["APRONWATCH_SYNTHETIC"] == "YES"
        assert file.crs.to_epsg() == 32637
        full, half = file.read(), file.read(out_shape=(3, file.height // 2, file.width // 2))
        assert half.mean() == pytest.approx(full.mean(), abs=1.0)
    assert "20260303" in first.image.name
    assert first.mask is not None
    with rasterio.open(first.mask) as mask:
        assert mask.overviews(1)
        for level in (1, 2, 4):
            assert set(np.unique(mask.read(1, out_shape=(mask.height // level, mask.width // level)))) == {
                0,
                1,
            }
    with rasterio.open(second.image) as file:
        assert file.dtypes[0] == "uint16"
        assert 255 < file.read().max() < 2048


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_threads_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    scenario = read_scenario(written(tmp_path, half_m=100.0))[0]
    usual = [draw(scenario.base, scene.parked, scene.look).pixels for scene in scenario.scenes]
    monkeypatch.setattr(strips, "WORKERS", workers)
    monkeypatch.setattr(ground, "WORKERS", workers)
    again = [draw(scenario.base, scene.parked, scene.look).pixels for scene in scenario.scenes]
    assert all(np.array_equal(one, other) for one, other in zip(usual, again, strict=True))
