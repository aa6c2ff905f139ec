"""What is drawn, as parameters: a base, what stands on it, and one look at it.

Places are metres in the base's own frame, x to its right and y up; the frame is turned by `Base.rotation_deg`
(clockwise from grid north) about `Base.origin`. Headings are clockwise from the frame's y axis.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from shapely.affinity import affine_transform
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

Kind = Literal["real", "decoy", "wreck"]
Mooring = Literal["free", "port", "starboard", "stern", "bow"]


@dataclass(frozen=True, eq=False)
class Surface:
    """A paved area; `slab_m` is the pitch of its joints (0: poured without)."""

    kind: Literal["concrete", "asphalt", "gravel", "sand", "riprap"]
    outline: BaseGeometry
    seed: int
    slab_m: float = 0.0
    slab_rotation_deg: float = 0.0
    tone: float = 1.0


@dataclass(frozen=True, eq=False)
class Marking:
    """A painted line: white or yellow, worn (0 fresh, 1 gone), dashed by (on, off) metres or whole."""

    line: LineString
    width_m: float
    colour: Literal["white", "yellow"] = "yellow"
    dash_m: tuple[float, float] | None = None
    worn: float = 0.35


@dataclass(frozen=True)
class Stain:
    """A soft dark patch: oil under a stand, rubber on the runway, tracks of tyres."""

    x_m: float
    y_m: float
    heading_deg: float
    length_m: float
    width_m: float
    strength: float


@dataclass(frozen=True)
class Building:
    """Something that stands there for good and throws a shadow."""

    kind: Literal["hangar", "shelter", "shed", "tank", "tree", "mast", "crane", "containers", "pontoon"]
    x_m: float
    y_m: float
    heading_deg: float
    length_m: float
    width_m: float
    height_m: float
    albedo: tuple[float, float, float] = (0.45, 0.46, 0.47)


@dataclass(frozen=True)
class Stand:
    """Where one object may be parked, its nose to `heading_deg`.

    `mooring` other than `free` is for ships: the place is then where that side of a ship meets the quay, and
    `max_span_m` is the longest ship alongside (`port`, `starboard`) or the broadest end-on (`stern`, `bow`). Several
    such stands at one place are a raft: ships that lie abreast. A stand `at_sea` is for a ship at anchor or under way,
    and `max_span_m` its greatest length; all others take no ships.
    """

    id: str
    zone: str
    x_m: float
    y_m: float
    heading_deg: float
    max_span_m: float
    spread_m: float | None = None
    mooring: Mooring = "free"
    max_length_m: float | None = None
    at_sea: bool = False

    @property
    def length_limit_m(self) -> float:
        """Greatest length of what may stand here; unless given, a road vehicle's or 1.5 times the span."""
        return self.max_length_m or max(17.0, 1.5 * self.max_span_m)


@dataclass(frozen=True, eq=False)
class ZoneArea:
    """A zone of the site file, in the base's frame."""

    id: str
    kind: str
    name: str
    outline: Polygon
    max_span_m: float | None = None


@dataclass(frozen=True, eq=False)
class Water:
    """Sea, drawn over the ground.

    Attributes:
        outline: its surface; land and quays are cut out.
        shore: beaches, where it turns shallow and the surf breaks.
        sheltered: where breakwaters keep the waves away.
        fairway: ships there are under way and leave a wake.
        wall_m: height of the quays above it.
    """

    outline: BaseGeometry
    shore: BaseGeometry
    sheltered: Polygon
    fairway: Polygon
    seed: int
    wall_m: float = 2.2


@dataclass(frozen=True, eq=False)
class Base:
    """An invented place. `crs` is a UTM zone, `origin` the east and north of its frame's zero.

    `extent_m` (as of `Look`) is what a look covers that names no extent of its own; `terrain` is the open ground.
    """

    id: str
    name: str
    crs: str
    origin: tuple[float, float]
    rotation_deg: float
    seed: int
    surfaces: tuple[Surface, ...] = ()
    waters: tuple[Water, ...] = ()
    markings: tuple[Marking, ...] = ()
    stains: tuple[Stain, ...] = ()
    buildings: tuple[Building, ...] = ()
    stands: tuple[Stand, ...] = ()
    zones: tuple[ZoneArea, ...] = ()
    extent_m: tuple[float, float, float, float] = (-500.0, -500.0, 500.0, 500.0)
    terrain: Literal["steppe", "desert"] = "steppe"

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) affine from the base's frame to east and north."""
        angle = math.radians(self.rotation_deg)
        c, s = math.cos(angle), math.sin(angle)
        return np.array([[c, s, self.origin[0]], [-s, c, self.origin[1]]])

    def to_grid(self, geometry: BaseGeometry) -> BaseGeometry:
        """A geometry of the base's frame in metres of its CRS."""
        (a, b, x), (d, e, y) = self.matrix
        return affine_transform(geometry, [a, b, d, e, x, y])


@dataclass(frozen=True)
class Parked:
    """One object on the ground at one time; `seed` fixes its livery and small differences.

    `kind` other than `real` is never counted: a decoy is painted flat on the ground, a wreck is broken. `stripped`
    says that engines, propellers and cowlings were taken off; it is still counted. `stand` is the id of the stand it
    took, empty for one at a place of its own.
    """

    id: str
    type_name: str
    x_m: float
    y_m: float
    heading_deg: float
    seed: int
    kind: Kind = "real"
    stripped: bool = False
    stand: str = ""


@dataclass(frozen=True)
class Look:
    """One acquisition.

    Attributes:
        time: UTC, with time zone; it sets the sun.
        gsd_m: ground metres per pixel, 0.2 to 1.5.
        extent_m: west, south, east, north edges relative to the base's origin, along the grid's axes.
        bits: 8, or 11 (0 to 2047 in 16 bits).
        bands: 3 (red, green, blue), or 1 (panchromatic).
        haze: 0 clear to 1 thick.
        cloud_cover: share of the picture under cloud, to a few hundredths.
        shift_m: error of the geolocation (east, north): the picture lies this much off its coordinates.
        seed: of noise and clouds.
        blur_px: standard deviation of the blur of optics, motion and resampling.
    """

    time: datetime
    gsd_m: float
    extent_m: tuple[float, float, float, float]
    bits: Literal[8, 11] = 8
    bands: Literal[1, 3] = 3
    haze: float = 0.15
    cloud_cover: float = 0.0
    shift_m: tuple[float, float] = (0.0, 0.0)
    seed: int = 0
    blur_px: float = 0.72

    def __post_init__(self) -> None:
        if not 0.2 <= self.gsd_m <= 1.5:
            raise ValueError(f"gsd_m={self.gsd_m}: scenes are drawn at 0.2 to 1.5 m")
        if self.time.tzinfo is None:
            raise ValueError(f"time={self.time.isoformat()} has no time zone")


@dataclass(frozen=True)
class Scene:
    """One look with what stood on the base then."""

    name: str
    look: Look
    parked: tuple[Parked, ...]


@dataclass(frozen=True, eq=False)
class Scenario:
    """A base and its looks, in order of time."""

    name: str
    base: Base
    scenes: tuple[Scene, ...] = field(default_factory=tuple)
