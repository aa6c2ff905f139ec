"""A crowded invented vehicle park, placed where there is none: in the Black Sea."""

import numpy as np
from shapely.geometry import LineString, box

from apronwatch_datasets.synthetic.spec import Base, Building, Marking, Stain, Stand, Surface, ZoneArea

_CAR_PITCH, _LORRY_PITCH, _TRAILER_PITCH = 2.75, 3.6, 4.2


def vehicle_park(seed: int = 1, car_rows: int = 12) -> Base:
    """Cars (stands `K`, double rows of 76), lorries (`L`), a military yard (`M`), articulated lorries (`A`).

    Args:
        seed: of ground and trees.
        car_rows: 2 to 12.

    Raises:
        ValueError: more rows than find room.
    """
    if not 2 <= car_rows <= 12:
        raise ValueError(f"car_rows={car_rows}: 2 to 12 find room")
    stands = _stands(car_rows)
    return Base(
        id="synthetic-vehicle-park",
        name="Invented vehicle park (synthetic)",
        crs="EPSG:32637",
        origin=(440_000.0, 4_790_000.0),
        rotation_deg=-31.0,
        seed=seed,
        extent_m=(-215.0, -215.0, 215.0, 215.0),
        surfaces=(
            Surface("asphalt", box(-150, -30, 70, 140), seed + 1, tone=1.25),
            Surface("concrete", box(-150, -140, 70, -34), seed + 2, slab_m=6.0, tone=0.9),
            Surface("gravel", box(76, -140, 160, 140), seed + 3, tone=0.95),
            Surface("asphalt", LineString([(-400, 148), (400, 148)]).buffer(5, cap_style="flat"), seed + 4),
            Surface("asphalt", LineString([(73, -400), (73, 400)]).buffer(4, cap_style="flat"), seed + 5),
        ),
        markings=(
            *(_stall(s) for s in stands if s.id[0] in "KLA"),
            Marking(LineString([(-400, 148), (400, 148)]), 0.15, "white", (3.0, 3.0)),
        ),
        stains=tuple(_drips(stands, np.random.default_rng([seed, 71]))),
        buildings=(
            Building("shed", -185.0, 60.0, 0.0, 90.0, 24.0, 7.0, (0.47, 0.46, 0.43)),
            Building("shed", -185.0, -70.0, 0.0, 70.0, 24.0, 8.0, (0.36, 0.38, 0.38)),
            *_trees(np.random.default_rng([seed, 72])),
        ),
        stands=tuple(stands),
        zones=(
            ZoneArea("cars", "vehicle_park", "Cars", box(-148, -28, 68, 138)),
            ZoneArea("lorries", "vehicle_park", "Lorries", box(-148, -138, 68, -36)),
            ZoneArea("military-yard", "vehicle_park", "Military yard", box(78, -138, 158, 138)),
        ),
    )


def _row(
    prefix: str, zone: str, y: float, x: tuple[float, float], pitch: float, heading: float
) -> list[Stand]:
    places = np.arange(x[0], x[1], pitch)
    longest_m = 6.5 if zone == "cars" else None
    return [
        Stand(f"{prefix}{y:.0f}-{n}", zone, float(at), y, heading, 3.0, max_length_m=longest_m)
        for n, at in enumerate(places)
    ]


def _stands(car_rows: int) -> list[Stand]:
    made: list[Stand] = []
    for row in range(car_rows):
        # Two rows nose to nose, then a lane.
        y = -20.0 + 26.0 * (row // 2) + 6.3 * (row % 2)
        made += _row("K", "cars", y, (-142.0, 66.0), _CAR_PITCH, 180.0 * (row % 2))
    for row in range(4):
        y = -54.0 - 27.0 * (row // 2) - 12.8 * (row % 2)
        made += _row("L", "lorries", y, (-142.0, 64.0), _LORRY_PITCH, 180.0 * (row % 2))
    made += _row("A", "lorries", -126.0, (-142.0, 64.0), _TRAILER_PITCH, 0.0)
    for row in range(16):
        made += _row("M", "military-yard", -128.0 + 17.0 * row, (84.0, 154.0), 3.5, 180.0 * (row % 2))
    return made


def _stall(stand: Stand) -> Marking:
    pitch, deep = {"K": (_CAR_PITCH, 2.5), "L": (_LORRY_PITCH, 5.5), "A": (_TRAILER_PITCH, 8.5)}[stand.id[0]]
    x = stand.x_m - pitch / 2
    return Marking(LineString([(x, stand.y_m - deep), (x, stand.y_m + deep)]), 0.1, "white", worn=0.5)


def _drips(stands: list[Stand], rng: np.random.Generator) -> list[Stain]:
    return [
        Stain(s.x_m, s.y_m, 0.0, 3.0, 1.4, float(rng.uniform(0.05, 0.22)))
        for s in stands
        if rng.random() < 0.4
    ]


def _trees(rng: np.random.Generator) -> list[Building]:
    places = [(x, 162.0) for x in np.arange(-200.0, 200.0, 11.0)] + [
        (172.0, y) for y in np.arange(-140, 150, 9.0)
    ]
    sizes = rng.uniform(4.0, 8.0, len(places))
    return [
        Building("tree", float(x), float(y), 0.0, float(d), float(d), float(0.9 * d))
        for (x, y), d in zip(np.array(places) + rng.normal(0.0, 1.2, (len(places), 2)), sizes, strict=True)
        if rng.random() < 0.8
    ]
