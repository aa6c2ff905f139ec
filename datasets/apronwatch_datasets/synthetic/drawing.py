"""One look at a base: pixels, cloud mask and truth."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES, aeroplane
from apronwatch_datasets.synthetic.atmosphere import Clouds, draw_clouds, through_air
from apronwatch_datasets.synthetic.buildings import building
from apronwatch_datasets.synthetic.conditions import decoy, wreck
from apronwatch_datasets.synthetic.frame import Float, Grid, in_colour
from apronwatch_datasets.synthetic.ground import draw_ground
from apronwatch_datasets.synthetic.helicopters import HELICOPTER_TYPES, helicopter
from apronwatch_datasets.synthetic.rendering import Placed, seen, throw_shadow
from apronwatch_datasets.synthetic.sensor import expose
from apronwatch_datasets.synthetic.ships import SHIP_TYPES, ship
from apronwatch_datasets.synthetic.solids import Solid
from apronwatch_datasets.synthetic.spec import Base, Kind, Look, Parked
from apronwatch_datasets.synthetic.strips import each, over_rows
from apronwatch_datasets.synthetic.sun import Sun, sun_at
from apronwatch_datasets.synthetic.truth import Truth, covered_shares, true_object
from apronwatch_datasets.synthetic.vehicles import SIZES_M, vehicle
from apronwatch_datasets.synthetic.water import draw_water

TYPES = (*PLANE_TYPES, *HELICOPTER_TYPES, *SIZES_M, *SHIP_TYPES)
"""Names of all that can be parked."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn scene.

    Attributes:
        pixels: (H, W, B) uint8, or uint16 of 0 to 2047; B is 3 (red, green, blue) or 1.
        cloud: (H, W) True where cloud hides the ground, or None for a clear sky.
        grid: where the pixels truly lie; the file says `grid.affine(look.shift_m)`.
        sun: as it stood.
        truth: what was drawn.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    cloud: NDArray[np.bool_] | None
    grid: Grid
    sun: Sun
    truth: Truth


def solid_of(type_name: str, seed: int, kind: Kind = "real", stripped: bool = False) -> Solid:
    """The solid of an aircraft, vehicle or ship type; raises `ValueError` for a type that is not drawn."""
    solid = _working(type_name, seed, stripped)
    if kind == "decoy":
        return decoy(solid)
    return wreck(solid, seed) if kind == "wreck" else solid


def _working(type_name: str, seed: int, stripped: bool) -> Solid:
    if type_name in PLANE_TYPES:
        return aeroplane(type_name, seed % 64, stripped)
    if type_name in HELICOPTER_TYPES:
        return helicopter(type_name, seed % 64)
    if type_name in SIZES_M:
        return vehicle(type_name, seed % 64)
    if type_name in SHIP_TYPES:
        return ship(type_name, seed % 64)
    raise ValueError(f"no type {type_name!r}: there are {', '.join(TYPES)}")


def sun_over(base: Base, look: Look) -> Sun:
    """The sun of a look; raises `ValueError` where it stands too low."""
    longitude, latitude = Transformer.from_crs(base.crs, "EPSG:4326", always_xy=True).transform(*base.origin)
    return sun_at(look.time, longitude, latitude)


def draw(base: Base, parked: tuple[Parked, ...], look: Look) -> Picture:
    """Draw a base with what is parked on it; the same arguments give the same pixels."""
    grid = Grid.of(base, look)
    sun = sun_over(base, look)
    structures = [
        _place(base, building(b), b.x_m, b.y_m, b.heading_deg, n) for n, b in enumerate(base.buildings)
    ]
    objects = [
        _place(base, solid_of(p.type_name, p.seed, p.kind, p.stripped), p.x_m, p.y_m, p.heading_deg, p.seed)
        for p in parked
    ]
    clouds = draw_clouds(look, grid, sun)
    radiance = _radiance(base, grid, look, sun, structures, objects, clouds)
    through_air(radiance, look, sun, clouds)
    pixels = expose(radiance, look, sun)
    cloud = None if clouds is None else clouds.mask
    covers = covered_shares(objects, structures)
    facts = (
        true_object(p.id, o, grid, look, cloud, kind=p.kind, stripped=p.stripped, covered=share)
        for p, o, share in zip(parked, objects, covers, strict=True)
    )
    return Picture(pixels, cloud, grid, sun, Truth(base, look, tuple(facts)))


def _radiance(
    base: Base,
    grid: Grid,
    look: Look,
    sun: Sun,
    structures: list[Placed],
    objects: list[Placed],
    clouds: Clouds | None,
) -> Float:
    """Light (H, W, 3) that leaves the ground and all that stands on it; structures cover objects."""
    overhead = np.ones(grid.shape, np.float32) if clouds is None else clouds.beam
    on_objects = overhead.copy()
    for structure in structures:
        throw_shadow(on_objects, grid, structure, sun)
    on_ground = on_objects.copy()
    for thing in objects:
        throw_shadow(on_ground, grid, thing, sun)
    level_beam = sun.beam * np.float32(sun.direction[2])
    radiance = draw_ground(base, grid)

    def light_up(rows: slice) -> None:
        radiance[rows] *= in_colour(on_ground[rows], level_beam, sun.sky)

    over_rows(grid.height, light_up)
    draw_water(radiance, on_ground, base, grid, look, sun, objects)
    for layer, light in ((objects, on_objects), (structures, overhead)):
        for patch in each(partial(seen, light=light, grid=grid, sun=sun), layer):
            if patch is not None:
                patch.lay_over(radiance)
    return radiance


def _place(base: Base, solid: Solid, x_m: float, y_m: float, heading_deg: float, seed: int) -> Placed:
    east, north = base.matrix @ [x_m, y_m, 1.0]
    return Placed(solid, float(east), float(north), heading_deg + base.rotation_deg, seed)
