"""Reading: runs, sites, and what may be done again, each within one transaction of the caller."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from apronwatch.archive.dating import ArchivedTime
from apronwatch.archive.models import CountTable, DetectionTable, RunTable, SceneTable, SiteTable
from apronwatch.archive.outlines import other_outlines
from apronwatch.archive.rows import ArchivedRun, RunRow, StoredRun
from apronwatch.archive.store import as_count
from apronwatch.counts import Count
from apronwatch.detections import Detections
from apronwatch.errors import RunUnknown, SiteUnknown
from apronwatch.preview import Preview
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site, Zone
from apronwatch.taxonomy import class_id
from apronwatch.visibility import ObservedGrid, Visibility

LEAST_HASH_DIGITS = 6
"""Of a scene's SHA-256, to name it by."""

LAST_ASKED = (RunTable.asked_at.desc(), RunTable.id.desc())
"""The order of runs from the last one asked for."""


def stored(session: Session, key: str, masks_hash: str, calibration_hash: str) -> StoredRun | None:
    """The run of these keys, if it is done."""
    run = session.execute(
        select(RunTable.id, SiteTable.name)
        .join(RunTable.site)
        .where(
            RunTable.key == key,
            RunTable.masks_hash == masks_hash,
            RunTable.calibration_hash == calibration_hash,
            RunTable.failure.is_(None),
        )
    ).one_or_none()
    return StoredRun(run.id, _counts(session, run.id, run.name)) if run else None


def run_row(session: Session, run_id: int) -> RunTable:
    """The table's row of a run; raises `RunUnknown`."""
    row = session.get(
        RunTable,
        run_id,
        options=[joinedload(RunTable.scene), joinedload(RunTable.site).selectinload(SiteTable.zones)],
    )
    if row is None:
        newest = session.scalar(select(func.max(RunTable.id)))
        raise RunUnknown(
            f"no run {run_id} in this archive (newest: {newest or 'none'}); see `apronwatch archive runs`"
        )
    return row


def run(session: Session, run_id: int) -> ArchivedRun:
    """Everything about one run; raises `RunUnknown`."""
    row = run_row(session, run_id)
    detections, hidden = _detections(session, row)
    grid = ObservedGrid.from_bytes(row.observed_grid) if row.observed_grid else None
    return ArchivedRun(
        run_id=row.id,
        stored_key=row.key,
        scene=_scene_info(row),
        model=ModelInfo(
            row.model_name, row.model_sha256, row.model_terms, row.model_data, tuple(row.model_synthetic_only)
        ),
        parameters=row.parameters,
        detections=detections,
        thresholds=row.thresholds,
        visibility=Visibility(row.seen_fractions, row.zone_areas_m2, grid, row.noted_fractions or {}),
        saturated=shapely.from_wkb(row.saturated) if row.saturated else shapely.Polygon(),
        hidden=hidden,
        device=row.device,
        stage_s=row.stage_s,
        tiles=row.tiles,
        preview=Preview.from_bytes(row.preview) if row.preview else None,
        site=as_site(row.site),
        counts=_counts(session, row.id, row.site.name),
        failure=row.failure,
        scene_paths=tuple(row.scene.paths),
        masks_hash=row.masks_hash,
        calibration_hash=row.calibration_hash,
        pipeline_version=row.pipeline_version,
        software_version=row.software_version,
        stored_at=row.stored_at,
        counted_at=row.counted_at,
    )


def runs(session: Session, site: str | None) -> list[RunRow]:
    """All runs, oldest first; of one site, in any of its versions. Raises `SiteUnknown`."""
    if site is not None:
        check_site(session, site)
    boxes = select(func.count()).where(DetectionTable.run_id == RunTable.id).scalar_subquery()
    found = session.execute(
        select(
            RunTable.id,
            RunTable.scene_facts,
            RunTable.model_name,
            RunTable.model_sha256,
            RunTable.failure,
            RunTable.stored_at,
            RunTable.asked_at,
            SiteTable.name,
            SceneTable.paths,
            SceneTable.sha256,
            SceneTable.identity,
            SceneTable.time,
            SceneTable.time_precision,
            boxes.label("boxes"),
        )
        .join(RunTable.scene)
        .join(RunTable.site)
        .where(SiteTable.name == site if site is not None else true())
        .order_by(RunTable.id)
    )
    return [
        RunRow(
            run_id=r.id,
            site=r.name,
            scene_path=r.paths[-1],
            scene_sha256=r.sha256,
            scene_identity=r.identity,
            time=r.time,
            time_precision=r.time_precision,
            gsd_m=r.scene_facts["gsd_m"],
            model_name=r.model_name,
            model_sha256=r.model_sha256,
            detections=r.boxes,
            failure=r.failure,
            stored_at=r.stored_at,
            asked_at=r.asked_at,
        )
        for r in found
    ]


def scene_of(session: Session, named: int | str) -> SceneTable:
    """The scene of a run's number, or of a SHA-256 (or its beginning), an identity, a path or a file name.

    Raises:
        RunUnknown: nothing, or more than one scene, is called so.
    """
    text = str(named)
    if text.isdecimal() and len(text) < LEAST_HASH_DIGITS + 4:
        by_run = session.scalar(select(SceneTable).join(RunTable).where(RunTable.id == int(text)))
        if by_run is not None or len(text) < LEAST_HASH_DIGITS:
            return by_run or run_row(session, int(text)).scene
    scenes = session.scalars(select(SceneTable)).all()
    found = [scene for scene in scenes if _is_called(scene, text)]
    found = found or [scene for scene in scenes if text in map(_file_name, scene.paths)]
    if len(found) != 1:
        raise RunUnknown(
            f"{len(found) or 'no'} scenes are called {text} here; expected a run's number, a path, or "
            f"{LEAST_HASH_DIGITS} or more digits of a scene's SHA-256: see `apronwatch archive runs`"
        )
    return found[0]


def _is_called(scene: SceneTable, text: str) -> bool:
    by_hash = len(text) >= LEAST_HASH_DIGITS and (scene.sha256 or "").startswith(text.lower())
    return by_hash or text == scene.identity or text in scene.paths


def _file_name(path: str) -> str:
    """Of a path, or of an address with a query."""
    return path.split("?")[0].replace("\\", "/").rsplit("/", 1)[-1]


def dated(session: Session, identity: str) -> ArchivedTime | None:
    """See `Archive.dated`."""
    scene = session.scalar(select(SceneTable).where(SceneTable.identity == identity))
    if scene is None:
        return None
    earlier = frozenset(
        (datetime.fromisoformat(before["time"]), before["time_source"])
        for before in scene.earlier_times
        if before["time"]
    )
    return ArchivedTime(scene.time, scene.time_precision, scene.time_source, scene.paths[-1], earlier)


def sites(session: Session) -> list[str]:
    """The ids of all sites, sorted."""
    return list(session.scalars(select(SiteTable.name).distinct().order_by(SiteTable.name)))


def newest_site(session: Session, site_id: str) -> tuple[Site, float]:
    """The version of a site of the run last asked for, and its scene's GSD; raises `SiteUnknown`."""
    found = session.execute(
        select(SiteTable, RunTable.scene_facts)
        .join(RunTable)
        .where(SiteTable.name == site_id)
        .order_by(*LAST_ASKED)
        .limit(1)
        .options(selectinload(SiteTable.zones))
    ).first()
    if found is None:
        raise unknown_site(session, site_id)
    return as_site(found[0]), found[1]["gsd_m"]


def outlines_unlike_newest(session: Session, run_id: int) -> frozenset[str]:
    """See `Archive.other_outlines`."""
    row = run_row(session, run_id)
    newest, gsd_m = newest_site(session, row.site.name)
    return other_outlines(as_site(row.site), row.scene_facts["gsd_m"], newest, gsd_m)


def check_site(session: Session, site_id: str) -> None:
    """Raises `SiteUnknown`, which lists the sites there are."""
    if session.scalar(select(SiteTable.id).where(SiteTable.name == site_id).limit(1)) is None:
        raise unknown_site(session, site_id)


def unknown_site(session: Session, site_id: str) -> SiteUnknown:
    """The error for a site that is not there."""
    known = ", ".join(sites(session)) or "none yet: count a scene first"
    return SiteUnknown(f"no site {site_id} in this archive; it holds {known}")


def as_site(row: SiteTable) -> Site:
    """A stored version of a site."""
    zones = (Zone(z.zone, z.kind, z.name, z.max_span_m, shapely.from_wkb(z.geometry)) for z in row.zones)
    return Site(row.name, tuple(zones), row.crs)


def _scene_info(row: RunTable) -> SceneInfo:
    scene = row.scene
    return replace(
        SceneInfo.from_dict(row.scene_facts),
        path=scene.paths[-1],
        time=scene.time,
        time_precision=scene.time_precision,
        time_source=scene.time_source,
        sensor=scene.sensor,
        acquisition=scene.acquisition,
    )


def _counts(session: Session, run_id: int, site_id: str) -> tuple[Count, ...]:
    rows: Sequence[CountTable] = session.scalars(
        select(CountTable).where(CountTable.run_id == run_id).order_by(CountTable.position)
    ).all()
    return tuple(as_count(row, site_id) for row in rows)


def _detections(session: Session, row: RunTable) -> tuple[Detections, NDArray[np.bool_]]:
    """The boxes of a run, and which of them a mask hides."""
    box = DetectionTable
    corners = (box.x1, box.y1, box.x2, box.y2, box.x3, box.y3, box.x4, box.y4)
    found = session.execute(
        select(box.class_name, box.score, box.truncated, box.hidden, *corners)
        .where(box.run_id == row.id)
        .order_by(box.position)
    ).all()
    unit_m = row.unit_m if row.unit_m is not None else 1.0
    if not found:
        return Detections.empty(row.crs, unit_m), np.zeros(0, dtype=np.bool_)
    names, scores, truncated, hidden, *sides = zip(*found, strict=True)
    detections = Detections(
        np.stack(sides, axis=1).reshape(-1, 4, 2),
        np.array(scores, dtype=np.float32),
        np.array([class_id(name) for name in names], dtype=np.int16),
        np.array(truncated, dtype=np.bool_),
        row.crs,
        unit_m,
    )
    return detections, np.array(hidden, dtype=np.bool_)
