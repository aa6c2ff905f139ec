"""Planes by size group, out of the planes that a look counts: derived from its boxes whenever it is asked for.

A detector whose lengths were never measured against known ones gives no numbers by size. The expected numbers of the
groups add up to what was seen, or there are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.archive import Archive, ArchivedRun, SeriesRow
from apronwatch.counting import counting_hash, plane_centres
from apronwatch.counts import Count, SizeCount, Status, word_of
from apronwatch.detections import Detections
from apronwatch.engines.registry import ClassSpec, ModelSpec, load_registry
from apronwatch.errors import CallInvalid
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED, Interval
from apronwatch.observation import Frame, united_objects
from apronwatch.site import Site
from apronwatch.sizes import SIZES, LengthError, count_by_size, size_probabilities

SIZED = "plane"
"""The one class that is counted by size."""

LENGTHS_NOT_MEASURED = "lengths_not_measured"
WEIGHTS_NOT_IN_REGISTRY = "weights_not_in_registry"
COUNTED_BY_OTHER_RULES = "counted_by_other_rules"
"""Reasons why a group has no number, beside those of the count itself."""


def check_sized(classes: Sequence[str]) -> None:
    """`CallInvalid` unless planes are among the classes that are asked for."""
    if SIZED not in classes:
        raise CallInvalid(
            f"sizes are told of class {SIZED} alone, asked for is {', '.join(classes)}: add {SIZED}, or leave out "
            "--by-size"
        )


def with_sizes(
    counts: Sequence[Count], frames: Sequence[Frame], site: Site, model: ModelSpec | None
) -> tuple[Count, ...]:
    """The counts of a look, those of planes with `by_size`.

    Args:
        counts: of any zones and classes.
        frames: what the look was counted from; may be empty where no count has a number.
        site: the version that it was counted with.
        model: the weights, as the registry knows them now; None if it does not.

    Raises:
        ModelInvalid: the calibration of the model cannot be read.
    """
    numbered = any(count.class_name == SIZED and count.seen is not None for count in counts)
    planes = _Planes.of(frames, site) if numbered else None
    return tuple(
        replace(count, by_size=_groups(count, planes, model)) if count.class_name == SIZED else count
        for count in counts
    )


def series_with_sizes(archive: Archive, rows: Sequence[SeriesRow]) -> list[SeriesRow]:
    """The rows of a series, those of planes with `by_size`, from the archived boxes of their looks.

    What is known of lengths and recall is that of the registry now, whether or not the weights' file is here.

    Raises:
        ModelInvalid: a registry or a calibration cannot be read.
        RunUnknown: a run was removed meanwhile.
    """
    registry, sized = load_registry(), list(rows)
    looks: dict[tuple[int, ...], list[int]] = {}
    for n, row in enumerate(rows):
        looks.setdefault(row.run_ids, []).append(n)
    for run_ids, of_look in looks.items():
        runs = [archive.run(run_id) for run_id in run_ids]
        model = registry.pinned(runs[0].model.sha256)
        counts = [rows[n].count for n in of_look]
        found = with_sizes(counts, [Frame(run, run.counts) for run in runs], runs[0].site, model)
        for n, count in zip(of_look, found, strict=True):
            sized[n] = replace(rows[n], count=count)
    return sized


@dataclass(frozen=True, eq=False)
class _Planes:
    """The planes of a look, each once.

    Attributes:
        frames: that show them.
        boxes: N of them.
        gsd_m: (N,) GSD of the frame that shows each.
        inside: (N,) for each zone and `*`: the centre lies in it.
    """

    frames: Sequence[Frame]
    boxes: Detections
    gsd_m: NDArray[np.float64]
    inside: dict[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, frames: Sequence[Frame], site: Site) -> "_Planes":
        boxes, gsd_m = united_objects(frames, SIZED)
        centres = shapely.points(plane_centres(boxes))
        zones = site.zones_in_plane(boxes.crs, frames[0].run.scene.gsd_m)
        return cls(frames, boxes, gsd_m, {zone: shapely.intersects(g, centres) for zone, g in zones.items()})


def _groups(count: Count, planes: _Planes | None, model: ModelSpec | None) -> tuple[SizeCount, ...]:
    """The groups of one zone."""
    if count.seen is None or planes is None:
        return _nothing(count)
    if model is None:
        return _nothing(count, WEIGHTS_NOT_IN_REGISTRY)
    spec = model.classes.get(SIZED)
    if spec is None or spec.length_error is None:
        return _nothing(count, LENGTHS_NOT_MEASURED)
    chosen = np.flatnonzero(planes.inside[count.zone])
    if len(chosen) != count.seen:
        return _nothing(count, COUNTED_BY_OTHER_RULES)
    if planes.boxes.truncated[chosen].any():
        return _nothing(count)  # `truncated_objects` says it: what is left of an object is not its length
    return _sized(count, planes, chosen, model, spec, spec.length_error)


def _nothing(count: Count, *why: str) -> tuple[SizeCount, ...]:
    return tuple(SizeCount(size, None, None, None, None, (*count.reasons, *why)) for size in SIZES)


def _sized(
    count: Count,
    planes: _Planes,
    chosen: NDArray[np.intp],
    model: ModelSpec,
    spec: ClassSpec,
    length_error: LengthError,
) -> tuple[SizeCount, ...]:
    """The groups of a zone, from its planes with whole boxes of known error."""
    lengths_m = planes.boxes.lengths_m[chosen]
    gsd_m = np.maximum(planes.gsd_m[chosen], spec.pass_gsd_m)
    expected = size_probabilities(lengths_m, gsd_m, length_error).sum(axis=0)
    if count.low is None:
        there = dict.fromkeys(SIZES, Interval(None, None, None))  # the count says why
    elif not all(_same_rules(frame, model) for frame in planes.frames):
        there = dict.fromkeys(SIZES, Interval(None, None, None, reasons=(COUNTED_BY_OTHER_RULES,)))
    else:
        there = count_by_size(
            planes.boxes.scores[chosen],
            lengths_m,
            gsd_m,
            model.calibration.classes.get(SIZED) if model.calibration else None,
            min(count.observed_fraction or 0.0, 1.0),
            length_error=length_error,
            pass_gsd_m=spec.pass_gsd_m,
            threshold=planes.frames[0].run.thresholds[SIZED],
            real_image=any(not frame.run.scene.synthetic for frame in planes.frames),
            saturated=Status.SATURATED.value in count.reasons,
        )
    # Said of all planes; each group says it of its own.
    of_count = [r for r in count.reasons if word_of(r) != SIZES_HARDLY_CALIBRATED]
    return tuple(
        SizeCount(
            size,
            float(expected[k]),
            there[size].estimate,
            there[size].low,
            there[size].high,
            tuple(dict.fromkeys((*of_count, *there[size].reasons))),
        )
        for k, size in enumerate(SIZES)
    )


def _same_rules(frame: Frame, model: ModelSpec) -> bool:
    """Whether a frame was counted with the model's calibration of now: no other fits the estimate of the count."""
    run = frame.run
    return not isinstance(run, ArchivedRun) or run.calibration_hash == counting_hash(model)
