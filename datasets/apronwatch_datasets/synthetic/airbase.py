"""An invented air base. It is placed in the middle of the Black Sea, where there is none."""

import numpy as np
import shapely
from shapely.geometry import LineString, Point, box

from apronwatch_datasets.synthetic.spec import Base, Building, Marking, Stain, Stand, Surface, ZoneArea

_RUNWAY_Y, _TAXIWAY_Y, _LINK_X = -330.0, -205.0, 300.0
_TRANSPORT_X = [-288.0 + 60.0 * n for n in range(8)]
_VISITOR_X = [-293.0 + 52.0 * n for n in range(9)]
_FIGHTER_X = [-70.0 + 24.0 * n for n in range(14)]
_SHELTER_Y = [-120.0 + 62.0 * n for n in range(7)]
_HELIPAD_Y = [-110.0 + 46.0 * n for n in range(5)]
_PARK_ROWS_Y = (142.0, 160.0, 178.0, 196.0, 214.0)
_PARK_X = [-316.0 + 5.4 * n for n in range(30)]


def air_base(seed: int = 20260301) -> Base:
    """The base of the demo: about 1.0 by 0.7 km, five zones, some 150 places to park."""
    return Base(
        id="synthetic-base",
        name="Invented air base (synthetic)",
        crs="EPSG:32637",
        origin=(460_000.0, 4_780_000.0),
        rotation_deg=-14.0,
        seed=seed,
        extent_m=(-565.0, -400.0, 505.0, 435.0),
        surfaces=_surfaces(seed),
        markings=(*_runway_markings(), *_taxi_markings(), *_stall_markings(), *_pad_markings()),
        stains=tuple(_stains(seed)),
        buildings=_buildings(),
        stands=tuple(_stands()),
        zones=(
            ZoneArea("main-apron", "apron", "Main apron", box(-330, -148, 262, 68), 75.0),
            ZoneArea("north-ramp", "ramp", "North ramp", box(-92, 196, 284, 312), 20.0),
            ZoneArea("shelters", "shelter", "Shelter loop", box(330, -160, 452, 292), 20.0),
            ZoneArea("helipads", "helipad", "Helipads", box(-478, -142, -372, 108), 25.0),
            ZoneArea("vehicle-park", "vehicle_park", "Vehicle park", box(-326, 132, -150, 226), None),
        ),
    )


def _surfaces(seed: int) -> tuple[Surface, ...]:
    ways = [
        LineString([(-1000, _TAXIWAY_Y), (1000, _TAXIWAY_Y)]).buffer(12, cap_style="flat"),
        LineString([(_LINK_X, _TAXIWAY_Y), (_LINK_X, 300)]).buffer(11, cap_style="flat"),
        *[
            LineString([(x, _RUNWAY_Y), (x, _TAXIWAY_Y)]).buffer(12, cap_style="flat")
            for x in (-420, 40, 460)
        ],
        LineString([(-425, _TAXIWAY_Y), (-425, 110)]).buffer(9, cap_style="flat"),
        *[LineString([(x, _TAXIWAY_Y), (x, -150)]).buffer(12, cap_style="flat") for x in (-220, 130)],
        LineString([(255, -42), (_LINK_X, -42)]).buffer(12, cap_style="flat"),
        LineString([(_LINK_X, 254), (270, 254)]).buffer(12, cap_style="flat"),
    ]
    # Growing and shrinking again rounds the inner corners, as fillets do.
    taxiways = shapely.union_all(ways).buffer(18).buffer(-18)
    loop = (
        shapely.union_all(
            [LineString([(392, y0), (392, y1)]).buffer(8) for y0, y1 in [(-160, 292)]]
            + [box(344, y - 11, 440, y + 11) for y in _SHELTER_Y]
            + [LineString([(_LINK_X, 240), (392, 240)]).buffer(8, cap_style="flat")]
        )
        .buffer(6)
        .buffer(-6)
    )
    roads = shapely.union_all(
        [
            LineString(points).buffer(3.6, cap_style="flat").buffer(5).buffer(-5)
            for points in (
                [(-700, 262), (-120, 250), (330, 330), (700, 345)],
                [(-140, 252), (-140, 130), (-345, 122), (-490, 160), (-520, 330)],
                [(-238, 255), (-238, 226)],
                [(-140, 120), (-140, 66)],
                [(-345, 122), (-352, 20)],
            )
        ]
    )
    runway = box(-1000, _RUNWAY_Y - 22.5, 1000, _RUNWAY_Y + 22.5)
    return (
        Surface("gravel", runway.buffer(9, cap_style="flat"), seed + 10, tone=0.72),
        Surface("asphalt", roads, seed + 11, tone=1.15),
        Surface("asphalt", taxiways, seed + 12, tone=1.30),
        Surface("asphalt", runway, seed + 13, tone=1.02),
        Surface("concrete", box(-332, -150, 264, 70), seed + 14, slab_m=7.5),
        Surface("concrete", box(-120, 70, 150, 84), seed + 15, slab_m=6.0, tone=0.93),
        Surface("concrete", box(40, -150, 131, -70), seed + 16, slab_m=7.5, tone=1.13),
        Surface("concrete", box(-94, 194, 286, 314), seed + 17, slab_m=5.0, tone=0.88),
        Surface("concrete", loop, seed + 18, slab_m=6.0, tone=0.95),
        Surface("concrete", box(-480, -144, -370, 110), seed + 19, slab_m=6.0, tone=1.02),
        Surface("asphalt", box(-328, 130, -148, 228), seed + 20, tone=1.22),
        Surface("gravel", box(-500, 190, -400, 320), seed + 21, tone=1.05),
    )


def _buildings() -> tuple[Building, ...]:
    hangars = [
        Building("hangar", x, 112.0, 90.0, 64.0, 52.0, 15.0, roof)
        for x, roof in ((-72.0, (0.44, 0.45, 0.46)), (12.0, (0.36, 0.42, 0.40)), (100.0, (0.50, 0.50, 0.48)))
    ]
    shelters = [Building("shelter", 436.0, y, 270.0, 28.0, 19.0, 8.5) for y in _SHELTER_Y]
    sheds = [
        Building("shed", -452.0, 290.0, 90.0, 38.0, 16.0, 6.0, (0.40, 0.22, 0.17)),
        Building("shed", -452.0, 255.0, 90.0, 38.0, 16.0, 6.0, (0.43, 0.24, 0.18)),
        Building("shed", -280.0, 300.0, 90.0, 60.0, 18.0, 8.0, (0.52, 0.52, 0.50)),
        Building("shed", -190.0, 300.0, 90.0, 46.0, 18.0, 7.0, (0.34, 0.35, 0.36)),
        Building("shed", -330.0 + 14.0, 92.0, 90.0, 26.0, 14.0, 5.0, (0.30, 0.31, 0.32)),
        Building("shed", -200.0, 100.0, 90.0, 44.0, 20.0, 9.0, (0.48, 0.47, 0.44)),
        Building("shed", 200.0, 108.0, 0.0, 30.0, 24.0, 12.0, (0.55, 0.55, 0.53)),
    ]
    tanks = [Building("tank", x, y, 0.0, 15.0, 15.0, 8.0) for x in (-484.0, -462.0) for y in (205.0, 226.0)]
    return (*hangars, *shelters, *sheds, *tanks, *_trees())


def _trees() -> list[Building]:
    rng = np.random.default_rng(41)
    places = [(x, 275.0) for x in np.arange(-350.0, -130.0, 13.0)] + [
        (x, 322.0) for x in np.arange(-330.0, -150.0, 11.0)
    ]
    places += [(-510.0, y) for y in np.arange(190.0, 330.0, 9.0)] + [
        (x, 334.0) for x in np.arange(-505.0, -395.0, 8.0)
    ]
    places += [tuple(rng.normal((470.0, 200.0), (30.0, 70.0))) for _ in range(26)]
    places += [tuple(rng.normal((-560.0, -60.0), (22.0, 90.0))) for _ in range(34)]
    sizes = rng.uniform(4.0, 8.5, len(places))
    shifts = rng.normal(0.0, 1.6, (len(places), 2))
    return [
        Building("tree", float(x + dx), float(y + dy), 0.0, float(d), float(d), float(0.9 * d))
        for (x, y), d, (dx, dy) in zip(places, sizes, shifts, strict=True)
        if rng.random() < 0.8
    ]


def _stands() -> list[Stand]:
    made = [Stand(f"T{n}", "main-apron", x, 36.0, 0.0, 55.0) for n, x in enumerate(_TRANSPORT_X)]
    made += [Stand("T8", "main-apron", 216.0, 10.0, 270.0, 75.0)]
    made += [Stand(f"V{n}", "main-apron", x, -112.0, 180.0, 52.0) for n, x in enumerate(_VISITOR_X)]
    made += [Stand(f"F{n}", "north-ramp", x, 287.0, 215.0, 16.0) for n, x in enumerate(_FIGHTER_X)]
    made += [Stand(f"G{n}", "north-ramp", x, 222.0, 325.0, 16.0) for n, x in enumerate(_FIGHTER_X)]
    made += [Stand(f"S{n}", "shelters", 404.0, y, 270.0, 16.0) for n, y in enumerate(_SHELTER_Y)]
    made += [Stand(f"R{n}", "shelters", 356.0, y, 90.0, 16.0) for n, y in enumerate(_SHELTER_Y)]
    made += [
        Stand(f"H{n}", "helipads", x, y, h, 25.0)
        for n, (x, y, h) in enumerate(
            (x, y, h) for x, h in ((-452.0, 90.0), (-399.0, 270.0)) for y in _HELIPAD_Y
        )
    ]
    made += [
        Stand(f"P{n}", "vehicle-park", x, y, 180.0 * (row % 2), 3.0)
        for n, (row, y, x) in enumerate((row, y, x) for row, y in enumerate(_PARK_ROWS_Y) for x in _PARK_X)
    ]
    made += [
        Stand(f"L{n}{k}", "main-apron", x + 2.5 + 1.5 * k, -6.0 - 13.0 * k, 0.0, 3.4)
        for n, x in enumerate(_TRANSPORT_X)
        for k in range(2)
    ]
    return made


def _runway_markings() -> list[Marking]:
    y = _RUNWAY_Y
    edges = [
        Marking(LineString([(-1000, y + s), (1000, y + s)]), 0.9, "white", worn=0.3) for s in (-21.5, 21.5)
    ]
    return [Marking(LineString([(-1000, y), (1000, y)]), 0.9, "white", (30.0, 20.0), worn=0.25), *edges]


def _taxi_markings() -> list[Marking]:
    lines = [
        [(-1000, _TAXIWAY_Y), (1000, _TAXIWAY_Y)],
        [(_LINK_X, _TAXIWAY_Y), (_LINK_X, 292)],
        [(-425, _TAXIWAY_Y + 30), (-425, 95)],
        [(-320, -42), (_LINK_X, -42)],
        [(-80, 254), (_LINK_X, 254)],
        [(392, -150), (392, 285)],
        *[[(x, _TAXIWAY_Y + 25), (x, -70)] for x in (-220, 130)],
        *[[(x, _RUNWAY_Y + 50), (x, _TAXIWAY_Y - 25)] for x in (-420, 40, 460)],
    ]
    made = [Marking(LineString(line), 0.30) for line in lines]
    for x in (-420, 40, 460, -220, 130):
        made += [_arc((x, _TAXIWAY_Y), 25.0, quarter) for quarter in ((0, 1) if x in (-220, 130) else (2, 3))]
    leads = [[(x, -42), (x, 58)] for x in _TRANSPORT_X] + [[(x, -42), (x, -134)] for x in _VISITOR_X]
    leads += [[(x + 19, 254), (x - 2, 284), (x - 7, 291)] for x in _FIGHTER_X]
    leads += [[(x + 21, 254), (x, 222), (x - 4, 216)] for x in _FIGHTER_X]
    made += [Marking(LineString(lead), 0.20, worn=0.45) for lead in leads]
    made += [Marking(box(-326, -144, 258, 64).exterior, 0.20, "white", worn=0.5)]
    return made


def _arc(corner: tuple[float, float], radius: float, quarter: int) -> Marking:
    """A fillet line from one taxiway centre line into another that crosses it at `corner`."""
    sx, sy = ((1, 1), (-1, 1), (-1, -1), (1, -1))[quarter]
    angle = np.linspace(0.0, np.pi / 2, 9)
    x = corner[0] + sx * radius * (1.0 - np.sin(angle))
    y = corner[1] + sy * radius * (1.0 - np.cos(angle))
    return Marking(LineString(np.column_stack([x, y])), 0.30)


def _stall_markings() -> list[Marking]:
    return [
        Marking(LineString([(x - 2.7, y - 6.5), (x - 2.7, y + 6.5)]), 0.12, "white", worn=0.4)
        for y in _PARK_ROWS_Y
        for x in [*_PARK_X, _PARK_X[-1] + 5.4]
    ]


def _pad_markings() -> list[Marking]:
    made = []
    for x in (-452.0, -399.0):
        for y in _HELIPAD_Y:
            made.append(Marking(Point(x, y).buffer(12).exterior, 0.5, "white"))
            made += [Marking(LineString([(x + s, y - 3), (x + s, y + 3)]), 0.6, "white") for s in (-2, 2)]
            made.append(Marking(LineString([(x - 2, y), (x + 2, y)]), 0.6, "white"))
    return made


def _stains(seed: int) -> list[Stain]:
    rng = np.random.default_rng([seed, 99])
    made = []
    for stand in _stands():
        if stand.zone == "vehicle-park" or stand.id.startswith("L"):
            if rng.random() < 0.3:
                made.append(Stain(stand.x_m, stand.y_m, 0.0, 4.0, 1.8, rng.uniform(0.06, 0.2)))
            continue
        size = min(1.0, stand.max_span_m / 55.0)
        for _ in range(rng.integers(1, 4)):
            x, y = np.array([stand.x_m, stand.y_m]) + rng.normal(0.0, 6.0 * size, 2)
            made.append(
                Stain(
                    x,
                    y,
                    rng.uniform(0, 180),
                    rng.uniform(4, 16) * size,
                    rng.uniform(2, 7) * size,
                    rng.uniform(0.08, 0.38),
                )
            )
    made += _tracks(rng)
    for y, strength in ((_RUNWAY_Y - 4.5, 0.22), (_RUNWAY_Y + 4.5, 0.22), (_RUNWAY_Y, 0.12)):
        made += [
            Stain(x, y, 90.0, rng.uniform(60, 240), 4.0, strength * rng.uniform(0.3, 1.0))
            for x in rng.uniform(-600, 600, 9)
        ]
    return made


def _tracks(rng: np.random.Generator) -> list[Stain]:
    """Where wheels run: dark along the taxi lines."""
    lines = [(-42.0, -320.0, 250.0), (254.0, -85.0, 285.0), (_TAXIWAY_Y, -600.0, 600.0)]
    made = []
    for y, start, end in lines:
        for x in np.arange(start, end, 45.0):
            made += [
                Stain(
                    x + rng.uniform(0, 30),
                    y + s,
                    90.0 + rng.normal(0, 1.5),
                    75.0,
                    1.7,
                    rng.uniform(0.05, 0.16),
                )
                for s in (-2.6, 2.6)
            ]
    return made
