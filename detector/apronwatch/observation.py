"""Several frames of one acquisition as one observation: the union of what they saw, each object once.

Ground belongs to the frame that saw the most of the site, then to the next for what the earlier ones did not
see, and so on. A later frame adds the boxes that no earlier frame could see whole; where two frames show one
object, it counts once, and a box cut by the edge of its frame yields to the whole one.

What a mask hides in one frame is hidden in the frames that have none, too: they show the same cloud, unmasked.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from itertools import accumulate

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.cloudmasks import NOTED
from apronwatch.counts import (
    COMPLETE_FROM,
    NO_MASK,
    NO_NUMBER,
    SEEN_LESS_THAN_HALF,
    UNSEEN_UP_TO,
    Count,
    Status,
    visibility_reasons,
    word_of,
)
from apronwatch.detections import Detections, Polygons
from apronwatch.geometry import areas, min_area_boxes, pair_iou, polygons_to_shapely
from apronwatch.intervals import SIZES_HARDLY_CALIBRATED
from apronwatch.run import Run, counted
from apronwatch.site import Site
from apronwatch.taxonomy import class_id, superclass_ids
from apronwatch.visibility import ObservedGrid, Visibility
from apronwatch.warping import Placer

GUARD_M = 4.0
"""Frames lie off each other by less: a box this near to ground that no earlier frame saw is compared too."""

LEAST_IOU = 0.1
"""Boxes of one object overlap by more from frame to frame."""

REACH_M = 3.0
REACH_SHARE = 0.25
"""Their centres lie within the greater of `REACH_M` and this share of the longest side: aircraft parked in
echelon overlap by 0.12 with their neighbours, and only the distance tells them apart."""

CUT_SHARE = 0.5
"""A box cut by its frame's edge lies in the whole one by more than this share of the smaller of the two."""

GAP_M = 2.0
"""Two pieces of one object, cut by two frames that hardly overlap, lie at most this far apart."""

FIT = 1.2
"""The box around such pieces is hardly larger than both together; around two neighbours parked side by side it is."""

UNITED = "frames_united"
"""Reason given to every count of several frames; an estimate made for one that saw less cannot stand for all."""

TRUNCATED = "truncated_objects"
"""Reason of `counting`: a counted box is cut by the edge of its frame. Another frame may show the object whole."""

UNDER_MASK = "detections_under_mask_left_out"
"""Reason of `counting`: a mask hides boxes that would count. Here that of another frame may."""

_INABILITIES = {Status.NOT_MODELLED.value, Status.OUT_OF_RANGE.value, Status.FAILED.value}
_Estimate = tuple[float | None, float | None, float | None]
"""Estimate, low, high."""

_MADE_ANEW = {status.value for status in Status} | {
    TRUNCATED,
    SEEN_LESS_THAN_HALF,
    SIZES_HARDLY_CALIBRATED,
    NO_MASK,
    *NOTED,
}
"""What is said of a frame by itself and follows anew for all of them."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One run of one file of an acquisition, with its counts."""

    run: Run
    counts: tuple[Count, ...]


@dataclass(frozen=True, eq=False)
class Observation:
    """What the frames of one acquisition show together.

    Attributes:
        counts: per zone and class, in the order of the first frame's.
        visibility: of all frames together.
        frames: in the order in which ground was given to them.
    """

    counts: tuple[Count, ...]
    visibility: Visibility
    frames: tuple[Frame, ...]


def comparable(runs: Iterable[Run]) -> bool:
    """Whether frames can be united: they lie in one plane on the ground and were seen by the same weights."""
    runs = list(runs)
    planes = {run.visibility.grid.crs if run.visibility.grid else None for run in runs}
    return None not in planes and len(planes) == 1 and len({run.model.sha256 for run in runs}) == 1


def unite(frames: Sequence[Frame], site: Site) -> Observation:
    """The counts and visibility of several frames as one look, whatever the order in which they are given.

    A class is counted only in the frames fine enough for it; statuses follow from what they saw together.

    Args:
        frames: at least one, of done runs for the same version of the site.
        site: that version.

    Raises:
        ValueError: frames that are not `comparable`; each of those is a look of its own.
    """
    if not comparable(frame.run for frame in frames):
        raise ValueError(f"{len(frames)} frames that do not share ground, plane and weights cannot be united")
    given, ordered = laid(frames)
    if len(ordered) == 1:
        return Observation(ordered[0].counts, ordered[0].run.visibility, ordered)
    zones = site.zones_in_plane(ordered[0].run.detections.crs, 1.0)

    @cache
    def view(members: tuple[Frame, ...]) -> _View:
        return _View(_boxes(members)[0], _under_masks(members), _visibility(members, zones))

    counts = [_count(count, ordered, view, zones[count.zone]) for count in ordered[0].counts]
    return Observation(tuple(counts), view(ordered).visibility, given)


def united_boxes(frames: Sequence[Frame], class_name: str) -> Detections:
    """The boxes of one class that `unite` counts where they lie in a zone, each object once."""
    return united_objects(frames, class_name)[0]


def united_objects(frames: Sequence[Frame], class_name: str) -> tuple[Detections, NDArray[np.float64]]:
    """As `united_boxes`, with the (N,) GSD in metres of the frame that shows each; one frame need lie on no map."""
    ordered = laid(frames)[1]
    own = [next((c for c in f.counts if c.class_name == class_name), None) for f in ordered]
    able = [f for f, c in zip(ordered, own, strict=True) if c and not _INABILITIES & set(c.reasons)]
    boxes, gsd_m = _boxes(tuple(able) or ordered)
    chosen = boxes.classes == class_id(class_name)
    return boxes.select(chosen), gsd_m[chosen]


@dataclass(frozen=True, eq=False)
class _View:
    """What some frames show together: the boxes that count, once each, those left out, and the ground."""

    boxes: Detections
    left_out: Detections
    visibility: Visibility


def laid(frames: Sequence[Frame]) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """The frames, each once, in the order in which they get ground; and so again, as the masks of others leave them.

    One that loses ground comes after those that lose none: where both see, the frame with the mask speaks.
    """
    each = {(frame.run.key, frame.run.masks_hash): frame for frame in frames}.values()
    masked = [frame.run for frame in each if frame.run.masks_hash]
    pairs = [(frame, frame if frame.run.masks_hash else _hidden_by(masked, frame)) for frame in each]
    pairs.sort(key=lambda pair: (pair[0] is not pair[1], _rank(pair[0])))
    return tuple(given for given, _ in pairs), tuple(laid for _, laid in pairs)


def _hidden_by(masked: Sequence[Run], frame: Frame) -> Frame:
    """A frame without a mask, with the ground hidden that lies in one with a mask and was not seen there.

    Nodata of that frame is hidden, too: what a mask hid and what was never there are not kept apart. The shares of
    zones that it saw follow from what is left of its grid.
    """
    run, grid = frame.run, frame.run.visibility.grid
    if grid is None:
        return frame
    hidden = ObservedGrid(grid.crs)
    for other in masked:
        seen, scene = other.visibility.grid, other.scene
        if seen is not None and seen.crs == grid.crs:
            placer = Placer(grid.crs, scene.crs, Affine(*scene.transform))
            hidden = hidden.union(grid.minus(seen).on_raster(placer.to_pixels, scene.width, scene.height))
    if hidden.empty:
        return frame
    left = replace(run.visibility, fractions={}, grid=grid.minus(hidden))
    under = run.hidden | hidden.contains(run.detections.centres)
    return replace(frame, run=replace(run, visibility=left, hidden=under))


def _rank(frame: Frame) -> tuple[float, float, bool, str, str]:
    """The most ground first; of frames that saw as much, to a hundredth of the site, the finest, then with a mask."""
    run, scene = frame.run, frame.run.scene
    return (
        -round(run.visibility.fractions["*"], 2),
        scene.gsd_m,
        not run.masks_hash,
        scene.identity,
        run.key + run.masks_hash,
    )


def _count(
    first: Count, frames: tuple[Frame, ...], view: Callable[[tuple[Frame, ...]], _View], ground: BaseGeometry
) -> Count:
    """The count of one zone and class over all frames; `first` is the first frame's."""
    zone, name = first.zone, first.class_name
    own = [c for frame in frames for c in frame.counts if (c.zone, c.class_name) == (zone, name)]
    able = [n for n, count in enumerate(own) if not _INABILITIES & set(count.reasons)]
    members = tuple(frames[n] for n in able) or frames
    shown = view(members)
    fraction = shown.visibility.fractions[zone]
    statuses = _statuses([own[n] for n in able], own, fraction)
    status = statuses[0] if statuses else Status.COMPLETE
    without = status in NO_NUMBER
    said = (reason for count in own if (count.seen is None) == without for reason in count.reasons)
    further = dict.fromkeys(r for r in said if word_of(r) not in _MADE_ANEW)
    seen, cut = None, False
    sizes: list[str] = []
    hides: list[str] = []
    there: _Estimate = (None, None, None)
    if not without:
        counts = _stand_in(ground, shown.boxes, name)
        hides = [UNDER_MASK] if _stand_in(ground, shown.left_out, name).any() else []
        seen, cut = int(counts.sum()), bool((counts & shown.boxes.truncated).any())
        there = _estimate(own[able[0]], seen, fraction)
        if there[1] is not None:
            sizes = [r for r in own[able[0]].reasons if word_of(r) == SIZES_HARDLY_CALIBRATED]
    further = dict.fromkeys((*hides, *further))
    reasons = [s.value for s in statuses] + ([TRUNCATED] if cut else [])
    if not without:
        reasons += visibility_reasons(shown.visibility, zone, masked=_masked(members, view, zone))
    return Count(first.site, zone, name, seen, *there, fraction, status, (*reasons, *sizes, *further, UNITED))


def _stand_in(ground: BaseGeometry, boxes: Detections, name: str) -> NDArray[np.bool_]:
    """(N,) boxes of a class with their centre in a zone."""
    inside = shapely.intersects(ground, shapely.points(boxes.centres))
    chosen: NDArray[np.bool_] = inside & (boxes.classes == class_id(name))
    return chosen


def _masked(frames: tuple[Frame, ...], view: Callable[[tuple[Frame, ...]], _View], zone: str) -> bool:
    """Whether a mask lay over each frame that ground of a zone was taken from."""

    def seen(first: int) -> float:
        return view(frames[:first]).visibility.fractions[zone] if first else 0.0

    bare = (n for n, frame in enumerate(frames) if not frame.run.masks_hash)
    return not any(seen(n + 1) - seen(n) > UNSEEN_UP_TO for n in bare)


def _estimate(of_first: Count, seen: int, fraction: float) -> tuple[float | None, float | None, float | None]:
    """Estimate and interval of the first frame, which hold where the others change neither ground nor objects."""
    same_ground = abs(fraction - (of_first.observed_fraction or 0.0)) <= UNSEEN_UP_TO
    stands = same_ground and seen == of_first.seen
    return (of_first.estimate, of_first.low, of_first.high) if stands else (None, None, None)


def _statuses(able: Sequence[Count], own: Sequence[Count], fraction: float) -> list[Status]:
    """Every status that applies to frames together, short of `complete`, in order."""
    unseen = [Status.UNSEEN] if fraction <= UNSEEN_UP_TO else []
    if any(Status.NOT_MODELLED.value in count.reasons for count in own):
        return [Status.NOT_MODELLED, *unseen]
    too_coarse = [] if able else [Status.OUT_OF_RANGE]
    capped = any(Status.SATURATED.value in count.reasons for count in able or own)
    saturated = [Status.SATURATED] if capped else []
    partial = [Status.PARTIAL] if fraction < COMPLETE_FROM else []
    return [*unseen, *too_coarse, *saturated, *partial]


def _visibility(frames: tuple[Frame, ...], zones: dict[str, BaseGeometry]) -> Visibility:
    """What frames saw together, in cells of 1 m; exact where those that saw a zone saw the same cells of it."""
    grids = _grids(frames)
    ground = reduce(ObservedGrid.union, grids)
    fractions = {}
    for zone, shape in zones.items():
        together = ground.fraction(shape)
        shares = [grid.fraction(shape) for grid in grids]
        told = [frame.run.visibility.fractions.get(zone) for frame in frames]
        exact = [
            own for own, share in zip(told, shares, strict=True) if own is not None and share == together
        ]
        same = all(share in (0.0, together) for share in shares)
        least = [own for own in told if own is not None]
        fractions[zone] = max(exact) if same and exact else max([together, *least])
    return Visibility(fractions, frames[0].run.visibility.areas_m2, ground, _noted(frames))


def _noted(frames: tuple[Frame, ...]) -> dict[str, dict[str, float]]:
    """By word and zone the greatest share that a frame tells: at least so much is so of all of them."""
    noted: dict[str, dict[str, float]] = {}
    for frame in frames:
        for word, zones in frame.run.visibility.noted.items():
            most = noted.setdefault(word, {})
            for zone, share in zones.items():
                most[zone] = max(share, most.get(zone, 0.0))
    return noted


def _under_masks(frames: tuple[Frame, ...]) -> Detections:
    """The boxes of frames without a mask that would count, were it not for the masks of others."""
    bare = [frame.run for frame in frames if not frame.run.masks_hash]
    hidden = [counted(replace(run, hidden=~run.hidden)) for run in bare]
    nothing = frames[0].run.detections.select(np.zeros(0, dtype=np.intp))
    return Detections.concatenate([nothing, *hidden])


def _boxes(frames: tuple[Frame, ...]) -> tuple[Detections, NDArray[np.float64]]:
    """The boxes that count, once each, with the (N,) GSD of their frames."""
    kept = counted(frames[0].run)
    gsd_m = np.full(len(kept), frames[0].run.scene.gsd_m)
    grounds = accumulate(_grids(frames), ObservedGrid.union)
    for frame, ground in zip(frames[1:], grounds, strict=False):
        boxes = counted(frame.run)
        added = boxes.select(~_seen_whole(boxes.polygons, ground))
        stays, comes = _once_each(kept, added)
        kept = Detections.concatenate([kept.select(stays), added.select(comes)])
        gsd_m = np.concatenate([gsd_m[stays], np.full(len(comes), frame.run.scene.gsd_m)])
    return kept, gsd_m


def _grids(frames: tuple[Frame, ...]) -> list[ObservedGrid]:
    return [frame.run.visibility.grid for frame in frames if frame.run.visibility.grid is not None]


def _seen_whole(polygons: Polygons, ground: ObservedGrid) -> NDArray[np.bool_]:
    """(N,) boxes that lie in the ground with a guard around: corners, middles of sides, and centre."""
    centres = polygons.mean(axis=1, keepdims=True)
    outline = np.concatenate([polygons, (polygons + np.roll(polygons, 1, axis=1)) / 2], axis=1)
    away = outline - centres
    distance = np.linalg.norm(away, axis=2, keepdims=True)
    grown = outline + GUARD_M * away / np.maximum(distance, 1e-9)
    points = np.concatenate([centres, outline, grown], axis=1)
    inside = ground.contains(points.reshape(-1, 2)).reshape(points.shape[:2])
    whole: NDArray[np.bool_] = np.logical_and.reduce(inside, axis=1)
    return whole


def _once_each(kept: Detections, added: Detections) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which of both stay for each object to stand once: a pair is joined nearest first, and no box is joined twice."""
    first, second = _same_object(kept, added)
    # A cut box yields to a whole one; of two cut ones the smaller yields.
    size = [np.where(boxes.truncated, areas(boxes.polygons), np.inf) for boxes in (kept, added)]
    yields = size[0][first] < size[1][second]
    stays = np.setdiff1d(np.arange(len(kept)), first[yields])
    comes = np.setdiff1d(np.arange(len(added)), second[~yields])
    return stays, comes


def _same_object(kept: Detections, added: Detections) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of one object, at most one a box."""
    shapes = polygons_to_shapely(added.polygons)
    second, first = shapely.STRtree(polygons_to_shapely(kept.polygons)).query(
        shapes, predicate="dwithin", distance=GAP_M
    )
    alike = superclass_ids(kept.classes[first]) == superclass_ids(added.classes[second])
    first, second = first[alike], second[alike]
    a, b = kept.polygons[first], added.polygons[second]
    apart = np.linalg.norm(kept.centres[first] - added.centres[second], axis=1)
    iou = pair_iou(a, b)
    longest = np.maximum(kept.lengths_m[first], added.lengths_m[second])
    near = (iou > LEAST_IOU) & (apart <= np.maximum(REACH_M, REACH_SHARE * longest))
    shared = iou / (1 + iou) * (areas(a) + areas(b)) / np.minimum(areas(a), areas(b))
    cuts = kept.truncated[first].astype(int) + added.truncated[second]
    around_both = areas(min_area_boxes(np.concatenate([a, b], axis=1)))
    pieces = (cuts == 2) & (around_both < FIT * (areas(a) + areas(b)))
    same = near | ((cuts > 0) & (shared > CUT_SHARE)) | pieces
    return _nearest_once(first[same], second[same], apart[same])


def _nearest_once(
    first: NDArray[np.intp], second: NDArray[np.intp], apart: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of pairs, those left when the nearest are taken in turn and each box once."""
    taken: tuple[set[int], set[int]] = set(), set()
    chosen = []
    for k in np.lexsort((second, first, apart)).tolist():
        if first[k] not in taken[0] and second[k] not in taken[1]:
            taken[0].add(int(first[k]))
            taken[1].add(int(second[k]))
            chosen.append(k)
    return first[chosen], second[chosen]
