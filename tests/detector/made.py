"""Facts of invented scenes, models and runs, for tests that need no pixels."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import shapely

from apronwatch.detections import Detections
from apronwatch.engines.registry import ClassSpec, ModelSpec
from apronwatch.geometry import rotated_boxes
from apronwatch.run import ModelInfo, Run
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES, class_id
from apronwatch.visibility import VisibilityMeter
from apronwatch.zone import Zone

UTM = "EPSG:32637"
ORIGIN = (300_000.0, 3_920_000.0)


def made_scene(**changed) -> SceneInfo:
    """A dated scene of 1,000 × 1,000 pixels of 0.5 m at `ORIGIN` (its top left corner)."""
    info = SceneInfo(
        path="scene.tif",
        identity="sha256:" + "a" * 64,
        sha256="a" * 64,
        time=datetime(2024, 12, 1, 8, 30, tzinfo=UTC),
        time_precision="minute",
        time_source="name",
        width=1000,
        height=1000,
        gsd_m=0.5,
        crs=UTM,
        transform=(0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1]),
        footprint_wkt=None,
        bands=(1, 2, 3),
        dtype="uint8",
        stretch={"kind": "none", "low": [], "high": []},
    )
    return replace(info, **changed)


def made_picture(**changed) -> SceneInfo:
    """The same without georeference."""
    plain = {"crs": None, "transform": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}
    return made_scene(**(plain | changed))


def made_class(name: str, **changed) -> ClassSpec:
    """A class counted from a score of 0.3, in scenes of 0.1 to 1.2 m."""
    spec = ClassSpec(
        name=name,
        threshold=0.3,
        training_gsd_m=1.0,
        native_gsd_m=(0.1, 1.2),
        min_length_px=1.0,
        typical_min_length_m=4.0,
        longest_m=73.3,
        pass_gsd_m=1.0,
    )
    return replace(spec, **changed)


def made_model(*names: str, **changed) -> ModelSpec:
    """Weights that know some classes, `plane` alone by default."""
    known = names or ("plane",)
    spec = ModelSpec(
        name="made",
        path=Path("made.onnx"),
        sha256="b" * 64,
        format="onnx",
        source_classes=known,
        outputs=known,
        classes={name: made_class(name) for name in known},
        tile_px=640,
        batch=2,
    )
    return replace(spec, **changed)


def square(x: float, y: float, side: float) -> shapely.Polygon:
    """A square from its lower left corner."""
    return shapely.box(x, y, x + side, y + side)


def pixel_site(site_id: str = "base", **zones: shapely.Polygon) -> Site:
    """A site in pixels, one apron per named polygon."""
    return Site(
        site_id, tuple(Zone(name, "apron", None, None, shape) for name, shape in zones.items()), "pixel"
    )


def made_run(
    scene: SceneInfo, site: Site, boxes, *, seen=None, hidden=None, saturated=None, model=None
) -> Run:
    """A run over a site in pixels.

    Args:
        boxes: (class name, centre x px, centre y px, score) each.
        seen: polygon in pixels that the scene showed; all of it by default.
        hidden: mask over `boxes`.
        saturated: polygon in pixels.
    """
    model = model or made_model()
    centres = np.array([[x, y] for _, x, y, _ in boxes], dtype=float).reshape(-1, 2)
    n = len(centres)
    polygons = rotated_boxes(centres[:, 0], centres[:, 1], np.full(n, 20.0), np.full(n, 12.0), np.zeros(n))
    scores, classes = [s for *_, s in boxes], [class_id(name) for name, *_ in boxes]
    found = Detections(polygons, np.array(scores), np.array(classes), crs=None, unit_m=scene.gsd_m)
    meter = VisibilityMeter(site.zones_in_plane(None, scene.gsd_m), None)
    for part in shapely.get_parts(seen if seen is not None else shapely.box(0, 0, scene.width, scene.height)):
        west, top, east, bottom = np.array(part.bounds) * scene.gsd_m
        transform = shapely_affine(west, -top, scene.gsd_m)
        shape = (round((bottom - top) / scene.gsd_m), round((east - west) / scene.gsd_m))
        meter.add((west, -bottom, east, -top), transform, np.ones(shape, dtype=bool))
    to_plane = [scene.gsd_m, -scene.gsd_m]
    empty = shapely.Polygon()
    return Run(
        scene=scene,
        model=ModelInfo(model.name, model.sha256),
        parameters={},
        detections=found,
        thresholds={name: spec.threshold for name, spec in model.classes.items() if name in CLASSES},
        visibility=meter.result(),
        saturated=shapely.transform(saturated, lambda p: p * to_plane) if saturated is not None else empty,
        hidden=np.zeros(n, bool) if hidden is None else np.array(hidden, bool),
    )


def shapely_affine(west: float, north: float, gsd_m: float):
    """Pixel to plane, north up."""
    from affine import Affine

    return Affine(gsd_m, 0.0, west, 0.0, -gsd_m, north)
