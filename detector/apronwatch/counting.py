"""Counting: look at a scene, and how many of each class it shows in each zone of a site."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.counts import (
    COMPLETE_FROM,
    NO_NUMBER,
    UNSEEN_UP_TO,
    Count,
    Status,
    checked_classes,
    visibility_reasons,
)
from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.engines.registry import ModelSpec
from apronwatch.intervals import Interval, interval
from apronwatch.pipeline import detect
from apronwatch.run import Run
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES, class_id

COUNTING_VERSION = 6
"""Raised by one whenever the same detections would give other counts than before."""


def count(
    scene: Scene, engine: Engine, site: Site | None = None, *, classes: Sequence[str] = CLASSES
) -> list[Count]:
    """Look at a scene and count what a site's zones hold; see `detect` for the errors.

    Without a site the whole picture is one zone, `image`, of a site of that name.
    """
    site = site or Site.whole_picture("image", scene.info)
    return count_run(detect(scene, engine, site), site, engine.model, classes)


def count_run(run: Run, site: Site, model: ModelSpec, classes: Sequence[str] = CLASSES) -> list[Count]:
    """Count each class in each zone of a site, and over their union (`*`), from the detections of one run."""
    zones = site.zones_in_plane(run.detections.crs, run.scene.gsd_m)
    centres = shapely.points(plane_centres(run.detections))
    inside = {zone: shapely.intersects(geometry, centres) for zone, geometry in zones.items()}
    return [
        _count(run, model, site.id, zone, zones[zone], inside[zone], name)
        for zone in [*(z.id for z in site.zones), "*"]
        for name in checked_classes(classes)
    ]


def counting_hash(model: ModelSpec) -> str:
    """SHA-256 over what turns detections into counts: our rules, the classes' thresholds and ranges, calibration."""
    named = {name: asdict(spec) for name, spec in model.classes.items()}
    for facts in named.values():
        del facts["length_error"]  # no count depends on it; sizes are derived anew each time
    calibrated = model.calibration.hash if model.calibration else None
    told = json.dumps([COUNTING_VERSION, named, calibrated], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def plane_centres(detections: Detections) -> NDArray[np.float64]:
    """(N, 2) centres in the metres of the plane that zones are compared in."""
    if detections.crs is not None:
        return detections.centres
    return detections.centres * [detections.unit_m, -detections.unit_m]


def _count(
    run: Run,
    model: ModelSpec,
    site: str,
    zone: str,
    ground: BaseGeometry,
    inside: NDArray[np.bool_],
    name: str,
) -> Count:
    fraction = run.visibility.fractions[zone]
    statuses = _statuses(run, model, ground, fraction, name)
    status = statuses[0] if statuses else Status.COMPLETE
    reasons = [s.value for s in statuses]
    if status in NO_NUMBER:
        return Count(site, zone, name, None, None, None, None, fraction, status, tuple(reasons))
    boxes = run.detections
    counted = inside & (boxes.classes == class_id(name)) & (boxes.scores >= run.thresholds[name])
    if (counted & run.hidden).any():
        reasons.append("detections_under_mask_left_out")
    if (counted & ~run.hidden & boxes.truncated).any():
        reasons.append("truncated_objects")
    reasons += visibility_reasons(run.visibility, zone, masked=bool(run.masks_hash))
    chosen = np.flatnonzero(counted & ~run.hidden)
    there = _interval(run, model, chosen, fraction, name, Status.SATURATED in statuses)
    reasons += there.reasons
    if model.classes[name].synthetic_only:
        reasons.append("synthetic_only")
    return Count(
        site,
        zone,
        name,
        len(chosen),
        there.estimate,
        there.low,
        there.high,
        fraction,
        status,
        tuple(dict.fromkeys(reasons)),
    )


def _interval(
    run: Run, model: ModelSpec, chosen: NDArray[np.intp], fraction: float, name: str, saturated: bool
) -> Interval:
    """What was there, from the detections of a class that count in a zone."""
    spec, boxes = model.classes[name], run.detections
    return interval(
        boxes.scores[chosen],
        boxes.lengths_m[chosen] / spec.pass_gsd_m,
        model.calibration.classes.get(name) if model.calibration else None,
        min(fraction, 1.0),
        threshold=run.thresholds[name],
        real_image=not run.scene.synthetic,
        saturated=saturated,
    )


def _statuses(run: Run, model: ModelSpec, ground: BaseGeometry, fraction: float, name: str) -> list[Status]:
    """Every status that applies, short of `complete`, in order."""
    if name not in model.classes:
        applies = [Status.NOT_MODELLED]
        return applies + ([Status.UNSEEN] if fraction <= UNSEEN_UP_TO else [])
    found = []
    if fraction <= UNSEEN_UP_TO:
        found.append(Status.UNSEEN)
    if not model.classes[name].in_range(run.scene.gsd_m):
        found.append(Status.OUT_OF_RANGE)
    if shapely.intersects(run.saturated, ground):
        found.append(Status.SATURATED)
    if fraction < COMPLETE_FROM:
        found.append(Status.PARTIAL)
    return found
