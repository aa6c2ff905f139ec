"""Land and works of the invented harbour: coast, quays, piers, breakwaters, yards, roads and what is built there."""

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from apronwatch_datasets.synthetic.spec import Building, Marking, Stain, Surface

PIERS = (
    box(-640, -310, -612, 2),
    box(-440, -310, -412, 2),
    box(-236, -370, -196, 2),
    box(330, -325, 430, 2),
)
PONTOONS_X = (706.0, 756.0, 806.0, 856.0)

BREAKWATERS = (
    LineString([(-802, 10), (-842, -300), (-765, -520), (-520, -640), (40, -700)]),
    LineString([(900, 10), (932, -250), (862, -470), (640, -620), (310, -690)]),
)


def _coast(points: list[tuple[float, float]], seed: int) -> LineString:
    """A natural line through points, with small bays."""
    line = LineString(points)
    at = np.arange(0.0, line.length, 12.0)
    rng = np.random.default_rng([seed, 63])
    wander = sum(
        rng.normal(0.0, 0.028 * size) * np.sin(2 * np.pi * at / size + rng.uniform(0, 6))
        for size in (610, 270, 120, 55)
    )
    ends = np.minimum(1.0, np.minimum(at, line.length - at) / 60.0)
    found = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    return LineString(found + np.column_stack([np.zeros_like(at), wander * ends]))


SHORES = (
    _coast([(-4000, 330), (-1700, -60), (-1250, 10), (-1000, 70), (-790, 40)], 1),
    _coast([(890, 40), (1080, 90), (1350, 20), (1800, 110), (4000, -300)], 2),
)


def land() -> BaseGeometry:
    """All that the sea does not cover, to 4 km around."""
    west, east = (np.asarray(shore.coords) for shore in SHORES)
    coast = Polygon([*west, (-800, 0), (900, 0), *east, (4000, 1500), (-4000, 1500)])
    rocks = [line.buffer(17.0, join_style="round") for line in (*BREAKWATERS, _MARINA_MOLE)]
    return shapely.union_all([coast.buffer(0), *PIERS, *[_rough(r, n) for n, r in enumerate(rocks)]])


_MARINA_MOLE = LineString([(905, -222), (716, -226)])


def _rough(outline: Polygon, seed: int) -> BaseGeometry:
    """The toe of a slope of boulders."""
    ring = shapely.get_coordinates(shapely.segmentize(outline.exterior, 4.0))[:-1]
    return Polygon(ring + np.random.default_rng([seed, 64]).normal(0.0, 0.9, ring.shape)).buffer(0)


def surfaces(seed: int) -> tuple[Surface, ...]:
    """From beach and rocks up to roads and yards."""
    rocks = shapely.union_all([line.buffer(19.0) for line in (*BREAKWATERS, _MARINA_MOLE)])
    crowns = shapely.union_all(
        [line.buffer(4.0, join_style="mitre") for line in (*BREAKWATERS, _MARINA_MOLE)]
    )
    roads = shapely.union_all(
        [
            LineString(points).buffer(half, cap_style="flat").buffer(9).buffer(-9)
            for half, points in (
                (5.5, [(-1500, 300), (-900, 232), (-200, 226), (900, 232), (1500, 330)]),
                (3.6, [(-700, 229), (-700, 40)]),
                (3.6, [(-352, 229), (-352, 40)]),
                (4.0, [(312, 229), (312, 40)]),
                (4.0, [(456, 229), (456, 30)]),
                (3.2, [(456, 140), (660, 140), (884, 30)]),
                (3.2, [(-120, 226), (-150, 420)]),
                (3.2, [(480, 230), (520, 430)]),
                (3.2, [(-620, 229), (-640, 420)]),
            )
        ]
    )
    beaches = shapely.union_all([shore.buffer(26.0) for shore in SHORES])
    return (
        Surface("sand", beaches, seed + 20),
        Surface("gravel", box(-802, 0, -196, 210), seed + 21, tone=0.85),
        Surface("riprap", rocks, seed + 22),
        Surface("concrete", crowns, seed + 23, slab_m=6.0, tone=1.06),
        Surface("asphalt", roads, seed + 24, tone=1.2),
        Surface("concrete", box(-802, -1, -190, 44), seed + 25, slab_m=6.0, tone=0.9),
        Surface("asphalt", box(-196, 44, 300, 206), seed + 26, tone=1.35),
        Surface("concrete", box(-196, -1, 330, 46), seed + 27, slab_m=7.5, tone=0.97),
        Surface("concrete", box(326, -1, 452, 90), seed + 28, slab_m=6.0, tone=0.86),
        Surface("concrete", box(452, -1, 902, 26), seed + 29, slab_m=5.0, tone=0.94),
        Surface("asphalt", box(470, 48, 644, 130), seed + 30, tone=1.3),
        *[
            Surface("concrete", pier.buffer(0.5), seed + 31 + n, slab_m=6.0, tone=tone)
            for n, (pier, tone) in enumerate(zip(PIERS, (0.92, 0.98, 0.84, 0.95), strict=True))
        ],
    )


def markings() -> tuple[Marking, ...]:
    """Pale copings, crane rails' yellow lines, lanes and the stalls of the car park."""
    edges = [
        [(-800, 0.7), (-641, 0.7)],
        [(-611, 0.7), (-441, 0.7)],
        [(-411, 0.7), (-237, 0.7)],
        [(-195, 0.7), (329, 0.7)],
        [(431, 0.7), (898, 0.7)],
    ]
    made = [Marking(LineString(edge), 1.1, "white", worn=0.72) for edge in edges]
    made += [
        Marking(pier.buffer(-0.6, join_style="mitre").exterior, 1.0, "white", worn=0.72) for pier in PIERS
    ]
    made += [Marking(LineString([(-190, y), (325, y)]), 0.35, "yellow", worn=0.4) for y in (3.4, 19.6)]
    made += [
        Marking(LineString([(-190, y), (300, y)]), 0.2, "white", (6.0, 6.0), worn=0.4) for y in (32.0, 40.0)
    ]
    made += [
        Marking(LineString([(x, y), (x, y + 5.2)]), 0.12, "white", worn=0.35)
        for x in 474.5 + 2.9 * np.arange(57)
        for y in (55.4, 72.4, 78.0, 95.0, 100.4, 117.4)
    ]
    made += [
        Marking(
            LineString([(345.2 + 3.6 * n, 13 + 15.0 * row), (345.2 + 3.6 * n, 27 + 15.0 * row)]),
            0.15,
            "white",
            worn=0.4,
        )
        for row in range(3)
        for n in range(21)
    ]
    made.append(Marking(LineString([(-900, 232), (-200, 226), (900, 232)]), 0.2, "white", (4.0, 8.0)))
    return tuple(made)


def stains(seed: int) -> tuple[Stain, ...]:
    """Tracks along the quays, and spots of rust and oil."""
    rng = np.random.default_rng([seed, 61])
    made = [
        Stain(float(x), float(y), 90.0 + rng.normal(0, 2), 60.0, 2.2, rng.uniform(0.05, 0.2))
        for y in (9.0, 12.0, 27.0, 30.0, 36.0, 38.5, 43.0)
        for x in rng.uniform(-780, 300, 16)
    ]
    for pier in PIERS:
        west, south, east, north = pier.bounds
        for _ in range(22):
            x, y = rng.uniform(west, east), rng.uniform(south, north)
            long_m, wide_m = rng.uniform(1.5, 11.0, 2)
            made.append(Stain(x, y, rng.uniform(0, 180), long_m, wide_m, rng.uniform(0.08, 0.34)))
    return tuple(made)


_ROOFS = (
    (0.44, 0.45, 0.46),
    (0.50, 0.49, 0.46),
    (0.36, 0.26, 0.21),
    (0.34, 0.39, 0.43),
    (0.55, 0.55, 0.53),
)


def buildings(marina: bool) -> tuple[Building, ...]:
    """Stores, houses, cranes, stacks, tanks, lights and trees; pontoons where there is a marina."""
    pontoons = [Building("pontoon", x, -98.0, 0.0, 192.0, 3.0, 0.6) for x in PONTOONS_X] if marina else []
    return (*_houses(), *_port_gear(), *pontoons, *_trees())


def _houses() -> list[Building]:
    stores = [
        (-750, 120, 60, 26, 11),
        (-660, 112, 64, 30, 12),
        (-560, 100, 88, 34, 14),
        (-455, 100, 70, 34, 14),
        (-560, 165, 60, 22, 9),
        (-455, 165, 50, 20, 8),
    ]
    made = [
        Building("hangar", x, y, 90.0, a, b, h, _ROOFS[n % 5]) for n, (x, y, a, b, h) in enumerate(stores)
    ]
    made += [
        Building("hangar", 382.0, y, 0.0, 104.0, 38.0, 11.0, roof)
        for y, roof in ((-72.0, _ROOFS[3]), (-198.0, _ROOFS[0]))
    ]
    made += [
        Building(
            "shed",
            x,
            276.0 + 9 * (n % 3),
            90.0,
            26.0 + 5 * (n % 4),
            13.0 + 2 * (n % 3),
            7.0,
            _ROOFS[(n * 3) % 5],
        )
        for n, x in enumerate(range(-860, 900, 47))
        if n % 5
    ]
    made += [
        Building("shed", x, 330.0 + 11 * (n % 2), 90.0, 22.0 + 4 * (n % 3), 12.0, 6.0, _ROOFS[(n * 2) % 5])
        for n, x in enumerate(range(-820, 860, 39))
        if n % 4
    ]
    made += [Building("shed", x, 34.0, 90.0, 22.0, 9.0, 5.0, _ROOFS[2]) for x in (500.0, 560.0, 720.0, 790.0)]
    return made


def _port_gear() -> list[Building]:
    made = [
        Building("tank", x, y, 0.0, d, d, 13.0)
        for x, d in ((-322.0, 30.0), (-284.0, 30.0), (-246.0, 26.0))
        for y in (98.0, 136.0, 174.0)
    ]
    made += [
        Building("crane", x, 11.5, 180.0, 62.0, 17.0, 42.0, (0.10, 0.22, 0.42)) for x in (-62.0, 8.0, 34.0)
    ]
    made += [Building("crane", x, 11.5, 180.0, 46.0, 12.0, 30.0, (0.45, 0.30, 0.05)) for x in (150.0, 228.0)]
    made += [Building("crane", 340.0, -150.0, 270.0, 40.0, 11.0, 28.0, (0.45, 0.30, 0.05))]
    made += [
        Building("containers", x, y, 90.0, 64.0, 17.0, 11.0)
        for x in (-150.0, -78.0, -6.0, 66.0, 138.0)
        for y in (66.0, 92.0, 118.0, 144.0, 170.0)
    ]
    made += [Building("containers", 232.0, y, 90.0, 90.0, 14.0, 6.0) for y in (80.0, 112.0, 144.0)]
    made += [
        Building("tank", x, y, 0.0, 6.0, 6.0, 11.0) for x, y in (line.coords[-1] for line in BREAKWATERS)
    ]
    return made


def _trees() -> list[Building]:
    rng = np.random.default_rng(71)
    places = [(x, 214.0) for x in np.arange(-780.0, -360.0, 14.0)] + [
        (x, 246.0) for x in np.arange(-860.0, 900.0, 17.0)
    ]
    places += [(x, 134.0) for x in np.arange(476.0, 640.0, 10.0)]
    places += [
        tuple(p)
        for centre in ((-900, 170), (760, 120), (820, 180), (980, 260), (-1000, 330))
        for p in rng.normal(centre, (38, 26), (34, 2))
    ]
    sizes, shifts = rng.uniform(3.5, 8.0, len(places)), rng.normal(0.0, 1.8, (len(places), 2))
    return [
        Building("tree", float(x + dx), float(y + dy), 0.0, float(d), float(d), float(0.9 * d))
        for (x, y), d, (dx, dy) in zip(places, sizes, shifts, strict=True)
        if rng.random() < 0.8
    ]
