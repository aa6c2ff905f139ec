"""An invented harbour: naval basins, a commercial quay, fishing boats and a marina behind two breakwaters.

It is placed on a coast in the middle of the Black Sea, where there is none; its plan is of no real harbour. The frame's
x axis is the line of the quays, land above it and sea below.
"""

from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry import LineString, box

from apronwatch_datasets.synthetic.harbour_works import (
    BREAKWATERS,
    PONTOONS_X,
    SHORES,
    buildings,
    land,
    markings,
    stains,
    surfaces,
)
from apronwatch_datasets.synthetic.spec import Base, Mooring, Stand, Water, ZoneArea

_FAIRWAY = LineString([(180, -1180), (180, -640), (135, -470), (60, -330)])
_MARINA_Y = np.arange(-24.0, -186.0, -5.2)
_ANCHORED = ((-760, -880), (-470, -960), (-150, -880), (500, -900), (760, -830), (-640, -1060))


def harbour(seed: int = 20260301, marina: bool = True) -> Base:
    """The port of the scenarios: about 2.0 by 1.5 km, 14 berth zones; without `marina` no pleasure boats.

    Stands, by first letter: A frigates and B larger warships, C missile boats, D minesweepers and patrol boats end-on,
    E submarines, F tugs, G the oil jetty, H the main quay, I ro-ro, J cargo, K fishing boats, M pleasure boats, N at
    anchor, U ships and V boats under way, P the car park, Q lorries on the quays.
    """
    sheltered = shapely.Polygon(
        [*BREAKWATERS[0].coords, (180, -640), *reversed(BREAKWATERS[1].coords), (900, 50), (-800, 50)]
    )
    sea = shapely.difference(box(-4000, -4000, 4000, 1200), land())
    return Base(
        id="synthetic-port",
        name="Invented harbour (synthetic)",
        crs="EPSG:32637",
        origin=(478_000.0, 4_783_000.0),
        rotation_deg=9.0,
        seed=seed,
        surfaces=surfaces(seed),
        waters=(
            Water(
                sea, shapely.MultiLineString(SHORES), sheltered.buffer(-12), _FAIRWAY.buffer(55), seed + 60
            ),
        ),
        markings=markings(),
        stains=stains(seed),
        buildings=buildings(marina),
        stands=(*_naval(), *_commercial(), *_small_craft(marina), *_at_sea(), *_vehicles()),
        zones=_zones(marina),
        extent_m=(-1000.0, -1120.0, 1000.0, 400.0),
    )


def _row(
    letter: str, zone: str, places: list[tuple[float, float]], heading_deg: float, most_m: float,
    mooring: Mooring, abreast: int = 1,
) -> list[Stand]:  # fmt: skip
    return [
        Stand(f"{letter}{zone}-{n}-{k}", zone, x, y, heading_deg, most_m, mooring=mooring)
        for n, (x, y) in enumerate(places)
        for k in range(abreast)
    ]


def _naval() -> list[Stand]:
    return [
        *_row("E", "pier-1-west", [(-640, -60), (-640, -152), (-640, -244)], 0.0, 76.0, "starboard", 2),
        *_row("C", "pier-1-east", [(-612, -112), (-612, -186), (-612, -260)], 180.0, 62.0, "starboard", 3),
        *_row("D", "basin-quay", [(-567.0 + 13.0 * n, 0.0) for n in range(7)], 180.0, 10.5, "stern"),
        *_row("A", "pier-2-west", [(-440, -80), (-440, -222)], 180.0, 127.0, "port", 2),
        *_row("A", "pier-2-east", [(-412, -80), (-412, -222)], 0.0, 127.0, "port", 2),
        *_row("B", "mole-west", [(-236, -92), (-236, -270)], 180.0, 164.0, "port"),
    ]


def _commercial() -> list[Stand]:
    return [
        *_row("G", "oil-jetty", [(-196, -235)], 0.0, 192.0, "port"),
        *_row("H", "main-quay", [(-25, 0), (190, 0)], 90.0, 196.0, "port"),
        *_row("I", "pier-3-west", [(330, -215)], 180.0, 196.0, "port"),
        *_row("J", "pier-3-east", [(430, -92), (430, -242)], 0.0, 143.0, "port"),
        *_row("F", "tug-quay", [(602, 0), (640, 0)], 270.0, 32.0, "starboard", 2),
    ]


def _small_craft(marina: bool) -> list[Stand]:
    made = _row("K", "fishing-quay", [(468.0 + 8.6 * n, 0.0) for n in range(13)], 180.0, 7.2, "stern")
    if marina:
        for number, x in enumerate(PONTOONS_X):
            for side, heading in ((-1, 270.0), (1, 90.0)):
                places = [(x + 1.5 * side, float(y)) for y in _MARINA_Y]
                row = _row("M", "marina", places, heading, 4.5, "stern")
                made += [replace(s, id=f"{s.id}-{number}{side}") for s in row]
    return made


def _at_sea() -> list[Stand]:
    anchored = [
        Stand(f"N{n}", "anchorage", x, y, 248.0 + 3.0 * n, 195.0, at_sea=True)
        for n, (x, y) in enumerate(_ANCHORED)
    ]
    ships = [
        Stand("U0", "", 185, -905, 2.0, 165.0, at_sea=True),
        Stand("U1", "", 160, -600, 352.0, 165.0, at_sea=True),
    ]
    boats = [(208, -760, 178.0), (112, -420, 338.0), (152, -730, 5.0), (88, -340, 330.0)]
    small = [Stand(f"V{n}", "", x, y, h, 30.0, at_sea=True) for n, (x, y, h) in enumerate(boats)]
    return [*anchored, *ships, *small]


def _vehicles() -> list[Stand]:
    cars = [
        Stand(f"P{row}-{n}", "car-park", 476.0 + 2.9 * n, y, 180.0 * (row % 2), 3.0, max_length_m=6.5)
        for row, y in enumerate((58.0, 75.0, 80.5, 97.5, 103.0, 120.0))
        for n in range(56)
    ]
    lorries = [(x, 36.0, 90.0) for x in np.arange(-170.0, 290.0, 23.0)]
    lorries += [(x, 12.0, 90.0) for x in np.arange(-780.0, -240.0, 45.0)]
    lorries += [(347.0 + 3.6 * n, 20.0 + 15.0 * row, 0.0) for row in range(3) for n in range(20)]
    lorries += [(-203.0, y, 0.0) for y in np.arange(-340.0, -20.0, 40.0)]
    return cars + [Stand(f"Q{n}", "", float(x), float(y), h, 4.0) for n, (x, y, h) in enumerate(lorries)]


def _zones(marina: bool) -> tuple[ZoneArea, ...]:
    berths = {
        "pier-1-west": ("Pier 1, west side", box(-672, -305, -640, -8)),
        "pier-1-east": ("Pier 1, east side", box(-612, -305, -572, -78)),
        "basin-quay": ("Basin quay", box(-576, -72, -480, 0)),
        "pier-2-west": ("Pier 2, west side", box(-478, -305, -440, -8)),
        "pier-2-east": ("Pier 2, east side", box(-412, -305, -374, -8)),
        "mole-west": ("Mole, west side", box(-266, -365, -236, -4)),
        "oil-jetty": ("Oil jetty", box(-196, -345, -155, -130)),
        "main-quay": ("Main quay", box(-130, -40, 298, 0)),
        "pier-3-west": ("Pier 3, west side", box(296, -320, 330, -105)),
        "pier-3-east": ("Pier 3, east side", box(430, -320, 455, -15)),
        "fishing-quay": ("Fishing quay", box(462, -32, 580, 0)),
        "tug-quay": ("Tug quay", box(583, -34, 660, 0)),
        "anchorage": ("Anchorage", box(-900, -1180, 900, -800).difference(_FAIRWAY.buffer(70))),
    }
    if marina:
        berths["marina"] = ("Marina", box(676, -194, 890, -8))
    made = [ZoneArea(key, "berth", name, outline) for key, (name, outline) in berths.items()]
    return (*made, ZoneArea("car-park", "vehicle_park", "Car park", box(472, 50, 642, 128)))
