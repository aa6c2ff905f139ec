"""The series of a site: one look for each acquisition, each from the run last asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, selectinload

from apronwatch.archive.acquisitions import (
    ACQUISITION_ID_REUSED,
    SAME_PICTURE_OTHER_TIME,
    Acquisition,
    Likeness,
    Taken,
    by_acquisition,
    reused_ids,
)
from apronwatch.archive.models import CountTable, RunTable, SceneTable, SiteTable, ZoneTable
from apronwatch.archive.outlines import OTHER_OUTLINE, other_outlines
from apronwatch.archive.queries import LAST_ASKED, as_site, check_site, newest_site, run
from apronwatch.archive.rows import ArchivedRun, SeriesRow
from apronwatch.archive.store import SET_ASIDE, as_count
from apronwatch.counts import Count, checked_classes
from apronwatch.errors import ModelUnknown, SiteUnknown
from apronwatch.observation import Frame, comparable, unite
from apronwatch.preview import Preview
from apronwatch.taxonomy import CLASSES
from apronwatch.times import PRECISIONS
from apronwatch.zone import PIXEL, WHOLE_PICTURE

NOT_COMPARABLE = "frames_not_comparable"
"""Reason given to frames of one acquisition that cannot be united: each is a look of its own."""


@dataclass(frozen=True)
class _Candidate(Taken):
    """A run that may stand for its scene."""

    run_id: int
    failed: bool
    site_id: int
    geometry_sha256: str
    model_name: str
    model_sha256: str
    facts: dict[str, Any]
    paths: list[str]
    identity: str
    sha256: str | None


@dataclass(frozen=True)
class _Look:
    """The runs that stand for one acquisition, or for one frame that cannot be united; `twins` as in `SeriesRow`."""

    runs: tuple[_Candidate, ...]
    reasons: tuple[str, ...] = ()
    twins: tuple[int, ...] = ()


def series(
    session: Session, site: str, zone: str | None, classes: Sequence[str] | None, model: str | None
) -> list[SeriesRow]:
    """See `Archive.series`."""
    check_site(session, site)
    chosen = CLASSES if classes is None else checked_classes(classes)
    if zone is not None:
        _check_zone(session, site, zone)
    candidates = _of_one_kind(_candidates(session, site, model))
    groups = by_acquisition(candidates, _likeness(session, candidates))
    reused = reused_ids([group.scenes for group in groups])
    looks = [
        replace(look, reasons=(*look.reasons, ACQUISITION_ID_REUSED))
        if any((run.satellite, run.acquisition) in reused for run in look.runs)
        else look
        for look in _all_looks(groups)
    ]
    alone = _counts(session, site, [look.runs[0].run_id for look in looks if len(look.runs) == 1])
    changed = _changed_zones(session, site)
    rows = [
        _with(row, (OTHER_OUTLINE,)) if row.count.zone in changed(look.runs[0]) else row
        for look in looks
        for row in _rows(session, look, alone)
    ]
    wanted = [r for r in rows if r.count.class_name in chosen and zone in (None, r.count.zone)]
    return sorted(wanted, key=lambda row: (row.time, row.run_id))  # stable: counts stay in their order


def _candidates(session: Session, site: str, model: str | None) -> list[_Candidate]:
    """Dated runs of a site in any version, the last asked for first; with a model named, only its own.

    Without one, runs that were set aside stand for nothing.
    """
    whole_picture = exists().where(ZoneTable.site_id == RunTable.site_id, ZoneTable.kind == WHOLE_PICTURE)
    of_model = or_(RunTable.model_name == model, RunTable.model_sha256 == model)
    query = (
        select(
            RunTable.scene_id,
            SceneTable.sensor,
            SceneTable.acquisition,
            SceneTable.time,
            SceneTable.time_precision,
            # Of whole pictures each has an outline of its own: what they share is not one place.
            (~SceneTable.georeferenced | whole_picture).label("alone"),
            RunTable.id.label("run_id"),
            RunTable.failure.is_not(None).label("failed"),
            RunTable.site_id,
            SiteTable.geometry_hash.label("geometry_sha256"),
            RunTable.model_name,
            RunTable.model_sha256,
            RunTable.scene_facts.label("facts"),
            SceneTable.paths,
            SceneTable.identity,
            SceneTable.sha256,
        )
        .join(RunTable.scene)
        .join(RunTable.site)
        .where(SiteTable.name == site)
    )
    if model is not None:
        known = session.scalars(select(RunTable.model_name).join(RunTable.site).where(SiteTable.name == site))
        if session.execute(query.where(of_model).limit(1)).first() is None:
            raise ModelUnknown(
                f"site {site} has no runs of model {model}; it has {', '.join(sorted(set(known)))}"
            )
        query = query.where(of_model)
    else:
        query = query.where(RunTable.asked_at > SET_ASIDE)
    dated = query.where(SceneTable.time.is_not(None)).order_by(*LAST_ASKED)
    return [_Candidate(**row._asdict()) for row in session.execute(dated)]


def _of_one_kind(candidates: list[_Candidate]) -> list[_Candidate]:
    """Of each scene the runs that can be united like the one that stands for it, or cannot like it.

    A scene counted in the zones of a site and as a whole picture of the same name would be two looks.
    """
    stands: dict[int, _Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: c.failed):  # stable: the last asked for stays first
        stands.setdefault(candidate.scene_id, candidate)
    return [c for c in candidates if c.alone == stands[c.scene_id].alone]


def _likeness(session: Session, candidates: Sequence[_Candidate]) -> Likeness:
    """Compares the previews of two scenes, each of the run last asked for; read when they are needed."""
    newest = {c.scene_id: c.run_id for c in reversed(candidates) if not c.failed}

    @cache
    def preview(scene_id: int) -> Preview | None:
        run_id = newest.get(scene_id)
        data = session.scalar(select(RunTable.preview).where(RunTable.id == run_id)) if run_id else None
        return Preview.from_bytes(data) if data else None

    def likeness(one: int, other: int) -> float | None:
        first, second = preview(one), preview(other)
        return first.likeness(second) if first and second else None

    return likeness


def _all_looks(groups: Sequence[Acquisition[_Candidate]]) -> list[_Look]:
    """The looks of all acquisitions; those that show the same picture as another say so, and name it."""
    looks = [look for group in groups for look in _looks_of(group)]
    twins = {scene_id: others for group in groups for scene_id, others in group.twins.items()}
    shown = {run.scene_id: run.run_id for look in looks for run in look.runs}

    def named(look: _Look) -> _Look:
        others = {other for run in look.runs for other in twins.get(run.scene_id, ()) if other in shown}
        if not others:
            return look
        runs = tuple(sorted(shown[other] for other in others))
        return replace(look, reasons=(*look.reasons, SAME_PICTURE_OTHER_TIME), twins=runs)

    return [named(look) for look in looks]


def _looks_of(group: Acquisition[_Candidate]) -> list[_Look]:
    """The looks of one acquisition: one of all frames that can be united, one each of the others."""
    members = group.scenes
    done = [m for m in members if not m.failed]
    if not done:
        return [_Look((members[0],))]
    apart = _newest_each(m for m in done if m.alone)
    together = [m for m in done if not m.alone]
    newest = together[0] if together else None
    # Other weights or another outline of the site would not be the same count.
    same = [
        m for m in together if newest and (m.model_sha256, m.site_id) == (newest.model_sha256, newest.site_id)
    ]
    looks = [_Look((m,)) for m in apart]
    if same:
        frames = _newest_each(same)
        # Where one frame was left, nothing was united.
        looks.append(_Look(tuple(frames), tuple(group.reasons) if len(frames) > 1 else ()))
    return (
        [replace(look, reasons=(NOT_COMPARABLE, *look.reasons)) for look in looks]
        if apart and len(looks) > 1
        else looks
    )


def _newest_each(members: Iterable[_Candidate]) -> list[_Candidate]:
    """The first of each scene."""
    first: dict[int, _Candidate] = {}
    for member in members:
        first.setdefault(member.scene_id, member)
    return list(first.values())


def _rows(session: Session, look: _Look, alone: dict[int, list[Count]]) -> list[SeriesRow]:
    if len(look.runs) == 1:
        only = look.runs[0]
        return [_with(_row([only], count, look.twins), look.reasons) for count in alone[only.run_id]]
    runs = {candidate.run_id: run(session, candidate.run_id) for candidate in look.runs}
    if not comparable(runs.values()):
        return [
            _with(_row([candidate], count, look.twins), (NOT_COMPARABLE, *look.reasons))
            for candidate in look.runs
            for count in runs[candidate.run_id].counts
        ]
    by_id = {candidate.run_id: candidate for candidate in look.runs}
    observation = unite([Frame(r, r.counts) for r in runs.values()], next(iter(runs.values())).site)
    frames = [by_id[f.run.run_id] for f in observation.frames if isinstance(f.run, ArchivedRun)]
    return [_with(_row(frames, count, look.twins), look.reasons) for count in observation.counts]


def _row(frames: Sequence[_Candidate], count: Count, twins: tuple[int, ...]) -> SeriesRow:
    first = frames[0]
    # The date of one frame says less than the second of another.
    earliest = min(frames, key=lambda frame: (PRECISIONS[frame.time_precision], frame.time))
    return SeriesRow(
        time=earliest.time,
        time_precision=earliest.time_precision,
        count=count,
        scene_sha256=first.sha256,
        scene_identity=first.identity,
        scene_path=first.paths[-1],
        run_id=first.run_id,
        run_ids=tuple(frame.run_id for frame in frames),
        model_name=first.model_name,
        model_sha256=first.model_sha256,
        geometry_sha256=first.geometry_sha256,
        gsd_m=max(frame.facts["gsd_m"] for frame in frames),
        synthetic=any(frame.facts["synthetic"] for frame in frames),
        frames=len(frames),
        twins=twins,
    )


def _with(row: SeriesRow, reasons: tuple[str, ...]) -> SeriesRow:
    return replace(row, count=replace(row.count, reasons=(*row.count.reasons, *reasons)))


def _changed_zones(session: Session, site: str) -> Callable[[_Candidate], frozenset[str]]:
    """For a run, the zones whose outline is another than in the site's newest version."""
    stored = session.scalars(
        select(SiteTable).where(SiteTable.name == site).options(selectinload(SiteTable.zones))
    )
    versions = {row.id: as_site(row) for row in stored}
    newest, newest_gsd_m = newest_site(session, site)

    @cache
    def changed(site_id: int, gsd_m: float) -> frozenset[str]:
        return other_outlines(versions[site_id], gsd_m, newest, newest_gsd_m)

    # Only outlines in pixels depend on the picture.
    return lambda of: changed(of.site_id, of.facts["gsd_m"] if versions[of.site_id].crs == PIXEL else 1.0)


def _counts(session: Session, site: str, run_ids: Sequence[int]) -> dict[int, list[Count]]:
    """Counts by run, in the order in which they were stored."""
    found: dict[int, list[Count]] = {run_id: [] for run_id in run_ids}
    query = select(CountTable).join(RunTable).join(SiteTable).where(SiteTable.name == site)
    for row in session.scalars(query.order_by(CountTable.run_id, CountTable.position)):
        if row.run_id in found:
            found[row.run_id].append(as_count(row, site))
    return found


def _check_zone(session: Session, site: str, zone: str) -> None:
    known = set(session.scalars(select(ZoneTable.zone).join(SiteTable).where(SiteTable.name == site))) | {"*"}
    if zone not in known:
        raise SiteUnknown(f"site {site} has no zone {zone}; it has {', '.join(sorted(known))}")
