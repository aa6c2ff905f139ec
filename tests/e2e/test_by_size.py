"""`count --by-size` and `series --by-size`: planes by size through the whole program, or the reason for no number."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apronwatch.archive import Archive
from apronwatch.calibration import Calibration, ClassCalibration, RecallCalibration, ScoreCalibration
from apronwatch.engines.registry import find_model
from apronwatch.geometry import rotated_boxes
from apronwatch.manifest import SceneRequest
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.survey import survey
from apronwatch.taxonomy import class_id
from apronwatch.zone import Zone
from apronwatch_datasets.synthetic import DrawnScene
from tests.detector.ideal import Truth
from tests.e2e.conftest import Answer, Command
from tests.e2e.drawn import SIDE_PX, pixels_of, placed
from tests.e2e.weights import other_weights
from tests.painted import Ground, IdealEngine
from tests.rasters import make_raster

SITE = "synthetic-apron"
SIZES = ["small", "medium", "large"]
NAME = "measured"
ERROR = "length_error = [0.02, 0.05]\n"
CURVE = ScoreCalibration("platt", (1.0, 0.0), 900, 800, 20, True, covariance=((0.01, 0), (0, 0.01)))


@pytest.fixture
def registry() -> Path:
    """The user's registry, of weights whose lengths were measured; they find what the bundled ones find."""
    path = other_weights(NAME, 0.3).parent / "registry.toml"
    path.write_text(path.read_text().replace("pass_gsd_m = 1.0\n", f"pass_gsd_m = 1.0\n{ERROR}"))
    return path


def calibrate(registry: Path) -> None:
    """Give the weights a calibration; nobody measured it."""
    told = ClassCalibration(0.3, CURVE, RecallCalibration((190,), (10,), 20, True, (5.0, 100.0)))
    file = Calibration(find_model(NAME).sha256, {"plane": told})
    (registry.parent / "c.json").write_text(json.dumps(file.to_dict()))
    entry = registry.read_text().replace("tile_px = 640\n", 'tile_px = 640\ncalibration = "c.json"\n')
    registry.write_text(entry)


def series(apronwatch: Command, *words: object) -> dict[str, dict[str, Any]]:
    """Rows of the one look, by zone."""
    answer = apronwatch("series", SITE, "--class", "plane", "--by-size", "--json", *words)
    assert answer.status == 0, answer.err
    return {row["zone"]: row for row in answer.document["rows"]}


def without_numbers(count: dict[str, Any], *why: str) -> bool:
    """Whether every size group has none, for the reasons of the count and these."""
    return count["by_size"] == [
        {"size": size, "expected": None, "estimate": None, "low": None, "high": None}
        | {"reasons": [*count["reasons"], *why]}
        for size in SIZES
    ]


def assert_adds_up(count: dict[str, Any]) -> None:
    assert [group["size"] for group in count["by_size"]] == SIZES
    numbers = [group["expected"] for group in count["by_size"]]
    assert min(numbers) >= 0
    assert sum(numbers) == pytest.approx(count["seen"])


def counted(apronwatch: Command, apron: DrawnScene, *words: object, model: str = NAME) -> Answer:
    words = ("count", apron.files.image, "--sites", apron.sites, "--model", model, "--by-size", *words)
    answer = apronwatch(*words)
    assert answer.status == 0, answer.err
    return answer


def test_the_bundled_weights_tell_no_sizes_and_say_why(apronwatch: Command, apron: DrawnScene) -> None:
    bundled = find_model().name
    counts = counted(apronwatch, apron, "--json", model=bundled).counts()
    assert counts["*"]["seen"] > 0
    assert all(without_numbers(count, "lengths_not_measured") for count in counts.values())
    table = counted(apronwatch, apron, model=bundled).out
    lines = [line for line in table.splitlines() if "plane, small" in line]
    assert len(lines) == 3
    assert all(" - " in line and line.endswith("lengths_not_measured") for line in lines)
    assert all(without_numbers(row, "lengths_not_measured") for row in series(apronwatch).values())


def test_groups_add_up_to_what_was_seen_and_the_archive_says_the_same(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    first = counted(apronwatch, apron, "--json")
    again = counted(apronwatch, apron, "--json")
    assert first.document == again.document
    rows = series(apronwatch)
    assert rows.keys() == first.counts().keys() == {"west", "east", "*"}
    for zone, count in first.counts().items():
        assert_adds_up(count)
        assert count["seen"] > 0
        assert all(group["estimate"] is None for group in count["by_size"])
        assert all(group["reasons"] == ["no_mask", "uncalibrated"] for group in count["by_size"])
        assert rows[zone]["by_size"] == count["by_size"]
    assert all("by_size" not in c for c in first.document["scenes"][0]["counts"] if c["class"] != "plane")
    plain = apronwatch("series", SITE, "--class", "plane", "--json").document["rows"]
    assert all("by_size" not in row for row in plain)
    assert len(apronwatch("archive", "runs", "--json").document["runs"]) == 1


def test_tables_and_csv_print_them(
    apronwatch: Command, folder: Path, apron: DrawnScene, registry: Path
) -> None:
    counts = counted(apronwatch, apron, "--json").counts()
    tables = [
        counted(apronwatch, apron).out,
        apronwatch("series", SITE, "--class", "plane", "--by-size", "--csv", "a.csv").out,
    ]
    for table in tables:
        told = [line for line in table.splitlines() if "  plane, " in line]
        assert len(told) == 9
        assert "small under 25 m, medium 25 to 35 m, large over 35 m" in table
        for zone, count in counts.items():
            for group in count["by_size"]:
                [line] = [t for t in told if f" {zone} " in t and f"plane, {group['size']}" in t]
                assert f" {group['expected']:.1f} expected" in line
    with (folder / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["size"] for row in rows] == ["", *SIZES] * 3
    for zone, count in counts.items():
        of_zone = [row for row in rows if row["zone"] == zone]
        assert [row["seen"] for row in of_zone] == [str(count["seen"]), "", "", ""]
        numbers = [float(row["expected"]) for row in of_zone[1:]]
        assert numbers == [group["expected"] for group in count["by_size"]]


def test_the_report_tells_them_when_asked_to(
    apronwatch: Command, folder: Path, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    counts = counted(apronwatch, apron, "--json").counts()
    assert apronwatch("report", SITE, "--out", "plain.html").status == 0
    assert " expected" not in (folder / "plain.html").read_text()
    assert apronwatch("report", SITE, "--by-size", "--out", "sizes.html").status == 0
    page = (folder / "sizes.html").read_text()
    assert "small under 25 m, medium 25 to 35 m, large over 35 m" in page
    for count in counts.values():
        for group in count["by_size"]:
            there = f"90 % interval {group['low']} to {group['high']}"
            assert f"{group['size']}: {group['expected']:.1f} expected; {there}" in page

    registry.unlink()
    assert apronwatch("report", SITE, "--by-size", "--out", "unknown.html").status == 0
    page = (folder / "unknown.html").read_text()
    assert "by size: – weights not in registry" in page
    assert "No registry here knows these weights" in page
    assert " expected;" not in page


def test_intervals_hold_with_the_calibration_that_the_count_was_made_with(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    calibrate(registry)
    counts = counted(apronwatch, apron, "--json").counts()
    for count in counts.values():
        assert_adds_up(count)
        assert count["estimate"] is not None
        assert all(g["low"] <= g["estimate"] <= g["high"] <= count["high"] + 2 for g in count["by_size"])
    before = series(apronwatch)
    assert {zone: row["by_size"] for zone, row in before.items()} == {
        z: c["by_size"] for z, c in counts.items()
    }

    # Lengths measured anew change the sizes, no count, and nothing is looked at again.
    registry.write_text(registry.read_text().replace(ERROR, "length_error = [0.2, 0.1]\n"))
    shorter = series(apronwatch)["*"]
    assert shorter["by_size"][0]["expected"] > before["*"]["by_size"][0]["expected"]
    assert shorter["by_size"][0]["estimate"] is not None
    counted(apronwatch, apron)
    assert len(apronwatch("archive", "runs", "--json").document["runs"]) == 1
    assert series(apronwatch)["*"]["by_size"] == shorter["by_size"]

    # Another calibration than that of the count: what was seen stays, the intervals go.
    registry.write_text(registry.read_text().replace('calibration = "c.json"\n', ""))
    row = series(apronwatch)["*"]
    assert row["estimate"] is not None
    assert_adds_up(row)
    assert all((g["estimate"], g["low"], g["high"]) == (None, None, None) for g in row["by_size"])
    assert all(g["reasons"] == ["no_mask", "counted_by_other_rules"] for g in row["by_size"])

    registry.unlink()
    assert all(without_numbers(row, "weights_not_in_registry") for row in series(apronwatch).values())


def test_an_old_run_without_calibration_has_expectations_and_no_intervals(
    apronwatch: Command, apron: DrawnScene, registry: Path
) -> None:
    counted(apronwatch, apron)
    calibrate(registry)
    (registry.parent / f"{NAME}.onnx").unlink()  # only what is known of the weights is needed
    for row in series(apronwatch).values():
        assert_adds_up(row)
        assert all((g["estimate"], g["low"], g["high"]) == (None, None, None) for g in row["by_size"])
        assert all(g["reasons"] == row["reasons"] == ["no_mask", "uncalibrated"] for g in row["by_size"])


def test_what_was_not_seen_has_no_sizes(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, registry: Path
) -> None:
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[:, SIDE_PX // 2 :] = 1
    make_raster(tmp_path / "mask.tif", pixels=mask, **placed(apron.files.image))
    counts = counted(apronwatch, apron, "--mask", tmp_path / "mask.tif", "--json").counts()
    assert counts["east"]["status"] == "unseen"
    assert without_numbers(counts["east"])
    assert_adds_up(counts["west"])
    assert counts["*"]["at_least"]
    rows = series(apronwatch)
    assert {zone: row["by_size"] for zone, row in rows.items()} == {
        z: c["by_size"] for z, c in counts.items()
    }
    assert "at least" in counted(apronwatch, apron, "--mask", tmp_path / "mask.tif").out


def test_out_of_range_and_outside_the_scene_have_no_sizes(
    apronwatch: Command, tmp_path: Path, apron: DrawnScene, registry: Path
) -> None:
    place = placed(apron.files.image)
    far, coarse = (
        place | {"transform": place["transform"].translation(99_999, 0) @ place["transform"]},
        place | {"transform": place["transform"] @ place["transform"].scale(6)},
    )
    for name, given, status in (("1", coarse, "out_of_range"), ("2", far, "unseen")):
        scene = make_raster(tmp_path / f"2026030{name}.tif", pixels=pixels_of(apron.files.image), **given)
        words = ("--sites", apron.sites, "--model", NAME, "--by-size", "--json")
        counts = apronwatch("count", scene, *words).counts()
        assert {count["status"] for count in counts.values()} == {status}
        assert all(without_numbers(count) for count in counts.values())


def test_sizes_of_what_has_none_are_refused(apronwatch: Command, refused: Command, apron: DrawnScene) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites, "--by-size", "--classes", "ship")
    assert "plane alone" in refused(*words).err
    apronwatch("count", apron.files.image, "--sites", apron.sites)
    assert "plane alone" in refused("series", SITE, "--by-size", "--class", "ship").err


LENGTHS_M = {"small": (16.0, 8), "medium": (30.0, 5), "large": (50.0, 4)}
GSD_M = 0.3


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Rows of planes of three lengths, well apart, on a ground 320 m wide."""
    rows = []
    for k, (length_m, count) in enumerate(LENGTHS_M.values()):
        at = np.linspace(30, 290, count)
        sides = np.full(count, length_m), np.full(count, 0.5 * length_m)
        rows.append(rotated_boxes(at, np.full(count, 70.0 * k), *sides, np.full(count, 0.3)))
    boxes = np.concatenate(rows)
    return Ground.painted(Truth(boxes, np.full(len(boxes), class_id("plane"), np.int16)), GSD_M)


def looking(ground: Ground) -> IdealEngine:
    engine = IdealEngine(ground, jitter_px=0.5)
    classes = {"plane": replace(engine.model.classes["plane"], length_error=(0.0, 0.01))}
    engine.model = replace(engine.model, classes=classes)
    return engine


def test_each_object_of_overlapping_frames_has_its_size_once(
    folder: Path, tmp_path: Path, ground: Ground, apronwatch: Command
) -> None:
    """Two frames of one pass that overlap by 90 m, cutting planes at their edges, against the truth."""
    engine, (height, width) = looking(ground), ground.pixels.shape[:2]
    crop, middle = ground.crop(0, 0, width, height), width // 2
    with Scene.open(crop.write(tmp_path / "whole.tif"), undated=True) as scene:
        outline = Site.whole_picture("base", scene.info).zones[0].geometry
    site = Site("base", (Zone("all", "apron", None, None, outline.buffer(-1e-6)),))
    requests = []
    for name, left, right in (("w", 0, middle + 150), ("e", middle - 150, width)):
        path = ground.crop(left, 0, right - left, height).write(tmp_path / f"{name}_20260301.tif")
        requests.append(SceneRequest(str(path), acquisition="pass"))
    archive = str(folder / "apronwatch.sqlite")
    outcomes = list(survey(requests, engine, sites=[site], archive=archive, by_size=True))
    cut = [c for o in outcomes for c in o.counts if (c.zone, c.class_name) == ("*", "plane")]
    assert all("truncated_objects" in c.reasons for c in cut)
    assert all(group.expected is None for c in cut for group in c.by_size or ())

    weights = Path(os.environ["APRONWATCH_WEIGHTS"])
    weights.mkdir(parents=True, exist_ok=True)
    (weights / "registry.toml").write_text(_entry(engine))
    words = ("series", "base", "--class", "plane", "--zone", "*", "--by-size", "--json")
    [row] = apronwatch(*words).document["rows"]
    assert (row["seen"], len(row["runs"])) == (17, 2)
    assert "frames_united" in row["reasons"]
    assert "truncated_objects" not in row["reasons"]
    assert_adds_up(row)
    truth = [count for _, count in LENGTHS_M.values()]
    assert [group["expected"] for group in row["by_size"]] == pytest.approx(truth, abs=0.05)
    with Archive.open(archive, create=False) as stored:
        assert all(c.by_size is None for run in stored.runs() for c in stored.run(run.run_id).counts)


def _entry(engine: IdealEngine) -> str:
    """A registry of the ideal engine's weights, which are no file."""
    spec = engine.model.classes["plane"]
    return (
        f'[[models]]\nname = "{engine.model.name}"\nsource_classes = ["plane"]\nclass_map = {{ plane = "plane" }}\n'
        f"tile_px = 640\n[models.classes.plane]\nthreshold = {spec.threshold}\ntraining_gsd_m = 0.3\n"
        "native_gsd_m = [0.1, 1.2]\nmin_length_px = 1.0\ntypical_min_length_m = 4.0\nlongest_m = 73.3\n"
        f"pass_gsd_m = {spec.pass_gsd_m}\nlength_error = [0.0, 0.01]\n"
        f'[[files]]\nmodel = "{engine.model.name}"\nsha256 = "{engine.model.sha256}"\nformat = "onnx"\n'
    )
