"""Scenarios of the package in an archive by their true counts: nothing is drawn, nothing is detected."""

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import shapely

from apronwatch.archive import Archive
from apronwatch.counts import COMPLETE_FROM, Count, Status
from apronwatch.detections import Detections
from apronwatch.run import ModelInfo, Run
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.visibility import Visibility
from apronwatch_datasets.synthetic import Scenario, site_of
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.spec import Scene
from tests.detector.archive import examples


@cache
def _class_of(type_name: str) -> str | None:
    return solid_of(type_name, 0).class_name


def true_counts(scenario: Scenario, scene: Scene) -> dict[tuple[str, str], int]:
    """How many of each class truly stood in each zone, and in all of them (`*`)."""
    outlines = {zone.id: zone.outline for zone in scenario.base.zones}
    outlines["*"] = shapely.union_all(list(outlines.values()))
    there = [(shapely.Point(p.x_m, p.y_m), _class_of(p.type_name)) for p in scene.parked if p.kind == "real"]
    return {
        (zone, name): sum(of == name and bool(shapely.intersects(outline, at)) for at, of in there)
        for zone, outline in outlines.items()
        for name in CLASSES
    }


def store(
    archive: Archive,
    scenario: Scenario,
    *,
    looks: Iterable[int] | None = None,
    seen: Mapping[int, float | Mapping[str, float]] | None = None,
    models: Mapping[int, ModelInfo] | None = None,
    interval: bool = False,
) -> None:
    """Store looks of a scenario as runs of a detector that errs never.

    Args:
        archive: to store in.
        scenario: whose looks.
        looks: their numbers in the order of storing; all, in order of time, by default.
        seen: share of every zone that a look saw, 1 by default, or of some zones by name; of the objects as many are
            drawn by lot.
        models: weights of a look, where they are not `examples.MODEL`.
        interval: give the counts a made estimate and interval.
    """
    site = site_of(scenario.base)
    for n in range(len(scenario.scenes)) if looks is None else looks:
        told = (seen or {}).get(n, 1.0)
        scene = scenario.scenes[n]
        fractions = _fractions(scenario, told)
        run = Run(
            scene=examples.scene(f"{scene.name}.tif", time=scene.look.time, gsd_m=scene.look.gsd_m),
            model=(models or {}).get(n, examples.MODEL),
            parameters={"site": site.geometry_hash},
            detections=Detections.empty(examples.CRS),
            thresholds=dict.fromkeys(CLASSES, 0.4),
            visibility=Visibility(fractions, dict.fromkeys(fractions, 1e4), None),
            saturated=shapely.Polygon(),
            hidden=np.zeros(0, dtype=np.bool_),
        )
        archive.store(run, _counts(site, true_counts(scenario, scene), fractions, n, interval), site)


def _fractions(scenario: Scenario, told: float | Mapping[str, float]) -> dict[str, float]:
    """The share of each zone that was seen, and of the area of all of them."""
    areas = {zone.id: zone.outline.area for zone in scenario.base.zones}
    if not isinstance(told, Mapping):
        return dict.fromkeys([*areas, "*"], told)
    of_zone = {zone: told.get(zone, 1.0) for zone in areas}
    whole = sum(areas[zone] * share for zone, share in of_zone.items()) / sum(areas.values())
    return {**of_zone, "*": whole}


def _counts(
    site: Site,
    truth: Mapping[tuple[str, str], int],
    fractions: Mapping[str, float],
    seed: int,
    interval: bool,
) -> list[Count]:
    """Those of `*` are the sums of the zones, where these were not all seen by the same share."""
    rng = np.random.default_rng(seed)
    apart = len(set(fractions.values())) > 1
    summed: dict[str, int] = dict.fromkeys(CLASSES, 0)
    counts = []
    for (zone, name), there in truth.items():
        fraction = fractions[zone]
        if fraction == 0:
            unseen = (site.id, zone, name, None, None, None, None, 0.0, Status.UNSEEN, ("unseen",))
            counts.append(Count(*unseen))
            continue
        shown = there if fraction == 1 else int(rng.binomial(there, fraction))
        if apart and zone == "*":
            shown = summed[name]
        summed[name] += shown
        estimate = low = high = None
        if interval and fraction >= 0.5:
            wide = 1.6 * np.sqrt(shown + 1) / fraction
            estimate = round(shown / fraction, 1)
            low, high = float(max(shown, round(estimate - wide))), float(round(estimate + wide))
        status = Status.COMPLETE if fraction >= COMPLETE_FROM else Status.PARTIAL
        reasons = ("no_mask",) if status is Status.COMPLETE else ("partial", "no_mask")
        counts.append(Count(site.id, zone, name, shown, estimate, low, high, fraction, status, reasons))
    return counts
