"""The harbour: ships of true size lie at their berths, apart from quays and one another, and counts are exact."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apronwatch_datasets.synthetic import Base, Look, Parked, Picture, Scenario, draw, read_scenario
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.harbour import harbour
from apronwatch_datasets.synthetic.harbour_works import land
from apronwatch_datasets.synthetic.mooring import moor
from apronwatch_datasets.synthetic.ships import SHIP_TYPES, SHIPS
from apronwatch_datasets.synthetic.spec import Stand, Water
from apronwatch_datasets.synthetic.water import Wind

TIME = datetime(2026, 3, 3, 8, 15, tzinfo=UTC)
OPEN_SEA = Base(
    "s", "s", "EPSG:32637", (460_000.0, 4_780_000.0), 0.0, 1,
    waters=(
        Water(
            shapely.box(-2000, -2000, 2000, 2000), shapely.LineString([(-2000, 2000), (2000, 2000)]),
            shapely.box(-2000, -2000, 2000, 2000), shapely.box(1500, 1500, 1600, 1600), 5,
        ),
    ),
)  # fmt: skip


@cache
def port() -> Scenario:
    return next(s for s in read_scenario("port") if s.base.id == "synthetic-port")


def hulls(parked: tuple[Parked, ...]) -> list[tuple[Parked, shapely.Polygon]]:
    """Outlines of the ships in the base's frame, as their highest-wide hulls lie."""
    found = []
    for p in parked:
        solid = solid_of(p.type_name, p.seed)
        if solid.class_name == "ship":
            h = np.radians(p.heading_deg)
            turn = np.array([[np.sin(h), np.cos(h)], [np.cos(h), -np.sin(h)]])
            rings = [shapely.Polygon(part.outline @ turn.T + [p.x_m, p.y_m]) for part in solid.parts]
            found.append((p, shapely.union_all([r.buffer(0) for r in rings])))
    return found


def at_sea(type_name: str, gsd_m: float, heading_deg: float = 30.0, seed: int = 2) -> tuple[Picture, Picture]:
    """A ship on open water, and the same water without it."""
    half = 0.62 * SHIPS[type_name].length_m + 6.0
    look = Look(TIME, gsd_m, (-half, -half, half, half), haze=0.05, seed=seed)
    ship = Parked("1", type_name, 0.0, 0.0, heading_deg, seed)
    return draw(OPEN_SEA, (ship,), look), draw(OPEN_SEA, (), look)


@pytest.mark.parametrize("type_name", SHIP_TYPES)
def test_a_ship_fills_its_box_and_the_box_is_its_published_size(type_name: str) -> None:
    row = SHIPS[type_name]
    assert row.source
    for seed in range(4):
        solid = solid_of(type_name, seed)
        points = np.vstack([part.outline for part in solid.parts])
        size = np.ptp(points, axis=0)
        assert size == pytest.approx([row.length_m, row.beam_m], rel=0.01)
        assert np.abs(points).max(axis=0) == pytest.approx([row.length_m / 2, row.beam_m / 2], abs=0.01)
        assert (solid.class_name, solid.length_m, solid.width_m) == ("ship", row.length_m, row.beam_m)


def test_sizes_against_published_figures() -> None:
    published = {
        "Ropucha landing ship": (112.5, 15.0),
        "Volgo-Don Max cargo ship": (139.95, 16.5),
        "ASD 2913 tug": (29.0, 13.0),
        "Arleigh Burke destroyer": (155.3, 20.0),
    }
    assert {name: (SHIPS[name].length_m, SHIPS[name].beam_m) for name in published} == published


@pytest.mark.parametrize("gsd_m", [0.2, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("type_name", ["Tarantul missile boat", "Volgo-Don Max cargo ship", "Seiner"])
def test_the_box_lies_on_the_drawn_ship(type_name: str, gsd_m: float) -> None:
    with_it, without = at_sea(type_name, gsd_m)
    changed = np.abs(with_it.pixels.astype(int) - without.pixels.astype(int)).max(axis=2)
    (truth,) = with_it.truth.objects
    corners = with_it.grid.to_pixels(truth.box)
    rows, columns = np.mgrid[: with_it.grid.height, : with_it.grid.width] + 0.5
    box = shapely.Polygon(corners)
    inside = shapely.contains_xy(box.buffer(-1.0), columns, rows)
    # Hull and house differ from water far more than the light shadow beside them.
    ship = changed > 25
    assert ship[inside].mean() > 0.5
    lit_side = outside_towards_sun(with_it, box, columns, rows)
    assert ship[lit_side].mean() < 0.02


def outside_towards_sun(
    picture: Picture, box: shapely.Polygon, columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Pixels outside the box that no shadow reaches: away from it on the sun's side."""
    away = picture.sun.shadow_per_m * [1.0, -1.0] / picture.grid.gsd_m
    swept = shapely.union_all(
        [shapely.affinity.translate(box, *(away * h)) for h in np.linspace(0.0, 40.0, 60)]
    ).buffer(2.5)
    found: NDArray[np.bool_] = ~shapely.contains_xy(swept, columns, rows)
    return found


def test_the_bow_points_along_the_heading() -> None:
    picture, empty = at_sea("Krivak frigate", 0.5, heading_deg=90.0)
    drawn = np.abs(picture.pixels.astype(int) - empty.pixels.astype(int)).max(axis=2) > 25
    length, middle = SHIPS["Krivak frigate"].length_m, drawn.shape[1] // 2
    reach = int(0.46 * length / 0.5)
    # The bow is pointed, the stern is not.
    bow, stern = drawn[:, middle + reach].sum(), drawn[:, middle - reach].sum()
    assert 0 < bow < 0.6 * stern


@pytest.mark.parametrize("number", range(12))
def test_ships_keep_off_one_another_and_the_quays(number: int) -> None:
    outlines = hulls(port().scenes[number].parked)
    ground = land().buffer(-0.05)
    shapely.prepare(ground)
    assert len(outlines) > 150
    for ship, hull in outlines:
        assert not ground.intersects(hull), ship
    tree = shapely.STRtree([hull for _, hull in outlines])
    for a, b in tree.query([hull for _, hull in outlines], predicate="dwithin", distance=0.3).T:
        assert a >= b, (outlines[a][0], outlines[b][0])


def test_counts_per_berth_are_the_scenarios_numbers() -> None:
    groups = {
        "E": ("pier-1-west",), "C": ("pier-1-east",), "D": ("basin-quay",),
        "A": ("pier-2-west", "pier-2-east"), "B": ("mole-west",), "G": ("oil-jetty",), "H": ("main-quay",),
        "I": ("pier-3-west",), "J": ("pier-3-east",), "F": ("tug-quay",), "K": ("fishing-quay",),
        "M": ("marina",), "N": ("anchorage",),
    }  # fmt: skip
    base = port().base
    zones = {zone.id: zone.outline for zone in base.zones}
    assert set(zones) == {name for names in groups.values() for name in names} | {"car-park"}
    seen = set()
    for scene in port().scenes:
        for letter, names in groups.items():
            there = [
                p for p in scene.parked
                if solid_of(p.type_name, p.seed).class_name == "ship"
                and any(shapely.contains_xy(zones[name], p.x_m, p.y_m) for name in names)
            ]  # fmt: skip
            assert {p.stand[0] for p in there} <= {letter}
            assert len(there) == sum(p.stand[0] == letter for p in scene.parked)
            seen.add((letter, len(there)))
    # The numbers as the file gives them, for the two groups that vary most.
    assert [sum(p.stand[0] == "K" for p in s.parked) for s in port().scenes] == [
        9, 7, 10, 8, 6, 9, 11, 8, 9, 7, 10, 9,
    ]  # fmt: skip
    assert {n for letter, n in seen if letter == "E"} == {2, 3, 4}


def test_truth_counts_ships_per_zone() -> None:
    scene = port().scenes[0]
    west, south, east, north = -700.0, -330.0, -380.0, 60.0
    corners = np.array([[x, y, 1.0] for x in (west, east) for y in (south, north)]) @ port().base.matrix.T
    low, high = corners.min(axis=0) - port().base.origin, corners.max(axis=0) - port().base.origin
    look = replace(scene.look, extent_m=(*low, *high), gsd_m=1.0)
    truth = draw(port().base, scene.parked, look).truth
    assert truth.count("ship", "pier-1-west") == 3
    assert truth.count("ship", "pier-1-east") == 6
    assert truth.count("ship", "basin-quay") == 5
    assert truth.count("ship", "marina") == 0
    assert truth.count("ship", "marina", shown=False) == 150


def test_the_same_seed_gives_the_same_pixels_and_another_date_other_water() -> None:
    look = Look(TIME, 0.5, (-60.0, -60.0, 60.0, 60.0), seed=3)
    first, again = (draw(OPEN_SEA, (), look).pixels for _ in range(2))
    assert np.array_equal(first, again)
    other = draw(OPEN_SEA, (), replace(look, seed=4)).pixels
    one, two = (p.astype(float).mean(axis=2).ravel() for p in (first, other))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.35
    assert Wind.of(look) != Wind.of(replace(look, seed=4))


def test_water_lies_where_it_lies_whatever_the_window() -> None:
    away = shapely.box(5000, 5000, 5001, 5001)
    base = replace(OPEN_SEA, waters=(replace(OPEN_SEA.waters[0], sheltered=away),))
    whole = draw(base, (), Look(TIME, 0.5, (-60.0, -60.0, 60.0, 60.0), haze=0.0, seed=3)).pixels
    part = draw(base, (), Look(TIME, 0.5, (0.0, -60.0, 60.0, 60.0), haze=0.0, seed=3)).pixels
    one, two = (p.astype(float).mean(axis=2).ravel() for p in (whole[:, 120:], part))
    assert np.corrcoef(one, two)[0, 1] > 0.8


def test_a_ship_under_way_leaves_a_wake_and_one_at_anchor_none() -> None:
    base = replace(OPEN_SEA, waters=(replace(OPEN_SEA.waters[0], fairway=shapely.box(-20, -400, 20, 400)),))
    look = Look(TIME, 0.5, (-150.0, -150.0, 150.0, 150.0), seed=2)
    brightness = {}
    for name, x in (("under way", 0.0), ("at anchor", 60.0)):
        pixels = draw(base, (Parked("1", "ASD 2913 tug", x, 60.0, 0.0, 1),), look).pixels.astype(float)
        column = round((x + 150.0) / 0.5)
        brightness[name] = pixels[250:300, column - 6 : column + 6].mean()
    assert brightness["under way"] > brightness["at anchor"] + 25


@given(
    types=st.lists(
        st.sampled_from(["Tarantul missile boat", "Svetlyak patrol boat", "Natya minesweeper"]),
        min_size=1, max_size=3,
    ),
    seeds=st.lists(st.integers(0, 1 << 20), min_size=3, max_size=3),
    heading=st.floats(0.0, 360.0),
    side=st.sampled_from(["port", "starboard", "stern", "bow"]),
)  # fmt: skip
@settings(max_examples=40)
def test_a_raft_lies_off_its_quay_without_touching(
    types: list[str], seeds: list[int], heading: float, side: str
) -> None:
    stands = tuple(Stand(f"R{k}", "z", 10.0, -4.0, heading, 99.0, mooring=side) for k in range(3))  # type: ignore[arg-type]
    parked = [Parked(str(k), t, 0, 0, 0, seeds[k], stand=f"R{k}") for k, t in enumerate(types)]
    lying = hulls(tuple(moor(replace(OPEN_SEA, stands=stands), parked)))
    quay = np.radians(heading + {"port": -90, "starboard": 90, "stern": 180, "bow": 0}[side])
    inland = np.array([np.sin(quay), np.cos(quay)])
    for _, hull in lying:
        beyond = (shapely.get_coordinates(hull) - [10.0, -4.0]) @ inland
        assert -60.0 * 3 - 10 < beyond.max() < -0.2
    nearest = max(((shapely.get_coordinates(hull) - [10.0, -4.0]) @ inland).max() for _, hull in lying)
    assert nearest > -2.5
    assert all(a.distance(b) > 0.3 for (_, a), (_, b) in combinations(lying, 2))


def test_a_ship_too_long_for_its_berth_is_refused() -> None:
    base = replace(OPEN_SEA, stands=(Stand("R0", "z", 0.0, 0.0, 0.0, 50.0, mooring="port"),))
    ship = Parked("1", "MR tanker", 0, 0, 0, 1, stand="R0")
    with pytest.raises(ValueError, match=r"MR tanker is 189\.0 m long, its berth R0 takes 50\.0 m"):
        moor(base, [ship])


def test_no_marina_no_pleasure_boats() -> None:
    plain = harbour(1, marina=False)
    assert not [s for s in plain.stands if s.zone == "marina"]
    assert "marina" not in {zone.id for zone in plain.zones}
    assert not [b for b in plain.buildings if b.kind == "pontoon"]
