"""The weights that count by default: what they know, and that they are good enough to be looked at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from apronwatch.engines.registry import find_model
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.synthetic import read_scenario, write_scenario
from tests.e2e.conftest import Command

LEAST = 0.6
"""Of recall and precision: far enough below those of the card that another processor's rounding does not matter."""


@pytest.fixture(autouse=True)
def _default_weights(_one_class_weights: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(tmp_path / "none"))


def test_what_they_know_and_what_they_do_not() -> None:
    model = find_model()
    assert set(model.classes) == {"plane", "helicopter"}
    assert {name for name, spec in model.classes.items() if spec.synthetic_only} == {"helicopter"}
    assert model.calibration is not None
    [(name, planes)] = model.calibration.classes.items()
    assert name == "plane"
    assert planes.refusals(model.classes["plane"].threshold, real_image=True) == ()
    assert (planes.places.n_places, planes.recall.real) == (5, True)
    assert model.path.suffix == ".onnx"
    assert model.path.stat().st_size <= 12_000_000


def test_nothing_on_bare_ground_and_no_number_for_what_they_do_not_know(
    apronwatch: Command, folder: Path
) -> None:
    """A picture that nothing calls drawn: grey ground, nothing on it."""
    ground = np.random.default_rng(3).normal(120, 6, (3, 700, 700)).clip(0, 255).astype(np.uint8)
    profile = {
        "driver": "GTiff",
        "width": 700,
        "height": 700,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:32637",
    }
    transform = Affine(0.5, 0, 460000, 0, -0.5, 4780000)
    with rasterio.open("20241201.tif", "w", transform=transform, **profile) as target:
        target.write(ground)
    words = ("count", "20241201.tif", "--site", "empty")
    answer = apronwatch(*words, "--json")
    assert answer.status == 0, answer.err
    for name in CLASSES:
        count = answer.counts(name=name)["*"]
        known = name in ("plane", "helicopter")
        assert (count["seen"], count["status"]) == ((0, "complete") if known else (None, "not_modelled")), (
            name
        )
        if name != "plane":
            assert (count["low"], count["high"]) == (None, None), name
    planes = answer.counts()["*"]
    assert (planes["estimate"], planes["low"], planes["reasons"]) == (0, 0, ["no_mask"])
    assert planes["high"] <= 1
    assert "uncalibrated" in answer.counts(name="helicopter")["*"]["reasons"]
    assert "synthetic_only" in answer.counts(name="helicopter")["*"]["reasons"]
    table = apronwatch(*words).out
    assert any("helicopter" in line and "synthetic_only" in line for line in table.splitlines())
    assert "do not know ship, vehicle_large, vehicle_small" in table


def test_on_a_drawn_base_most_aircraft_are_found(apronwatch: Command, folder: Path) -> None:
    """One look at a base that the weights never saw; the card has the figures of all looks."""
    place = read_scenario("drawdown")[0]
    write_scenario(replace(place, scenes=place.scenes[:1]), folder / "drawn")
    answer = apronwatch("train", "evaluate", "synthetic=drawn", "--json")
    assert answer.status == 0, answer.err
    [evaluation] = answer.document["evaluations"]
    points = {c["class"]: c["operating_point"] for c in evaluation["classes"]}
    assert set(points) == {"plane", "helicopter"}
    assert {n: p for n, p in points.items() if p["recall"] < LEAST or p["precision"] < LEAST} == {}


def test_the_founding_base_by_what_the_weights_see(apronwatch: Command, folder: Path) -> None:
    """Twelve looks at a base that half of its aircraft leave before the tenth: drawn, looked at, counted, compared."""
    place = read_scenario("drawdown")[0]
    write_scenario(place, folder / "drawn")
    counted = apronwatch("count", "--manifest", "drawn/manifest.csv", "--sites", "drawn/sites.geojson")
    assert counted.status == 0, counted.err
    [site] = apronwatch("changes", "--json").document["sites"]
    standing = {
        (series["zone"], series["class"]): [alarm for alarm in series["alarms"] if alarm["stands"]]
        for series in site["series"]
    }
    for zone in ("*", "north-ramp"):
        [alarm] = standing[zone, "plane"]
        assert [day[:10] for day in alarm["between"]] == ["2026-04-12", "2026-04-17"]
        assert alarm["rate_since"] < 0.6 * alarm["rate_before"]
    for alarms in standing.values():
        assert all(alarm["raised_at"] > "2026-04-17" for alarm in alarms), "nothing happened before"
