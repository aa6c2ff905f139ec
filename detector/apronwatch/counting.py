"""`Count`: how many of a class a scene showed in a zone, and what that number was seen from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.engines.registry import ModelSpec
from apronwatch.errors import ClassUnknown
from apronwatch.pipeline import detect
from apronwatch.run import Run
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES, class_id

COMPLETE_FROM = 0.999
UNSEEN_UP_TO = 0.001
"""Shares of a zone's area: the raster edge of a zone that was wholly seen may miss a fraction of a pixel."""


class Status(StrEnum):
    """What a count is worth; the first that applies is its status, all that apply are reasons."""

    FAILED = "failed"
    NOT_MODELLED = "not_modelled"
    UNSEEN = "unseen"
    OUT_OF_RANGE = "out_of_range"
    SATURATED = "saturated"
    PARTIAL = "partial"
    COMPLETE = "complete"


NO_NUMBER = frozenset({Status.FAILED, Status.NOT_MODELLED, Status.UNSEEN, Status.OUT_OF_RANGE})
"""Statuses under which `seen` is None, never 0."""


@dataclass(frozen=True)
class Count:
    """The count of one class in one zone of one site in one scene.

    Attributes:
        site, zone: ids; zone `*` is the union of the site's zones.
        class_name: a name of `taxonomy.CLASSES`.
        seen: detections at or above the operating threshold with their centre in the zone; None where nothing
            can be said (`NO_NUMBER`).
        estimate, low, high: posterior median and 90 % interval of what was there; None with a reason.
        observed_fraction: share of the zone's area that the scene showed, 0 to 1; None when the run failed.
        status: the first that applies.
        reasons: every status that applies short of `complete`, then further reasons such as `uncalibrated`.
    """

    site: str
    zone: str
    class_name: str
    seen: int | None
    estimate: float | None
    low: float | None
    high: float | None
    observed_fraction: float | None
    status: Status
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.seen is None) != (self.status in NO_NUMBER):
            raise ValueError(f"seen={self.seen} with status {self.status.value}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, under the names of the `--json` contract."""
        return {
            "site": self.site,
            "zone": self.zone,
            "class": self.class_name,
            "seen": self.seen,
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "observed_fraction": self.observed_fraction,
            "status": self.status.value,
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The count that `to_dict` described."""
        given = dict(plain)
        given["class_name"] = given.pop("class")
        given["status"] = Status(given["status"])
        given["reasons"] = tuple(given["reasons"])
        return cls(**given)


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


def failed_counts(site: Site, classes: Sequence[str] = CLASSES) -> list[Count]:
    """What a failed run says of a site: nothing, zone by zone and class by class."""
    return [
        Count(site.id, zone, name, None, None, None, None, None, Status.FAILED, (Status.FAILED.value,))
        for zone in [*(z.id for z in site.zones), "*"]
        for name in checked_classes(classes)
    ]


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The class names in taxonomy order; raises `ClassUnknown` for a name that is not counted."""
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise ClassUnknown(f"class {', '.join(unknown)} is not counted; the classes are {', '.join(CLASSES)}")
    return tuple(name for name in CLASSES if name in classes)


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
    seen = int((counted & ~run.hidden).sum())
    reasons.append("uncalibrated")
    if model.classes[name].synthetic_only:
        reasons.append("synthetic_only")
    return Count(site, zone, name, seen, None, None, None, fraction, status, tuple(reasons))


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
