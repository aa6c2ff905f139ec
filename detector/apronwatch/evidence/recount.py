"""The archived looks of a site counted again with other weights: which published numbers would move, and why.

What was published stays. The new runs go into the archive set aside: no series shows them until they are adopted,
counted again by `count`, or their weights are named.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from apronwatch.archive import Archive, ArchivedRun
from apronwatch.counting import count_run, counting_hash
from apronwatch.counts import Count, failed_counts
from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.errors import ApronwatchError, ArchiveUnwritable, Uncheckable
from apronwatch.evidence.boxes import Boxes, boxes_of, counted_objects
from apronwatch.evidence.looks import counts_of, each_look
from apronwatch.evidence.matching import match
from apronwatch.evidence.sources import NO_MASKS, FoundMasks, MaskFiles, masks_again, reopened
from apronwatch.observation import Frame
from apronwatch.pipeline import Progress, detect, model_info
from apronwatch.plan import make_plan
from apronwatch.report.looks import Look
from apronwatch.run import Run, run_key
from apronwatch.scene import Scene


@dataclass(frozen=True, eq=False)
class Move:
    """One published number that the new weights would move.

    Attributes:
        time, time_precision: of the look.
        old, new: the counts.
        lost: objects that the published number counts and the new weights do not find; None where one has no number.
        gained: objects that only the new number counts.
    """

    time: datetime | None
    time_precision: str | None
    old: Count
    new: Count
    lost: Detections | None
    gained: Detections | None

    @property
    def difference(self) -> int | None:
        """New less old; None where one of them is no number."""
        if self.old.seen is None or self.new.seen is None:
            return None
        return self.new.seen - self.old.seen


@dataclass(frozen=True, eq=False)
class Recounted:
    """What became of one look.

    Attributes:
        look: as published.
        moves: of its numbers.
        numbers: how many of its counts have a number, as published.
        run_ids: of the new runs in the archive.
        why_not: why it could not be counted again; empty where it was.
    """

    look: Look
    moves: tuple[Move, ...] = ()
    numbers: int = 0
    run_ids: tuple[int, ...] = ()
    why_not: str = ""


def recount(
    archive: Archive,
    site_id: str,
    engine: Engine,
    *,
    masks: MaskFiles = NO_MASKS,
    adopt: bool = False,
    progress: Progress | None = None,
) -> Iterator[Recounted]:
    """Count every look that a series shows again, with other weights, and hand each over as it is done.

    Args:
        archive: holds the looks, and gets the new runs.
        site_id: the site.
        engine: with the new weights.
        masks: what the masks of the scenes may be.
        adopt: let the new runs stand for their looks from now on; by default they are set aside.
        progress: told how far it is in each frame.

    Raises:
        SiteUnknown: no such site.
        ArchiveUnwritable: a run cannot be stored; those before it are.
    """
    for look in each_look(archive, archive.series(site_id)):
        yield _recounted(archive, look, engine, masks, adopt, progress)


def undated(archive: Archive, site_id: str) -> list[str]:
    """The pictures of a site that no series shows because they have no time: they are not counted again."""
    return list(dict.fromkeys(row.scene_path for row in archive.runs(site_id) if row.time is None))


def most_moved_first(moves: Sequence[Move]) -> list[Move]:
    """Numbers that come or go before those that change, then by how much, then by time."""

    def rank(move: Move) -> tuple[bool, int, str]:
        by = move.difference
        return by is not None, -abs(by or 0), move.time.isoformat() if move.time else ""

    return sorted(moves, key=rank)


def _recounted(
    archive: Archive, look: Look, engine: Engine, masks: MaskFiles, adopt: bool, progress: Progress | None
) -> Recounted:
    """One look; all of its scenes are found before the first is counted."""
    try:
        with ExitStack() as stack:
            found = [_found(stack, run, masks) for run in look.runs]
            counted = [
                _counted(archive, run, *one, engine, adopt, progress)
                for run, one in zip(look.runs, found, strict=True)
            ]
    except Uncheckable as error:
        return Recounted(look, why_not=str(error))
    failures = [why for _, _, why in counted if why]
    new = [frame for frame, _, _ in counted]
    ids = tuple(run_id for _, run_id, _ in counted)
    if failures:
        # The counts of a look of which a frame failed would be those of the others alone.
        return Recounted(look, run_ids=ids, why_not=f"failed with the new weights: {failures[0]}")
    site = look.runs[0].site
    counts = counts_of(new, site)
    old_boxes = boxes_of([Frame(run, run.counts) for run in look.runs], site)
    moves = _moves(look, counts, old_boxes, boxes_of(new, site))
    return Recounted(look, tuple(moves), sum(c.seen is not None for c in look.counts), ids)


def _found(stack: ExitStack, run: ArchivedRun, masks: MaskFiles) -> tuple[Scene, FoundMasks]:
    scene = stack.enter_context(reopened(run.scene, (*reversed(run.scene_paths), run.scene.path)))
    return scene, masks_again(scene, run.site, run.masks_hash, masks)


def _counted(
    archive: Archive,
    old: ArchivedRun,
    scene: Scene,
    masks: FoundMasks,
    engine: Engine,
    adopt: bool,
    progress: Progress | None,
) -> tuple[Frame, int, str]:
    """One frame by the new weights, its run's id, and why it failed."""
    settings = make_plan(scene, engine.model, engine.precision, old.site).parameters
    calibration, key = counting_hash(engine.model), run_key(old.scene.identity, engine.model.sha256, settings)
    stored = archive.stored(key, old.masks_hash, calibration)
    if stored is not None:
        if adopt:
            archive.ask_again(stored.run_id, old.scene)
        return Frame(archive.run(stored.run_id), stored.counts), stored.run_id, ""
    try:
        run = _as_archived(detect(scene, engine, old.site, masks=masks.masks, progress=progress), old)
        counts = tuple(count_run(run, old.site, engine.model))
        run_id = archive.store(run, counts, old.site, calibration_hash=calibration, aside=not adopt)
        return Frame(run, counts), run_id, ""
    except ArchiveUnwritable:
        raise
    except Exception as error:
        # Whatever broke, this look says so and the others go on, as in `survey`.
        why = str(error) if isinstance(error, ApronwatchError) else f"{type(error).__name__}: {error}"
        model, nothing = model_info(engine.model), failed_counts(old.site)
        run_id = archive.store_failure(
            old.scene, model, settings, old.site, nothing, why, masks_hash=old.masks_hash, aside=not adopt
        )
        return Frame(old, tuple(nothing)), run_id, why


def _as_archived(run: Run, old: ArchivedRun) -> Run:
    """The run with what the archive says of when and where its scene was taken."""
    told = ("path", "time", "time_precision", "time_source", "sensor", "acquisition")
    return replace(run, scene=replace(run.scene, **{name: getattr(old.scene, name) for name in told}))


def _moves(
    look: Look, counts: Sequence[Count], old_boxes: Sequence[Boxes], new_boxes: Sequence[Boxes]
) -> Iterator[Move]:
    found = {(c.zone, c.class_name): c for c in counts}
    for old in look.counts:
        new = found[old.zone, old.class_name]
        lost = gained = None
        if old.seen is not None and new.seen is not None:
            pair = [counted_objects(boxes, old.zone, old.class_name) for boxes in (old_boxes, new_boxes)]
            matched = match(*pair)
            lost, gained = matched.lost, matched.gained
        if _said(old) != _said(new):
            yield Move(look.time, look.time_precision, old, new, lost, gained)


def _said(count: Count) -> dict[str, object]:
    """What a reader would see change: numbers and status."""
    return {k: v for k, v in count.to_dict().items() if k not in ("reasons", "observed_fraction")}
