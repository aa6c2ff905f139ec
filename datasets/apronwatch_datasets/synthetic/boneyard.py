"""Rows of stored aircraft in an invented desert, placed where there is none: in the Black Sea."""

import numpy as np
from shapely.geometry import LineString, box

from apronwatch_datasets.synthetic.spec import Base, Building, Stain, Stand, Surface, ZoneArea

_ROAD_X = 175.0


def boneyard(seed: int = 1, fighter_rows: int = 6, heavy_rows: int = 2) -> Base:
    """Bombers (stands `B`), transports (`C`), fighters close together (`F`), and a scrapping yard (`X`).

    Args:
        seed: of ground and tracks.
        fighter_rows: rows of 28 fighters, 1 to 6.
        heavy_rows: rows of 12 bombers and of 15 transports each, 1 or 2.

    Raises:
        ValueError: more rows than find room.
    """
    if not (1 <= fighter_rows <= 6 and 1 <= heavy_rows <= 2):
        raise ValueError(
            f"fighter_rows={fighter_rows} (1 to 6), heavy_rows={heavy_rows} (1 or 2) find no room"
        )
    stands = _stands(fighter_rows, heavy_rows)
    return Base(
        id="synthetic-boneyard",
        name="Invented aircraft store (synthetic)",
        crs="EPSG:32637",
        origin=(430_000.0, 4_770_000.0),
        rotation_deg=17.0,
        seed=seed,
        extent_m=(-500.0, -480.0, 500.0, 480.0),
        terrain="desert",
        surfaces=_surfaces(seed),
        stains=tuple(_tracks(stands, np.random.default_rng([seed, 61]))),
        buildings=tuple(
            Building("shed", x, 350.0, 90.0, 42.0, 20.0, 8.0, roof)
            for x, roof in (
                (220.0, (0.52, 0.51, 0.47)),
                (285.0, (0.40, 0.42, 0.42)),
                (350.0, (0.55, 0.54, 0.5)),
            )
        ),
        stands=tuple(stands),
        zones=(
            ZoneArea("bombers", "apron", "Bombers", box(-440, -370, 440, -170), 60.0),
            ZoneArea("transports", "apron", "Transports", box(-440, -150, 440, 40), 45.0),
            ZoneArea("fighters", "ramp", "Fighters", box(-440, 60, 160, 330), 20.0),
            ZoneArea("scrapping", "apron", "Scrapping yard", box(190, 80, 440, 310), 60.0),
        ),
    )


def _surfaces(seed: int) -> tuple[Surface, ...]:
    lanes = [
        LineString([(-460, y), (460, y)]).buffer(6, cap_style="flat") for y in (-270.0, -160.0, -55.0, 50.0)
    ]
    lanes += [LineString([(_ROAD_X, -400), (_ROAD_X, 400)]).buffer(7, cap_style="flat")]
    # Where aircraft stand and are towed the ground is packed and bare.
    packed = [box(-440, -360, 440, -180), box(-440, -145, 440, 30), box(-440, 60, 160, 330)]
    return (
        *(Surface("gravel", area, seed + 20 + n, tone=1.13) for n, area in enumerate(packed)),
        *(Surface("gravel", lane, seed + 10 + n, tone=1.3) for n, lane in enumerate(lanes)),
        Surface("gravel", box(190, 80, 440, 310), seed + 30, tone=0.85),
        Surface("concrete", box(195, 325, 395, 375), seed + 31, slab_m=6.0, tone=0.95),
    )


def _stands(fighter_rows: int, heavy_rows: int) -> list[Stand]:
    rows: list[tuple[str, str, float, float, float, float]] = []
    rows += [("B", "bombers", -225.0 - 100.0 * n, 66.0, 180.0 * n, 58.0) for n in range(heavy_rows)]
    rows += [("C", "transports", -10.0 - 95.0 * n, 53.0, 180.0 * n, 45.0) for n in range(heavy_rows)]
    rows += [("F", "fighters", 90.0 + 42.0 * n, 20.0, 205.0, 18.0) for n in range(fighter_rows)]
    made: list[Stand] = []
    for prefix, zone, y, pitch, heading, span in rows:
        right = 150.0 if prefix == "F" else 410.0
        places = [x for x in np.arange(-410.0, right, pitch) if abs(x - _ROAD_X) > 0.5 * span + 8.0]
        made += [
            Stand(f"{prefix}{len(made) + n}", zone, float(x), y, heading, span) for n, x in enumerate(places)
        ]
    made += [
        Stand(f"X{n}{k}", "scrapping", 230.0 + 56.0 * n, 125.0 + 62.0 * k, 40.0 * n + 75.0 * k, 45.0)
        for n in range(4)
        for k in range(3)
    ]
    return made


def _tracks(stands: list[Stand], rng: np.random.Generator) -> list[Stain]:
    """Wheel tracks into each stand, and what leaked there."""
    made = []
    for stand in stands:
        reach = min(stand.max_span_m, 50.0)
        for side in (-0.06, 0.06):
            x = stand.x_m + side * reach
            made.append(
                Stain(x, stand.y_m, stand.heading_deg, 1.5 * reach, 1.1, float(rng.uniform(0.04, 0.16)))
            )
        x, y = np.array([stand.x_m, stand.y_m]) + rng.normal(0.0, 0.08 * reach, 2)
        made.append(Stain(float(x), float(y), 0.0, 0.12 * reach, 0.1 * reach, float(rng.uniform(0.05, 0.3))))
    return made
