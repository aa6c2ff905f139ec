"""Decoys, wrecks, stripped aircraft, roofs and edges: what is drawn, and what the truth says of it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely

from apronwatch_datasets.synthetic import Base, Look, Parked, Picture, draw
from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.spec import Building, Surface, ZoneArea

TIME = datetime(2026, 3, 3, 8, 15, tzinfo=UTC)
PAVED = Base(
    "b", "b", "EPSG:32637", (460_000.0, 4_780_000.0), 0.0, 1,
    surfaces=(Surface("concrete", shapely.box(-99, -99, 99, 99), 2),),
    zones=(ZoneArea("all", "apron", "all", shapely.box(-99, -99, 99, 99)),),
)  # fmt: skip
LOOK = Look(TIME, 0.5, (-40.0, -40.0, 40.0, 40.0), haze=0.0, seed=3)


def drawn(*parked: Parked, base: Base = PAVED, look: Look = LOOK) -> Picture:
    return draw(base, parked, look)


def changed(one: Picture, other: Picture) -> int:
    """Pixels that differ by more than the noise does."""
    apart = np.abs(one.pixels.astype(int) - other.pixels.astype(int)).max(axis=2)
    return int((apart > 12).sum())


def test_a_decoy_is_flat_and_never_counted() -> None:
    bare = drawn()
    real = drawn(Parked("1", "Su-27", 0, 0, 30.0, 1))
    painted = drawn(Parked("1", "Su-27", 0, 0, 30.0, 1, kind="decoy"))
    # Same outline on the ground, but the real one also throws a shadow.
    assert 0 < changed(painted, bare) < 0.75 * changed(real, bare)
    dark = [int((picture.pixels.max(axis=2) < 60).sum()) for picture in (bare, painted, real)]
    assert dark[0] <= dark[1] < 0.2 * dark[2]
    assert [t.truth.count("plane") for t in (real, painted)] == [1, 0]
    (feature,) = painted.truth.geojson()["features"]
    told = feature["properties"]
    assert (told["class"], told["type"], told["kind"], told["decoy"], told["wreck"]) == (
        "plane", "Su-27", "decoy", True, False,
    )  # fmt: skip
    assert painted.truth.counts()["not_counted"] == {"decoy": 1, "wreck": 0}


def test_a_wreck_is_labelled_and_not_counted() -> None:
    picture = drawn(Parked("1", "Su-27", 0, 0, 30.0, 1, kind="wreck"))
    assert picture.truth.count("plane", shown=False) == 0
    assert picture.truth.geojson()["features"][0]["properties"]["wreck"] is True
    assert picture.truth.counts()["not_counted"] == {"decoy": 0, "wreck": 1}


@pytest.mark.parametrize("kind", ["decoy", "wreck"])
@pytest.mark.parametrize("type_name", ["Su-27", "B-52", "Mi-8", "lorry"])
def test_the_box_of_what_is_not_real_encloses_it_too(type_name: str, kind: str) -> None:
    solid = solid_of(type_name, 4, kind)  # type: ignore[arg-type]
    points = np.vstack([part.outline for part in solid.parts])
    half = np.array([solid.length_m, solid.width_m]) / 2
    assert points.max(axis=0) == pytest.approx(half, abs=0.01)
    assert points.min(axis=0) == pytest.approx(-half, abs=0.01)


@pytest.mark.parametrize("type_name", PLANE_TYPES)
def test_a_stripped_aircraft_keeps_its_size_and_has_no_more_parts(type_name: str) -> None:
    whole, stripped = solid_of(type_name, 2), solid_of(type_name, 2, stripped=True)
    assert (whole.length_m, whole.width_m) == (stripped.length_m, stripped.width_m)
    assert len(stripped.parts) <= len(whole.parts)
    points = np.vstack([part.outline for part in stripped.parts])
    assert np.ptp(points, axis=0) == pytest.approx([whole.length_m, whole.width_m], abs=0.02)


def test_a_stripped_aircraft_is_counted_and_said_to_be_stripped() -> None:
    picture = drawn(Parked("1", "KC-135", 0, 0, 30.0, 1, stripped=True))
    assert picture.truth.count("plane") == 1
    assert picture.truth.geojson()["features"][0]["properties"]["stripped"] is True
    assert changed(picture, drawn(Parked("1", "KC-135", 0, 0, 30.0, 1))) > 50


@pytest.mark.parametrize(("y_m", "covered"), [(-20.0, 0.0), (0.0, 0.5), (2.0, 0.5 + 2.0 / 11.0), (20.0, 1.0)])
def test_the_covered_share_is_what_the_roof_hides(y_m: float, covered: float) -> None:
    """A bus of 11 m drives north under the southern edge, at y = 0, of a hangar."""
    roofed = replace(PAVED, buildings=(Building("hangar", 0.0, 20.0, 0.0, 40.0, 40.0, 12.0),))
    picture = drawn(Parked("1", "bus", 0.0, y_m, 0.0, 1), base=roofed)
    (bus,) = picture.truth.objects
    assert bus.covered == pytest.approx(covered, abs=0.02)
    assert picture.truth.count("vehicle_large", shown=False) == 1
    assert picture.truth.count("vehicle_large") == int(covered <= 0.5)
    told = picture.truth.geojson()["features"][0]["properties"]
    assert told["covered"] == pytest.approx(covered, abs=0.02)


def test_what_the_edge_cuts_is_told_wherever_its_centre_lies() -> None:
    zone = PAVED.zones[0]
    assert zone.outline.contains(shapely.Point(60, 0))
    picture = drawn(
        Parked("inside", "A320", 0, 0, 0, 1),
        Parked("centre in", "A320", 35, 0, 90, 1),
        Parked("centre out", "A320", -50, 0, 90, 1),
        Parked("beyond", "A320", 0, 95, 90, 1),
        Parked("diagonal", "A320", 66, 66, 45, 1),
    )
    told = {f["id"]: f["properties"] for f in picture.truth.geojson()["features"]}
    assert {k: (p["truncated"], p["in_picture"]) for k, p in told.items()} == {
        "inside": (False, True),
        "centre in": (True, True),
        "centre out": (True, False),
    }
    assert picture.truth.count("plane") == 2
