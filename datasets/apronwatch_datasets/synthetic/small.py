"""A small scene in one call, for tests: one apron, some aircraft, a row of vehicles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from shapely.geometry import LineString, box

from apronwatch.site import Site, write_sites
from apronwatch_datasets.synthetic.drawing import Picture, draw, solid_of
from apronwatch_datasets.synthetic.scenario_files import site_of
from apronwatch_datasets.synthetic.spec import Base, Look, Marking, Parked, Surface, ZoneArea
from apronwatch_datasets.synthetic.writing import NOTE, SceneFiles, write_scene

_GAP_M = 4.0


@dataclass(frozen=True, eq=False)
class DrawnScene:
    """A small scene: picture with truth, its files, and the site (also as a file) whose zones it shows."""

    picture: Picture
    files: SceneFiles
    site: Site
    sites: Path


def drawn_scene(
    folder: Path,
    *,
    size_px: tuple[int, int] = (600, 600),
    gsd_m: float = 0.5,
    types: Sequence[str] = (
        "Il-76",
        "An-26",
        "A320",
        "KC-135",
        "Tu-95",
        "Su-27",
        "Mi-8",
        "lorry",
        "car",
        "car",
    ),
    seed: int = 1,
    time: datetime = datetime(2026, 3, 3, 8, 15, tzinfo=UTC),
    bits: Literal[8, 11] = 8,
    bands: Literal[1, 3] = 3,
    haze: float = 0.15,
    cloud_cover: float = 0.0,
    shift_m: tuple[float, float] = (0.0, 0.0),
    name: str | None = None,
) -> DrawnScene:
    """Draw one apron with an object of each of `types`; write scene, mask, truth and site file into `folder`.

    The zones `west` and `east` are the halves of the apron, which fills the picture but for a margin of a
    tenth. The same arguments give the same bytes; another `time` moves the sun and leaves the objects alone.

    Raises:
        ValueError: a type that is not drawn, or more objects than find room.
    """
    width_m, height_m = size_px[0] * gsd_m, size_px[1] * gsd_m
    base = _apron(0.4 * width_m, 0.4 * height_m, seed)
    parked = scattered(types, 0.4 * width_m, 0.4 * height_m, np.random.default_rng([seed, 8]))
    extent = (-width_m / 2, -height_m / 2, width_m / 2, height_m / 2)
    look = Look(time, gsd_m, extent, bits, bands, haze, cloud_cover, shift_m, seed)
    picture = draw(base, parked, look)
    files = write_scene(
        picture, name or f"synthetic_{time:%Y%m%d}", folder, folder / "masks", folder / "truth"
    )
    site = site_of(base)
    write_sites([site], folder / "sites.geojson", attribution=NOTE)
    return DrawnScene(picture, files, site, folder / "sites.geojson")


def scattered(
    types: Sequence[str], half_x_m: float, half_y_m: float, rng: np.random.Generator
) -> tuple[Parked, ...]:
    """An object of each type somewhere in a rectangle about the origin, none touching another.

    Raises:
        ValueError: a type that is not drawn, or no room left after many tries.
    """
    placed: list[tuple[float, float, float]] = []
    made: list[Parked | None] = [None] * len(types)
    reach = [float(np.hypot(solid_of(t, 0).length_m, solid_of(t, 0).width_m)) / 2 for t in types]
    for number in sorted(range(len(types)), key=lambda n: -reach[n]):
        radius = reach[number]
        for _ in range(4000):
            x, y = rng.uniform(-1.0, 1.0, 2) * np.maximum(0.0, [half_x_m - radius, half_y_m - radius])
            if all(np.hypot(x - u, y - v) > radius + other + _GAP_M for u, v, other in placed):
                break
        else:
            raise ValueError(
                f"no room for {types[number]} among {len(placed)} others in {2 * half_x_m:.0f} m"
            )
        placed.append((x, y, radius))
        seed, heading = int(rng.integers(1 << 20)), float(rng.uniform(0.0, 360.0))
        made[number] = Parked(f"{number}", types[number], float(x), float(y), heading, seed)
    return tuple(p for p in made if p is not None)


def _apron(half_x: float, half_y: float, seed: int) -> Base:
    outline = box(-half_x, -half_y, half_x, half_y)
    return Base(
        id="synthetic-apron",
        name="Invented apron (synthetic)",
        crs="EPSG:32637",
        origin=(460_000.0, 4_780_000.0),
        rotation_deg=0.0,
        seed=seed,
        surfaces=(Surface("concrete", outline.buffer(6, join_style="mitre"), seed + 1, slab_m=7.5),),
        markings=(
            Marking(LineString([(-half_x, 0), (half_x, 0)]), 0.3),
            Marking(outline.exterior, 0.2, "white", worn=0.5),
        ),
        zones=(
            ZoneArea("west", "apron", "West half", box(-half_x, -half_y, 0, half_y)),
            ZoneArea("east", "apron", "East half", box(0, -half_y, half_x, half_y)),
        ),
    )
