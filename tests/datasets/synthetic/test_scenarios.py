"""The scenarios of the package keep what their titles promise."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely

from apronwatch_datasets.synthetic import Scenario, list_scenarios, read_scenario, site_of
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.rendering import Placed
from apronwatch_datasets.synthetic.spec import Parked
from apronwatch_datasets.synthetic.truth import silhouette

NAMES = [entry.name for entry in list_scenarios()]
AIRFIELDS = [
    "demo",
    "airport",
    "aviation-brigade",
    "steady",
    "drawdown",
    "surge",
    "boneyard",
    "vehicle-park",
    "fine-pixels",
    "fine-held-out",
    "hard-cases",
]


@cache
def scenario(name: str) -> Scenario:
    """Its first site."""
    return read_scenario(name)[0]


def counts(name: str, *types: str) -> list[int]:
    return [sum(p.type_name in types for p in scene.parked) for scene in scenario(name).scenes]


def placed(parked: Parked) -> Placed:
    solid = solid_of(parked.type_name, parked.seed, parked.kind, parked.stripped)
    return Placed(solid, parked.x_m, parked.y_m, parked.heading_deg, parked.seed)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_reads_and_is_called_synthetic(name: str) -> None:
    for place in read_scenario(name):
        assert "synthetic" in place.base.name
        times = [scene.look.time for scene in place.scenes]
        assert times == sorted(set(times))
        assert all("synthetic" in scene.name for scene in place.scenes)
        zones = site_of(place.base).zones
        # Far from any coast of the Black Sea.
        assert all(shapely.box(35.5, 42.5, 39.0, 44.0).contains(zone.geometry) for zone in zones)


@pytest.mark.parametrize("name", AIRFIELDS)
def test_nothing_stands_in_anything_else(name: str) -> None:
    """Silhouettes may touch by a corner, no more: the last look, where most have moved."""
    shapes = [silhouette(placed(p)) for p in scenario(name).scenes[-1].parked if p.kind == "real"]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    overlaps = [shapes[a].intersection(shapes[b]).area for a, b in zip(left, right, strict=True) if a < b]
    assert max(overlaps, default=0.0) < 2.5


@pytest.mark.parametrize("name", AIRFIELDS)
def test_every_counted_object_of_a_group_stands_in_a_zone(name: str) -> None:
    zones = shapely.union_all([zone.outline for zone in scenario(name).base.zones])
    for scene in scenario(name).scenes:
        grouped = [p for p in scene.parked if not p.id.startswith("object")]
        inside = shapely.contains_xy(zones, [p.x_m for p in grouped], [p.y_m for p in grouped])
        assert inside.all()


def test_drawdown_has_a_history_then_loads_then_empties() -> None:
    transports = counts("drawdown", "Il-76", "An-12", "C-130", "An-124")
    fighters = counts("drawdown", "Su-27", "MiG-29", "MiG-31", "Su-25")
    helicopters = counts("drawdown", "Mi-8", "Mi-24", "Ka-52")
    assert len(transports) == 12
    days = [s.look.time for s in scenario("drawdown").scenes]
    assert 50 <= (days[-1] - days[0]).days <= 70
    history = slice(0, 7)
    # No look of the history lies outside what chance makes of its mean: 3 standard deviations of a Poisson number.
    for series in (transports, fighters, helicopters):
        mean = np.mean(series[history])
        assert np.abs(np.array(series[history]) - mean).max() < 3 * np.sqrt(mean)
    assert min(transports[7:9]) > np.mean(transports[history]) + 2 * np.sqrt(np.mean(transports[history]))
    assert transports[-1] < np.mean(transports[history])
    for series in (fighters, helicopters):
        assert series[-1] < 0.1 * np.mean(series[history])
        assert all(a >= b for a, b in pairwise(series[7:]))


def test_surge_rises_at_its_end_and_steady_never() -> None:
    totals = [len(scene.parked) for scene in scenario("surge").scenes]
    assert min(totals[-2:]) > 1.5 * max(totals[:6])
    steady = np.array([len(scene.parked) for scene in scenario("steady").scenes])
    assert len(steady) >= 12
    assert np.abs(steady - steady.mean()).max() < 3 * np.sqrt(steady.mean())
    slope = np.polyfit(np.arange(len(steady)), steady, 1)[0]
    assert abs(slope * len(steady)) < 0.1 * steady.mean()


def test_in_the_boneyard_nothing_moves() -> None:
    first, *later = (set(scene.parked) for scene in scenario("boneyard").scenes)
    assert later
    assert all(scene == first for scene in later)
    assert len(first) > 200
    assert 20 < sum(p.stripped for p in first) < 150
    assert sum(p.kind == "wreck" for p in first) > 5


def test_the_vehicle_park_is_crowded() -> None:
    for scene in scenario("vehicle-park").scenes:
        assert len(scene.parked) > 1000
    points = np.array([(p.x_m, p.y_m) for p in scenario("vehicle-park").scenes[0].parked])
    distance, _ = shapely.STRtree(shapely.points(points)).query_nearest(
        shapely.points(points), exclusive=True, return_distance=True
    )[::-1]
    assert np.median(distance) < 4.0


def test_hard_cases_are_there() -> None:
    (first, *_) = scenario("hard-cases").scenes
    assert {p.kind for p in first.parked} == {"real", "decoy", "wreck"}
    line = sorted(p.x_m for p in first.parked if p.stand.startswith("W"))
    gaps = [b - a - 14.7 for a, b in pairwise(line)]
    assert sum(gap < 0.8 for gap in gaps) > 10
    assert min(gaps) > 0.0
