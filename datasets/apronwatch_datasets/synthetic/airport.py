"""An invented civil airport: terminal with stands, business jets, light aircraft in rows. In the Black Sea."""

from itertools import pairwise

import numpy as np
from shapely.geometry import LineString, box

from apronwatch_datasets.synthetic.spec import Base, Building, Marking, Stain, Stand, Surface, ZoneArea

_GATE_X = [-288.0 + 72.0 * n for n in range(9)]
_REMOTE_X = [-290.0 + 43.0 * n for n in range(9)]
_JET_X = [150.0 + 33.0 * n for n in range(6)]
_LIGHT_ROWS_Y = (44.0, 72.0, 100.0, 128.0)
_LIGHT_X = [372.0 + 18.0 * n for n in range(7)]
_PARK_ROWS_Y = [258.0 + 17.0 * n for n in range(4)]
_RUNWAY_Y, _TAXIWAY_Y = -330.0, -150.0


def airport(seed: int = 1) -> Base:
    """Stands at the gates (`N`), remote (`R`), of business jets (`J`), of light aircraft (`G`).

    Vehicles stand beside the gates (`S`) and in the car park (`K`).
    """
    stands = _stands()
    return Base(
        id="synthetic-airport",
        name="Invented airport (synthetic)",
        crs="EPSG:32637",
        origin=(425_000.0, 4_785_000.0),
        rotation_deg=23.0,
        seed=seed,
        extent_m=(-540.0, -540.0, 620.0, 480.0),
        surfaces=_surfaces(seed),
        markings=tuple(_markings(stands)),
        stains=tuple(_stains(stands, np.random.default_rng([seed, 91]))),
        buildings=tuple(_buildings(np.random.default_rng([seed, 92]))),
        stands=tuple(stands),
        zones=(
            ZoneArea("gates", "apron", "Gates", box(-332, 20, 330, 148), 66.0),
            ZoneArea("remote", "apron", "Remote stands", box(-318, -112, 90, -20), 43.0),
            ZoneArea("business", "apron", "Business jets", box(130, -112, 335, -20), 30.0),
            ZoneArea("light", "ramp", "Light aircraft", box(358, 28, 495, 146), 17.0),
            ZoneArea("car-park", "vehicle_park", "Car park", box(-262, 246, 262, 322)),
        ),
    )


def _surfaces(seed: int) -> tuple[Surface, ...]:
    runway = box(-1200, _RUNWAY_Y - 22.5, 1200, _RUNWAY_Y + 22.5)
    links = [
        LineString([(x, _RUNWAY_Y), (x, _TAXIWAY_Y)]).buffer(12, cap_style="flat")
        for x in (-400.0, 60.0, 480.0)
    ]
    parallel = LineString([(-1200, _TAXIWAY_Y), (1200, _TAXIWAY_Y)]).buffer(12, cap_style="flat")
    for link in links:
        parallel = parallel.union(link)
    return (
        Surface("gravel", runway.buffer(8, cap_style="flat"), seed + 1, tone=0.75),
        Surface("asphalt", parallel.buffer(18).buffer(-18), seed + 2, tone=1.3),
        Surface("asphalt", runway, seed + 3, tone=1.0),
        Surface("concrete", box(-340, -138, 340, 152), seed + 4, slab_m=7.5, tone=1.02),
        Surface("asphalt", box(340, 20, 505, 152), seed + 5, tone=1.4),
        Surface("asphalt", box(-280, 240, 280, 328), seed + 6, tone=1.2),
        Surface("asphalt", LineString([(-700, 226), (700, 226)]).buffer(6, cap_style="flat"), seed + 7),
    )


def _stands() -> list[Stand]:
    made = [Stand(f"N{n}", "gates", x, 100.0, 0.0, 66.0) for n, x in enumerate(_GATE_X)]
    made += [Stand(f"R{n}", "remote", x, -68.0, 180.0, 40.0) for n, x in enumerate(_REMOTE_X)]
    made += [Stand(f"J{n}", "business", x, -68.0, 180.0, 30.0) for n, x in enumerate(_JET_X)]
    made += [
        Stand(f"G{row}-{n}", "light", x, y, 180.0 * (row % 2), 17.0)
        for row, y in enumerate(_LIGHT_ROWS_Y)
        for n, x in enumerate(_LIGHT_X)
    ]
    made += [
        Stand(f"S{n}{k}", "gates", (a + b) / 2 + 3.6 * (k - 1), 118.0 + 14.0 * (k % 2), 0.0, 3.4)
        for n, (a, b) in enumerate(pairwise(_GATE_X))
        for k in range(3)
    ]
    made += [
        Stand(f"K{row}-{n}", "car-park", float(x), y, 180.0 * (row % 2), 3.0, max_length_m=6.5)
        for row, y in enumerate(_PARK_ROWS_Y)
        for n, x in enumerate(np.arange(-255.0, 256.0, 2.8))
    ]
    return made


def _buildings(rng: np.random.Generator) -> list[Building]:
    terminal = [
        Building("shed", -186.0, 184.0, 90.0, 228.0, 38.0, 14.0, (0.46, 0.47, 0.48)),
        Building("hangar", 0.0, 186.0, 90.0, 144.0, 44.0, 19.0, (0.50, 0.51, 0.52)),
        Building("shed", 186.0, 184.0, 90.0, 228.0, 38.0, 14.0, (0.42, 0.42, 0.41)),
    ]
    # Each gate's bridge runs from the terminal along the left side of the nose.
    bridges = [Building("shed", x - 7.0, 148.0, 0.0, 38.0, 3.2, 7.0, (0.45, 0.46, 0.47)) for x in _GATE_X]
    masts = [Building("mast", x, -14.0, 0.0, 1.0, 2.4, 24.0) for x in np.arange(-324.0, 330.0, 108.0)]
    masts += [Building("mast", float(x), 284.0, 0.0, 0.8, 1.6, 11.0) for x in np.arange(-200.0, 210.0, 80.0)]
    hangars = [
        Building("hangar", 400.0, 190.0, 90.0, 44.0, 40.0, 12.0, (0.50, 0.50, 0.48)),
        Building("hangar", 465.0, 190.0, 90.0, 44.0, 40.0, 12.0, (0.36, 0.40, 0.44)),
    ]
    places = [(x, 345.0) for x in np.arange(-290.0, 300.0, 12.0)]
    trees = [
        Building("tree", float(x + rng.normal(0, 2)), float(y + rng.normal(0, 2)), 0.0, d, d, 0.9 * d)
        for (x, y), d in zip(places, rng.uniform(4.0, 8.0, len(places)).tolist(), strict=True)
        if rng.random() < 0.8
    ]
    return [*terminal, *bridges, *masts, *hangars, *trees]


def _markings(stands: list[Stand]) -> list[Marking]:
    y = _RUNWAY_Y
    made = [Marking(LineString([(-1200, y), (1200, y)]), 0.9, "white", (30.0, 20.0), worn=0.25)]
    made += [Marking(LineString([(-1200, y + s), (1200, y + s)]), 0.9, "white") for s in (-21.5, 21.5)]
    made += [Marking(LineString([(-1200, _TAXIWAY_Y), (1200, _TAXIWAY_Y)]), 0.3)]
    made += [Marking(LineString([(-335, line), (335, line)]), 0.3) for line in (4.0, -122.0)]
    made += [Marking(LineString([(x, _RUNWAY_Y + 50), (x, 4.0)]), 0.3) for x in (-400.0, 60.0, 480.0)[1:2]]
    for stand in stands:
        if stand.id[0] in "NRJ":
            far = 126.0 if stand.id[0] == "N" else -122.0
            near = 4.0 if stand.id[0] == "N" else stand.y_m + 14.0
            made.append(Marking(LineString([(stand.x_m, near), (stand.x_m, far)]), 0.25, worn=0.4))
        if stand.id[0] == "K":
            x = stand.x_m - 1.4
            made.append(
                Marking(LineString([(x, stand.y_m - 2.5), (x, stand.y_m + 2.5)]), 0.1, "white", worn=0.5)
            )
    made += [
        Marking(LineString([(x + 36.0, 24.0), (x + 36.0, 140.0)]), 0.2, "white", worn=0.4)
        for x in _GATE_X[:-1]
    ]
    return made


def _stains(stands: list[Stand], rng: np.random.Generator) -> list[Stain]:
    made = []
    for stand in stands:
        if stand.id[0] not in "NRJG":
            continue
        size = min(1.0, stand.max_span_m / 55.0)
        for _ in range(rng.integers(1, 4)):
            x, y = np.array([stand.x_m, stand.y_m]) + rng.normal(0.0, 7.0 * size, 2)
            long, wide, strength = (
                rng.uniform(4, 14) * size,
                rng.uniform(2, 7) * size,
                rng.uniform(0.08, 0.34),
            )
            made.append(Stain(float(x), float(y), float(rng.uniform(0, 180)), long, wide, strength))
    for line in (4.0, -122.0, _TAXIWAY_Y):
        made += [
            Stain(float(x), line + s, 90.0, 80.0, 1.8, float(rng.uniform(0.05, 0.15)))
            for x in np.arange(-320.0, 320.0, 50.0)
            for s in (-2.8, 2.8)
        ]
    made += [
        Stain(float(x), _RUNWAY_Y + s, 90.0, 180.0, 4.0, float(rng.uniform(0.08, 0.2)))
        for x in rng.uniform(-600, 600, 8)
        for s in (-4.5, 4.5)
    ]
    return made
