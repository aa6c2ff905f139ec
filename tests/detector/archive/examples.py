"""Runs, counts and sites to store, made from plain numbers: no picture, no engine."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer

from apronwatch.counts import Count, Status
from apronwatch.detections import Detections
from apronwatch.geometry import rotated_boxes
from apronwatch.run import ModelInfo, Run
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site, Zone
from apronwatch.taxonomy import CLASSES
from apronwatch.visibility import VisibilityMeter

CRS = "EPSG:32637"
EAST, NORTH = 300_000.0, 3_900_000.0
"""South-west corner, in UTM metres, of the ground that the examples lie on."""

MODEL = ModelInfo("test-model", "ab" * 32, terms="Terms.", data="Data.", synthetic_only=("ship",))
OTHER_MODEL = ModelInfo("other-model", "cd" * 32)
NOON = datetime(2024, 12, 10, 12, 0, tzinfo=UTC)


def site(site_id: str = "base", size_m: float = 400.0, names: Sequence[str] = ("west", "east")) -> Site:
    """Zones side by side from west to east, each a square of `size_m`."""
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform
    zones = []
    for n, name in enumerate(names):
        square = shapely.segmentize(shapely.box(n * size_m, 0, (n + 1) * size_m, size_m), 50)
        lonlat = shapely.transform(
            square, lambda xy: np.stack(to_lonlat(EAST + xy[:, 0], NORTH + xy[:, 1]), axis=1)
        )
        zones.append(Zone(name, "apron", f"Apron {name}", 65.0, lonlat))
    return Site(site_id, tuple(zones))


def scene(name: str = "a.tif", **changes: Any) -> SceneInfo:
    sha256 = hashlib.sha256(changes.pop("bits", name).encode()).hexdigest()
    facts: dict[str, Any] = {
        "path": f"images/{name}",
        "identity": f"sha256:{sha256}",
        "sha256": sha256,
        "time": NOON,
        "time_precision": "second",
        "time_source": "option",
        "width": 2000,
        "height": 1000,
        "gsd_m": 0.5,
        "crs": CRS,
        "transform": (0.5, 0.0, EAST, 0.0, -0.5, NORTH + 500),
        "footprint_wkt": "POLYGON ((36 35, 36.1 35, 36.1 35.1, 36 35.1, 36 35))",
        "bands": (1, 2, 3),
        "dtype": "uint8",
        "stretch": {"kind": "none", "low": [0.0], "high": [255.0]},
        "sensor": "WV03",
        "warnings": ("time from the file's name",),
    }
    return SceneInfo(**{**facts, **changes})


def day(number: int) -> dict[str, Any]:
    """What dates a scene some days after `NOON`."""
    return {"time": NOON + timedelta(days=number)}


def picture(name: str = "picture.png", **changes: Any) -> SceneInfo:
    """A scene without georeference."""
    undefined = {"crs": None, "transform": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "footprint_wkt": None}
    return scene(name, **undefined, **changes)


def boxes(
    centres: Sequence[Sequence[float]], size_m: tuple[float, float] = (40.0, 36.0), **arrays: Any
) -> Detections:
    """Planes of one size at centres given in metres from (EAST, NORTH)."""
    at = np.asarray(centres, dtype=np.float64).reshape(-1, 2) + np.array((EAST, NORTH))
    n = len(at)
    return Detections(
        rotated_boxes(at[:, 0], at[:, 1], size_m[0], size_m[1], arrays.get("angle_rad", 0.3)),
        arrays.get("scores", np.full(n, 0.8, np.float32)),
        arrays.get("classes", np.zeros(n, np.int16)),
        arrays.get("truncated", np.zeros(n, np.bool_)),
        CRS,
        1.0,
    )


def run(
    info: SceneInfo | None = None,
    found: Detections | None = None,
    *,
    place: Site | None = None,
    model: ModelInfo = MODEL,
    view: tuple[float, float, float, float] = (0.0, 0.0, 800.0, 400.0),
    parameters: dict[str, Any] | None = None,
) -> Run:
    """One pass that saw the rectangle `view`, in metres from (EAST, NORTH)."""
    info, place = info or scene(), place or site()
    found = boxes([(100, 100), (300, 200), (600, 100)]) if found is None else found
    crs = CRS if info.crs else None
    meter = VisibilityMeter(place.zones_in_plane(crs, info.gsd_m), crs)
    west, south, east, north = view
    if crs:
        west, south, east, north = EAST + west, NORTH + south, EAST + east, NORTH + north
    width, height = int(east - west), int(north - south)
    meter.add(
        (west, south, east, north), Affine(1, 0, west, 0, -1, north), np.ones((height, width), dtype=np.bool_)
    )
    return Run(
        scene=info,
        model=model,
        parameters={"site": place.geometry_hash, "gsd_m": 0.5} | (parameters or {}),
        detections=found,
        thresholds=dict.fromkeys(CLASSES, 0.4),
        visibility=meter.result(),
        saturated=shapely.Polygon(),
        hidden=np.zeros(len(found), dtype=np.bool_),
        stage_s={"engine": 1.25, "read": 0.5},
        tiles=6,
    )


def counts(of: Run, place: Site | None = None) -> list[Count]:
    """Counts of all classes by the rules of `counting`, without a registry: ships are not modelled."""
    place = place or site()
    zones = place.zones_in_plane(of.detections.crs, of.scene.gsd_m)
    centres = shapely.points(of.detections.centres)
    made = []
    for zone in [*(z.id for z in place.zones), "*"]:
        inside = shapely.intersects(zones[zone], centres) & (of.detections.scores >= 0.4) & ~of.hidden
        fraction = of.visibility.fractions[zone]
        for k, name in enumerate(CLASSES):
            made.append(
                _count(
                    place.id,
                    zone,
                    name,
                    int((inside & (of.detections.classes == k)).sum()),
                    fraction,
                    bool(of.masks_hash),
                )
            )
    return made


def _count(place: str, zone: str, name: str, seen: int, fraction: float, masked: bool) -> Count:
    if name == "ship":
        reasons = ("not_modelled", *(("unseen",) if fraction <= 0.001 else ()))
        return Count(place, zone, name, None, None, None, None, fraction, Status.NOT_MODELLED, reasons)
    if fraction <= 0.001:
        reasons = ("unseen", "partial")
        return Count(place, zone, name, None, None, None, None, fraction, Status.UNSEEN, reasons)
    partial = fraction < 0.999
    status = Status.PARTIAL if partial else Status.COMPLETE
    reasons = (*(("partial",) if partial else ()), *(() if masked else ("no_mask",)), "uncalibrated")
    return Count(place, zone, name, seen, None, None, None, fraction, status, reasons)


def total(made: Sequence[Count], name: str = "plane", zone: str = "*") -> Count:
    """The one count of a zone and class."""
    [found] = [c for c in made if (c.zone, c.class_name) == (zone, name)]
    return found
