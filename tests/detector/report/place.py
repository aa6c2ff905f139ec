"""A small air base of drawn GeoTIFFs in an archive: one look of every kind that a report must tell apart."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import shapely
from affine import Affine

from apronwatch.archive import Archive
from apronwatch.counting import count_run
from apronwatch.counts import failed_counts
from apronwatch.detections import Detections
from apronwatch.geometry import rotated_boxes
from apronwatch.pipeline import model_info
from apronwatch.run import Run
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import class_id
from apronwatch.visibility import VisibilityMeter
from apronwatch.zone import Zone
from tests.detector.made import made_model
from tests.rasters import make_raster

UTM = "EPSG:32637"
WEST, NORTH = 300_000.0, 3_920_000.0
SIDE_PX, GSD_M = 480, 0.5
SIDE_M = SIDE_PX * GSD_M
PLANE_RGB, GROUND_RGB = (235, 235, 240), (160, 116, 80)

HOSTILE_SITE = "<script>alert(\"site\")</script> & 'Ω' $base$"
HOSTILE_ZONE = '"><img src=x onerror=alert(1)>'
NORTH_ZONE, SOUTH_ZONE = "north apron", HOSTILE_ZONE

MODEL = replace(
    made_model("plane", "helicopter"), terms="AGPL-3.0 </style><script>", data="drawn scenes & more"
)


def base_site() -> Site:
    """Two aprons, each 200 by 90 m, one above the other."""

    def zone(name: str, low: float, high: float) -> Zone:
        return Zone(name, "apron", None, None, _lonlat(shapely.box(20, low, 220, high)))

    return Site(HOSTILE_SITE, (zone(NORTH_ZONE, 130, 220), zone(SOUTH_ZONE, 20, 110)))


def _lonlat(local: shapely.Polygon) -> shapely.Polygon:
    """A shape in metres east and north of the scene's lower left corner."""
    from pyproj import Transformer

    to_lonlat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    dense = shapely.segmentize(local, 5.0)
    return shapely.transform(
        dense, lambda p: np.stack(to_lonlat.transform(p[:, 0] + WEST, p[:, 1] + NORTH - SIDE_M), axis=1)
    )


@dataclass(frozen=True)
class Plane:
    """A drawn object: metres east and north of the lower left corner, heading, score, class."""

    x: float
    y: float
    heading_deg: float = 20.0
    score: float = 0.9
    name: str = "plane"
    length_m: float = 24.0
    width_m: float = 18.0


def draw_scene(
    path: Path, planes: list[Plane], *, valid=None, synthetic=True, dtype="uint8", **tags: str
) -> Path:
    """A GeoTIFF with a rectangle for each object, without a date in it."""
    pixels = np.full((SIDE_PX, SIDE_PX, 3), GROUND_RGB, np.uint8)
    pixels += np.random.default_rng(3).integers(0, 12, pixels.shape, np.uint8)
    for box in boxes_of(planes):
        corners = (box - (WEST, NORTH)) / (GSD_M, -GSD_M)
        cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], PLANE_RGB)
    values = pixels if dtype == "uint8" else pixels.astype(dtype) * 8
    told = tags | ({"APRONWATCH_SYNTHETIC": "YES"} if synthetic else {})
    place = {"crs": UTM, "transform": Affine(GSD_M, 0, WEST, 0, -GSD_M, NORTH)}
    return make_raster(path, pixels=values, mask=valid, tags=told, photometric="RGB", **place)


def boxes_of(planes: list[Plane]) -> np.ndarray:
    """(N, 4, 2) corners in UTM."""
    x, y, length, width, heading = (
        np.array([(p.x, p.y, p.length_m, p.width_m, np.radians(p.heading_deg)) for p in planes])
        .reshape(-1, 5)
        .T
    )
    return rotated_boxes(x + WEST, y + NORTH - SIDE_M, length, width, heading)


def look(
    path: Path, planes: list[Plane], site: Site, time: datetime | None, *, saturated=None, acquisition=None
) -> Run:
    """The run of an ideal detector over a drawn scene; what was seen is what the file's mask says."""
    with Scene.open(path, time=time, undated=time is None, acquisition=acquisition) as scene:
        _, valid = scene.read(_whole(), None)
        meter = VisibilityMeter(site.zones_in_plane(UTM, 1.0), UTM)
        meter.add((WEST, NORTH - SIDE_M, WEST + SIDE_M, NORTH), scene.transform, valid)
        found = Detections(
            boxes_of(planes),
            np.array([p.score for p in planes]),
            np.array([class_id(p.name) for p in planes]),
            crs=UTM,
        )
        return Run(
            scene=scene.info,
            model=model_info(MODEL),
            parameters={"score_floor": 0.05, "passes": [{"gsd_m": 1.0, "classes": ["plane"]}]},
            detections=found,
            thresholds={name: spec.threshold for name, spec in MODEL.classes.items()},
            visibility=meter.result(),
            saturated=saturated or shapely.Polygon(),
            hidden=np.zeros(len(planes), bool),
        )


def _whole():
    from rasterio.windows import Window

    return Window(0, 0, SIDE_PX, SIDE_PX)


NORTH_ROW = [Plane(50 + 45 * k, 175, 10 * k, 0.95 - 0.1 * k) for k in range(4)]
SOUTH_ROW = [Plane(60, 65), Plane(120, 60, 70, 0.55), Plane(180, 70, 0, 0.8, "helicopter", 16, 14)]
BESIDES = [Plane(120, 120, 0, 0.7), Plane(60, 30, 0, 0.2)]
"""Between the zones; and in a zone, under the threshold."""


def day(month: int, number: int) -> datetime:
    return datetime(2024, month, number, 8, 30, tzinfo=UTC)


def fill(archive: Archive, folder: Path) -> None:
    """Eight looks: complete, half masked, unseen, failed, saturated, picture lost or changed, undated."""
    site = base_site()
    half = np.ones((SIDE_PX, SIDE_PX), bool)
    half[:, : SIDE_PX // 2] = False
    nothing = np.zeros((SIDE_PX, SIDE_PX), bool)
    full = NORTH_ROW + SOUTH_ROW + BESIDES

    def store(name: str, planes: list[Plane], time: datetime | None, saturated=None, **drawing) -> Path:
        path = draw_scene(folder / name, planes, **drawing)
        run = look(path, planes, site, time, saturated=saturated)
        archive.store(run, count_run(run, site, MODEL), site)
        return path

    store("one.tif", full, day(11, 1), TIFFTAG_COPYRIGHT="© Drawn & Sons <b>")
    store("two.tif", [p for p in full if p.x > 120], day(11, 9), valid=half)
    store("three.tif", [], day(11, 17), valid=nothing)
    failing = draw_scene(folder / "four.tif", full[:3])
    with Scene.open(failing, time=day(11, 25)) as scene:
        archive.store_failure(
            scene.info, model_info(MODEL), {}, site, failed_counts(site), "the engine <broke>"
        )
    corner = shapely.box(WEST, NORTH - 60, WEST + 60, NORTH)
    store("five.tif", full[:5], day(12, 3), saturated=corner, dtype="uint16")
    store("six.tif", full[:2], day(12, 11)).unlink()
    changed = store("seven.tif", [], day(12, 19))
    store("undated.tif", full[1:], None, synthetic=False)
    draw_scene(changed, full[:1], synthetic=False)
