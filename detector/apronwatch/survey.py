"""Many scenes of known places counted into one archive.

Everything that can be wrong with the call is found before anything is written. What fails later, fails for its scene
alone: that scene is archived as failed, with no numbers, and the others go on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import shapely

from apronwatch.archive import Archive, ArchivedTime, contradict
from apronwatch.counting import count_run, counting_hash
from apronwatch.counts import Count, Status, checked_classes, failed_counts, unseen_counts
from apronwatch.engines import Engine
from apronwatch.errors import ApronwatchError, ArchiveUnwritable, CallInvalid, ContradictingTimes, SiteUnknown
from apronwatch.manifest import SceneRequest
from apronwatch.masking import open_masks
from apronwatch.observation import Frame
from apronwatch.pipeline import detect, model_info
from apronwatch.plan import check_fits, make_plan
from apronwatch.run import ModelInfo, Run, run_key
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.sizing import with_sizes
from apronwatch.taxonomy import CLASSES

Progress = Callable[[str, int, int], None]
"""Called with (scene path, tiles done, tiles in all)."""


@dataclass(frozen=True)
class SceneOutcome:
    """What one scene gave.

    Attributes:
        scene, model: as archived, under the time that the archive holds for these bits.
        status: what it is worth as a whole: `failed` if a site failed, `unseen` if no site was seen, `not_modelled`
            or `out_of_range` if no class has a number, else the worst of the totals that have one.
        reasons: why it failed; warnings about the scene.
        counts: per site, zone and class; those of planes by size, too, where that was asked for.
        run_ids: in the archive, one a site that the scene shows; empty when nothing was archived.
    """

    scene: SceneInfo
    model: ModelInfo
    status: Status
    reasons: tuple[str, ...]
    counts: tuple[Count, ...]
    run_ids: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, under the names of the `count --json` contract."""
        return {
            "path": self.scene.path,
            "sha256": self.scene.sha256,
            "time": self.scene.time.isoformat().replace("+00:00", "Z") if self.scene.time else None,
            "gsd_m": self.scene.gsd_m,
            "status": self.status.value,
            "reasons": list(self.reasons),
            "model": {"name": self.model.name, "sha256": self.model.sha256},
            "counts": [c.to_dict() for c in self.counts],
        }


@dataclass(frozen=True)
class _Job:
    scene: Scene
    request: SceneRequest
    shown: list[Site]
    unshown: list[Site]
    notes: tuple[str, ...] = ()
    archived: ArchivedTime | None = None


def survey(
    requests: Sequence[SceneRequest],
    engine: Engine,
    *,
    sites: Sequence[Site] | None = None,
    archive: str | None = None,
    classes: Sequence[str] = CLASSES,
    by_size: bool = False,
    progress: Progress | None = None,
) -> Iterator[SceneOutcome]:
    """Count each scene, archive it, and hand over what it gave as soon as it is stored.

    Args:
        requests: the scenes; one without a `site` shows any of `sites`.
        engine: what looks.
        sites: whose zones to count in; without them each picture is the one zone `image` of its request's site.
        archive: file or URL; the default archive without one.
        classes: which classes to give counts of.
        by_size: give the planes by size group, too.
        progress: told how far it is.

    Raises:
        ApronwatchError: an input is wrong, or contradicts the archive; nothing was written.
    """
    wanted = checked_classes(classes)
    jobs = _once_each([_checked(request, sites, engine) for request in requests])
    with Archive.open(archive) as store:
        for job in [_as_archived(job, store) for job in jobs]:
            with job.scene:
                yield _count_scene(job, engine, store, wanted, by_size, progress)


def _checked(request: SceneRequest, sites: Sequence[Site] | None, engine: Engine) -> _Job:
    """Everything that can be wrong with a scene is found here; its file is closed until it is counted."""
    with request.open() as scene:
        job = _job(scene, request, sites)
        for site in job.shown:
            make_plan(scene, engine.model, engine.precision, site)
        masks = open_masks(scene, Site.whole_picture("image", scene.info).utm_crs)
    return replace(job, notes=(*job.notes, *masks.notes))


def _job(scene: Scene, request: SceneRequest, sites: Sequence[Site] | None) -> _Job:
    if sites is None:
        whole = Site.whole_picture(request.site or _stem(scene.path), scene.info)
        return _Job(scene, request, [whole], [])
    if request.site is not None:
        chosen = [site for site in sites if site.id == request.site]
        if not chosen:
            known = ", ".join(sorted(site.id for site in sites))
            raise SiteUnknown(f"{request.path}: no site {request.site} in the site file; it holds {known}")
        sites = chosen
    for site in sites:
        check_fits(site, scene.info)
    footprint = shapely.from_wkt(scene.info.footprint_wkt) if scene.info.footprint_wkt else None
    shown = [s for s in sites if footprint is None or any(footprint.intersects(z.geometry) for z in s.zones)]
    return _Job(scene, request, shown, [s for s in sites if s not in shown])


def _stem(path: str) -> str:
    """What a picture's site is called when nobody named it."""
    return PurePosixPath(path.split("?")[0].split("#")[0]).stem or path


def _once_each(jobs: list[_Job]) -> list[_Job]:
    """The same bits under two names are one scene; what is said of them must agree."""
    kept: dict[tuple[str, tuple[str, ...]], _Job] = {}
    dated: dict[str, Scene] = {}
    for job in jobs:
        _check_dates(dated.setdefault(job.scene.info.identity, job.scene), job.scene)
        key = job.scene.info.identity, tuple(site.geometry_hash for site in job.shown)
        first = kept.setdefault(key, job)
        if first is job:
            continue
        if _said(first) != _said(job):
            raise CallInvalid(
                f"{job.scene.path} holds the same picture as {first.scene.path} and is given another time, GSD, "
                "mask or acquisition; name it once, with the right ones"
            )
        note = f"{job.scene.path} holds the same picture: counted once"
        kept[key] = replace(first, notes=(*first.notes, note))
    return list(kept.values())


def _check_dates(first: Scene, again: Scene) -> None:
    """Sites of their own do not make the same bits another acquisition."""
    if contradict(first.info, again.info):
        raise ContradictingTimes(
            f"{again.path} holds the same picture as {first.path} and is given another time, a day or more apart; "
            "give both the right one"
        )


def _as_archived(job: _Job, store: Archive) -> _Job:
    """What the archive holds of the same bits; raises `ContradictingTimes`."""
    archived = store.dated(job.scene.info.identity)
    notes = archived.checked_against(job.scene.info) if archived else ()
    return replace(job, archived=archived, notes=(*job.notes, *notes))


def _said(job: _Job) -> tuple[Any, ...]:
    info = job.scene.info
    masks = job.request.mask, job.request.mask_hides, job.scene.item_masks
    return info.time, info.acquisition, round(info.gsd_m, 6), masks


def _count_scene(
    job: _Job,
    engine: Engine,
    store: Archive,
    classes: tuple[str, ...],
    by_size: bool,
    progress: Progress | None,
) -> SceneOutcome:
    info, model = job.scene.info, model_info(engine.model)
    counts: list[Count] = []
    reasons = [*info.warnings, *job.notes]
    run_ids = []
    for site in job.shown:
        found, run, run_id, why = _count_site(job.scene, site, engine, store, progress)
        if by_size:
            # A run that was there already is read whole only for this.
            run = store.run(run_id) if run is None and run_id is not None else run
            found = with_sizes(found, [Frame(run, tuple(found))] if run else [], site, engine.model)
        counts += [c for c in found if c.class_name in classes]
        reasons += why
        run_ids += [run_id] if run_id is not None else []
    if not job.shown:
        names = ", ".join(site.id for site in job.unshown)
        reasons.append(f"every site lies outside the scene ({names}): unseen, and nothing archived")
    for site in job.unshown:
        unseen: Sequence[Count] = unseen_counts(site, engine.model.classes, classes)
        counts += with_sizes(unseen, [], site, engine.model) if by_size else unseen
    archived = store.dated(info.identity) if run_ids else job.archived
    if archived is not None:
        info = archived.given_to(info)
    return SceneOutcome(info, model, overall(counts), tuple(reasons), tuple(counts), tuple(run_ids))


def _count_site(
    scene: Scene, site: Site, engine: Engine, store: Archive, progress: Progress | None
) -> tuple[Sequence[Count], Run | None, int | None, list[str]]:
    """Counts of all classes, the run if it was made now, its id in the archive, and what went wrong."""
    try:
        plan = make_plan(scene, engine.model, engine.precision, site)
        masks, settings = open_masks(scene, plan.crs), plan.parameters
    except ApronwatchError as error:
        # They could be read when the scene was checked; without them there is no key to store the failure by.
        return failed_counts(site), None, None, [f"failed: {error}"]
    calibration = counting_hash(engine.model)
    stored = store.stored(run_key(scene.info.identity, engine.model.sha256, settings), masks.key, calibration)
    if stored is not None:
        store.ask_again(stored.run_id, scene.info)
        return stored.counts, None, stored.run_id, []
    tell = (lambda done, total: progress(scene.path, done, total)) if progress else None
    try:
        run = detect(scene, engine, site, masks=masks, progress=tell)
        counts = count_run(run, site, engine.model)
        run_id = store.store(run, counts, site, calibration_hash=calibration)
        return counts, run, run_id, []
    except ArchiveUnwritable as error:
        return counts, run, None, [f"not_archived: {error}"]
    except Exception as error:
        # Whatever broke, this scene has failed and says why; the others go on.
        known = isinstance(error, ApronwatchError)
        message = str(error) if known else f"{type(error).__name__}: {error}"
        return _failed(scene, site, engine, store, settings, masks.key, message)


def _failed(
    scene: Scene,
    site: Site,
    engine: Engine,
    store: Archive,
    settings: dict[str, Any],
    masks: str,
    message: str,
) -> tuple[Sequence[Count], None, int | None, list[str]]:
    counts = failed_counts(site)
    try:
        model = model_info(engine.model)
        run_id = store.store_failure(scene.info, model, settings, site, counts, message, masks_hash=masks)
    except ArchiveUnwritable as error:
        return counts, None, None, [f"failed: {message}", f"not_archived: {error}"]
    return counts, None, run_id, [f"failed: {message}"]


def overall(counts: Sequence[Count]) -> Status:
    """What the scene as a whole is worth: see docs/json-output.md."""
    totals = [c for c in counts if c.zone == "*"]
    if any(c.status is Status.FAILED for c in totals):
        return Status.FAILED
    looked_at = [c for c in totals if Status.UNSEEN.value not in c.reasons]
    if not looked_at:
        return Status.UNSEEN
    numbers = [c for c in looked_at if c.seen is not None]
    if not numbers:
        return (
            Status.OUT_OF_RANGE
            if any(c.status is Status.OUT_OF_RANGE for c in totals)
            else Status.NOT_MODELLED
        )
    for status in (Status.SATURATED, Status.PARTIAL):
        if any(status.value in c.reasons for c in numbers):
            return status
    return Status.COMPLETE
