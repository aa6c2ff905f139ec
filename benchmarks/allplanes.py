"""The dated GeoTIFFs of the AllPlanes examples: their labels in metres, and the places that they show."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from airbus import data_folder
from numpy.typing import NDArray
from pyproj import Transformer

from apronwatch import Scene, Site
from apronwatch.manifest import SceneRequest
from apronwatch.site import Zone

TYPES = {"K35R": ("KC-135R", 41.53, 39.88), "A21N": ("A321neo", 44.51, 35.80)}
"""By the label's ICAO type designator: name, overall length and span in metres (US Air Force fact sheet; Airbus)."""

BORDER_PX = 2
"""A box this near to the border of its picture may be cut."""


@dataclass(frozen=True)
class Look:
    """One GeoTIFF, and what is known of it: place, true GSD [m], date, labels."""

    path: Path
    place: str
    gsd_m: float
    date: str
    labels: Path


@dataclass(frozen=True, eq=False)
class Plane:
    """A labelled aircraft by its key points, in metres of a CRS; `cut`: the border of its picture may cut it."""

    type_name: str
    centre: NDArray[np.float64]
    nose_to_tail_m: float
    tip_to_tip_m: float
    cut: bool


def looks() -> list[Look]:
    """All fifteen, by place and date."""
    folder = data_folder() / "allplanes_examples"
    labels = {path.stem: path for path in folder.glob("*/annotations/*.json")}
    rows = json.loads((folder / "georef" / "georef.json").read_text(encoding="utf-8"))
    found = [
        Look(
            folder / "georef" / f"{row['file']}.tif",
            row["site"],
            row["gsd_m"],
            row["date"],
            labels[row["file"]],
        )
        for row in rows
    ]
    return sorted(found, key=lambda look: (look.place, look.date, look.path.name))


def requests(of: list[Look]) -> list[SceneRequest]:
    """The same as requests to count them, each for the site named after its place."""
    return [SceneRequest(str(look.path), site=look.place) for look in of]


def sites(of: list[Look]) -> list[Site]:
    """A site for each place: the one zone is all the ground that any of its pictures shows."""
    grounds: dict[str, list[shapely.Geometry]] = {}
    for look in of:
        with Scene.open(look.path) as scene:
            grounds.setdefault(look.place, []).append(shapely.from_wkt(scene.info.footprint_wkt))
    return [
        Site(place, (Zone("apron", "apron", None, None, shapely.union_all(shown)),))
        for place, shown in grounds.items()
    ]


def planes(look: Look, scene: Scene, crs: str) -> list[Plane]:
    """The labels of a picture, put into a UTM zone by the product's own geometry."""
    labels = json.loads(look.labels.read_text(encoding="utf-8"))
    to_crs = Transformer.from_crs(scene.info.crs, crs, always_xy=True)
    size = np.array([scene.width, scene.height] * 2)
    found = []
    for name, box, points in zip(labels["labels"], labels["bboxes"], labels["keypoints"], strict=True):
        x, y = scene.info.affine @ tuple(np.array(points, dtype=np.float64)[:, :2].T)
        nose, left, tail, right = np.stack(to_crs.transform(x, y), axis=1)
        edge = np.abs(np.array(box) - [0, 0, *(size[2:] - 1)])
        found.append(
            Plane(
                name,
                np.mean([nose, left, tail, right], axis=0),
                float(np.linalg.norm(nose - tail)),
                float(np.linalg.norm(left - right)),
                bool((edge <= BORDER_PX).any()),
            )
        )
    return found
