"""What was truly drawn: oriented boxes and counts per zone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.synthetic.frame import Grid
from apronwatch_datasets.synthetic.rendering import Placed
from apronwatch_datasets.synthetic.spec import Base, Kind, Look

_HIDDEN_FROM = 0.5
"""Share of a box under cloud, or of an object under a roof, from which it does not show."""


@dataclass(frozen=True, eq=False)
class TrueObject:
    """One drawn object.

    Attributes:
        box: (4, 2) metres of the base's CRS, as the picture's own coordinates say.
        truncated: the picture's edge cuts its box.
        in_picture: its centre lies in the picture.
        hidden: cloud covers most of its box.
        covered: share of it under a roof or tree.
        kind: only `real` ones are counted.
        stripped: it lacks engines, propellers and cowlings.
    """

    id: str
    class_name: str
    type_name: str
    length_m: float
    width_m: float
    heading_deg: float
    box: NDArray[np.float64]
    truncated: bool
    in_picture: bool
    hidden: bool
    covered: float = 0.0
    kind: Kind = "real"
    stripped: bool = False

    @property
    def shown(self) -> bool:
        """Its centre lies in the picture, and most of it neither under cloud nor under a roof."""
        return self.in_picture and not self.hidden and self.covered <= _HIDDEN_FROM

    @property
    def centre(self) -> NDArray[np.float64]:
        """(2,) east and north."""
        middle: NDArray[np.float64] = self.box.mean(axis=0)
        return middle


@dataclass(frozen=True, eq=False)
class Truth:
    """Everything that stood on the base at one look, also what the picture does not show."""

    base: Base
    look: Look
    objects: tuple[TrueObject, ...]

    def count(self, class_name: str, zone: str = "*", shown: bool = True) -> int:
        """How many of a class have their centre in a zone (`*`: in any): those shown, or all there were."""
        areas = [self.base.to_grid(z.outline) for z in self.base.zones if zone in ("*", z.id)]
        area = shapely.union_all(areas)
        return sum(
            bool(shapely.intersects_xy(area, *o.centre))
            for o in self.objects
            if o.class_name == class_name and o.kind == "real" and (o.shown or not shown)
        )

    def counts(self) -> dict[str, Any]:
        """Per zone and class: `present` on the ground, `shown` by the picture; without decoys and wrecks."""
        zones = [*(z.id for z in self.base.zones), "*"]
        return {
            "synthetic": True,
            "site": self.base.id,
            "time": self.look.time.isoformat(),
            "zones": {
                zone: {
                    name: {"present": self.count(name, zone, shown=False), "shown": self.count(name, zone)}
                    for name in CLASSES
                }
                for zone in zones
            },
            "not_counted": {kind: sum(o.kind == kind for o in self.objects) for kind in ("decoy", "wreck")},
        }

    def geojson(self) -> dict[str, Any]:
        """The objects of which the picture shows the centre or a piece, in longitude and latitude."""
        to_lonlat = Transformer.from_crs(self.base.crs, "EPSG:4326", always_xy=True)
        features = []
        for o in self.objects:
            if not (o.in_picture or o.truncated):
                continue
            ring = shapely.geometry.polygon.orient(shapely.Polygon(o.box)).exterior.coords
            lonlat = np.column_stack(to_lonlat.transform(*np.asarray(ring).T))
            features.append(
                {
                    "type": "Feature",
                    "id": o.id,
                    "properties": {
                        "class": o.class_name,
                        "type": o.type_name,
                        "length_m": round(o.length_m, 2),
                        "width_m": round(o.width_m, 2),
                        "heading_deg": round(o.heading_deg, 2),
                        "truncated": o.truncated,
                        "in_picture": o.in_picture,
                        "hidden": o.hidden,
                        "covered": round(o.covered, 3),
                        "kind": o.kind,
                        "decoy": o.kind == "decoy",
                        "wreck": o.kind == "wreck",
                        "stripped": o.stripped,
                        "synthetic": True,
                    },
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [[[round(v, 8) for v in p] for p in lonlat.tolist()]],
                    },
                }
            )
        return {"type": "FeatureCollection", "synthetic": True, "features": features}


def true_object(
    id_: str,
    placed: Placed,
    grid: Grid,
    look: Look,
    cloud: NDArray[np.bool_] | None,
    *,
    covered: float = 0.0,
    kind: Kind = "real",
    stripped: bool = False,
) -> TrueObject:
    """The truth of one placed solid; raises `ValueError` for a solid of no counted class."""
    solid = placed.solid
    if solid.class_name is None:
        raise ValueError(f"{solid.type_name} is no object that is counted")
    pixels = grid.to_pixels(placed.box)
    centre = pixels.mean(axis=0)
    size = np.array([grid.width, grid.height])
    inside = bool((centre >= 0).all() and (centre < size).all())
    cut = bool((pixels < 0).any() or (pixels > size).any())
    return TrueObject(
        id=id_,
        class_name=solid.class_name,
        type_name=solid.type_name,
        length_m=solid.length_m,
        width_m=solid.width_m,
        heading_deg=placed.heading_deg % 360.0,
        box=placed.box + np.array(look.shift_m),
        truncated=cut and shapely.Polygon(pixels).intersects(shapely.box(0, 0, *size.tolist())),
        in_picture=inside,
        hidden=inside and cloud is not None and _hidden(pixels, cloud),
        covered=covered,
        kind=kind,
        stripped=stripped,
    )


def covered_shares(objects: list[Placed], structures: list[Placed]) -> list[float]:
    """Share of the silhouette of each object that lies under a structure, which all rise above the objects."""
    roofs = [silhouette(structure) for structure in structures]
    tree = shapely.STRtree(roofs)
    shares = []
    for thing in objects:
        above = tree.query(shapely.Polygon(thing.box), predicate="intersects")
        shares.append(_share(silhouette(thing), [roofs[k] for k in above]) if len(above) else 0.0)
    return shares


def _share(shape: BaseGeometry, roofs: list[BaseGeometry]) -> float:
    return float(shape.intersection(shapely.union_all(roofs)).area / shape.area)


def silhouette(placed: Placed) -> BaseGeometry:
    """What a solid covers of the ground, east and north."""
    outlines = (shapely.Polygon(placed.to_ground(part.outline)).buffer(0) for part in placed.solid.parts)
    return shapely.union_all(list(outlines))


def _hidden(corners: NDArray[np.float64], cloud: NDArray[np.bool_]) -> bool:
    """Whether cloud covers most of a box, looked at on a grid of 7 by 7 points in it."""
    s = np.linspace(0.0, 1.0, 7)
    u, v = (a.reshape(-1, 1) for a in np.meshgrid(s, s))
    points = corners[0] + u * (corners[1] - corners[0]) + v * (corners[3] - corners[0])
    column, row = np.floor(points).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < cloud.shape[1]) & (row < cloud.shape[0])
    return bool(cloud[row[inside], column[inside]].mean() > _HIDDEN_FROM)
