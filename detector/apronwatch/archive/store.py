"""Writing: what becomes of a run, a failure or a correction, each within one transaction of the caller."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session, selectinload

from apronwatch.archive.dating import REDATED
from apronwatch.archive.models import CountTable, DetectionTable, RunTable, SceneTable, SiteTable, ZoneTable
from apronwatch.counts import Count
from apronwatch.run import PIPELINE_VERSION, ModelInfo, Run, run_key
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.times import SOURCES
from apronwatch.version import __version__

SET_ASIDE = datetime(1970, 1, 1, tzinfo=UTC)
"""`asked_at` of a run that was made to be compared: a series leaves it out unless its weights are named."""

_STRENGTH = {source: n for n, source in enumerate(reversed((REDATED, *SOURCES)))}

# Straight into the tables: through the mapped classes, 10,000 boxes take twice the time.
_DETECTION, _COUNT = DetectionTable.metadata.tables["detection"], CountTable.metadata.tables["count"]


def put_run(
    session: Session,
    run: Run,
    counts: Sequence[Count],
    site: Site,
    calibration_hash: str,
    aside: bool = False,
) -> int:
    """Store a run that is done, or only its counts where the run is there already; gives its id.

    With `aside` a run that was asked for stays as it is, failed or not.
    """
    _check_site(counts, site)
    known = _run_of(session, run.key, run.masks_hash)
    if known is not None and aside and (known.failure is None or known.asked_at > SET_ASIDE):
        return known.id
    if known is not None and known.failure is None:
        ask_again(session, known.id, run.scene)
        if known.preview is None:  # stored before previews were kept
            known.preview, known.noted_fractions = _preview(run), run.visibility.noted
        _recount(session, known, run, counts, calibration_hash)
        return known.id
    failed = delete(RunTable).where(RunTable.key == run.key, RunTable.failure.is_not(None))
    session.execute(failed.where(RunTable.asked_at == SET_ASIDE) if aside else failed)
    row = _row(session, run.scene, run.model, run.parameters, site, run.masks_hash, aside)
    row.calibration_hash, row.thresholds = calibration_hash, run.thresholds
    row.device, row.stage_s, row.tiles = run.device, run.stage_s, run.tiles
    row.crs, row.unit_m = run.detections.crs, run.detections.unit_m
    row.seen_fractions, row.zone_areas_m2 = run.visibility.fractions, run.visibility.areas_m2
    row.observed_grid = run.visibility.grid.to_bytes() if run.visibility.grid else None
    row.saturated = shapely.to_wkb(run.saturated)
    row.noted_fractions = run.visibility.noted
    row.preview = _preview(run)
    session.add(row)
    session.flush()
    detections = _detection_rows(row.id, run)
    if detections:
        session.execute(insert(_DETECTION), detections)
    _insert_counts(session, row.id, counts)
    return row.id


def put_failure(
    session: Session,
    scene: SceneInfo,
    model: ModelInfo,
    parameters: dict[str, Any],
    site: Site,
    counts: Sequence[Count],
    message: str,
    masks_hash: str,
    aside: bool = False,
) -> int:
    """Store that a run failed, in place of an earlier failure; a success of the same key stays as it is.

    With `aside` an earlier failure stays, too.
    """
    _check_site(counts, site)
    known = _run_of(session, run_key(scene.identity, model.sha256, parameters), masks_hash)
    if known is not None and aside:
        return known.id
    if known is not None and known.failure is None:
        ask_again(session, known.id, scene)
        return known.id
    if known is not None:
        session.execute(delete(RunTable).where(RunTable.id == known.id))
    row = _row(session, scene, model, parameters, site, masks_hash, aside)
    row.failure = message
    session.add(row)
    session.flush()
    _insert_counts(session, row.id, counts)
    return row.id


def ask_again(session: Session, run_id: int, scene: SceneInfo) -> None:
    """Note that a stored run was asked for once more, perhaps under another path, or with a time told now."""
    put_scene(session, scene)
    session.execute(update(RunTable).where(RunTable.id == run_id).values(asked_at=datetime.now(UTC)))


def put_scene(session: Session, info: SceneInfo) -> SceneTable:
    """The row of a scene, made or brought up to date: another path to the same bits, a time as well founded."""
    row = session.scalar(select(SceneTable).where(SceneTable.identity == info.identity))
    if row is None:
        row = SceneTable(identity=info.identity, sha256=info.sha256, paths=[info.path], earlier_times=[])
        row.time, row.time_precision, row.time_source = info.time, info.time_precision, info.time_source
        row.georeferenced = info.crs is not None
        session.add(row)
    else:
        row.paths = [*(path for path in row.paths if path != info.path), info.path]
        as_strong = _STRENGTH.get(info.time_source or "", -1) >= _STRENGTH.get(row.time_source or "", -1)
        if info.time is not None and (as_strong or row.time is None):
            put_time(row, info.time, info.time_precision, info.time_source)
    row.sensor = info.sensor or row.sensor
    row.acquisition = info.acquisition or row.acquisition
    session.flush()
    return row


def put_time(row: SceneTable, time: datetime, precision: str | None, source: str | None) -> None:
    """Give a scene another time, and keep the one that it had."""
    if (row.time, row.time_precision, row.time_source) == (time, precision, source):
        return
    before = {
        "time": row.time.isoformat() if row.time else None,
        "time_precision": row.time_precision,
        "time_source": row.time_source,
        "until": datetime.now(UTC).isoformat(),
    }
    row.earlier_times = [*row.earlier_times, before]
    row.time, row.time_precision, row.time_source = time, precision, source


def remove_run(session: Session, run: RunTable) -> None:
    """Delete a run with its detections and counts, and its scene and site if nothing else uses them."""
    scene_id, site_id = run.scene_id, run.site_id
    session.execute(delete(RunTable).where(RunTable.id == run.id))
    unused = ~exists().where(RunTable.scene_id == scene_id)
    session.execute(delete(SceneTable).where(SceneTable.id == scene_id, unused))
    unused = ~exists().where(RunTable.site_id == site_id)
    session.execute(delete(SiteTable).where(SiteTable.id == site_id, unused))


def _preview(run: Run) -> bytes | None:
    return run.preview.to_bytes() if run.preview else None


def _run_of(session: Session, key: str, masks_hash: str) -> RunTable | None:
    return session.scalar(select(RunTable).where(RunTable.key == key, RunTable.masks_hash == masks_hash))


def _row(
    session: Session,
    scene: SceneInfo,
    model: ModelInfo,
    parameters: dict[str, Any],
    site: Site,
    masks_hash: str,
    aside: bool,
) -> RunTable:
    """What a run and a failure have in common."""
    now = datetime.now(UTC)
    return RunTable(
        key=run_key(scene.identity, model.sha256, parameters),
        masks_hash=masks_hash,
        scene_id=put_scene(session, scene).id,
        site_id=_put_site(session, site).id,
        scene_facts=scene.to_dict(),
        model_name=model.name,
        model_sha256=model.sha256,
        model_terms=model.terms,
        model_data=model.data,
        model_synthetic_only=list(model.synthetic_only),
        parameters=parameters,
        pipeline_version=PIPELINE_VERSION,
        software_version=__version__,
        stored_at=now,
        asked_at=SET_ASIDE if aside else now,
        calibration_hash="",
        counted_at=now,
        thresholds={},
        device="",
        stage_s={},
        tiles=0,
        seen_fractions={},
        zone_areas_m2={},
    )


def _put_site(session: Session, site: Site) -> SiteTable:
    """The row of this version of a site; what a zone is called may change without making another version."""
    row = session.scalar(
        select(SiteTable)
        .where(SiteTable.name == site.id, SiteTable.geometry_hash == site.geometry_hash)
        .options(selectinload(SiteTable.zones))
    )
    if row is None:
        row = SiteTable(name=site.id, geometry_hash=site.geometry_hash, crs=site.crs)
        row.zones = [
            ZoneTable(zone=zone.id, position=n, geometry=shapely.to_wkb(zone.geometry))
            for n, zone in enumerate(site.zones)
        ]
        session.add(row)
    told = {zone.id: zone for zone in site.zones}
    for zone in row.zones:
        new = told[zone.zone]
        zone.kind, zone.name, zone.max_span_m = new.kind, new.name, new.max_span_m
    session.flush()
    return row


def _recount(
    session: Session, row: RunTable, run: Run, counts: Sequence[Count], calibration_hash: str
) -> None:
    """Replace the counts whole, unless they are the same."""
    stored = session.scalars(
        select(CountTable).where(CountTable.run_id == row.id).order_by(CountTable.position)
    )
    before = [as_count(count, counts[0].site) for count in stored]
    if row.calibration_hash == calibration_hash and before == list(counts):
        return
    row.calibration_hash, row.thresholds, row.counted_at = calibration_hash, run.thresholds, datetime.now(UTC)
    session.execute(delete(CountTable).where(CountTable.run_id == row.id))
    _insert_counts(session, row.id, counts)


def _insert_counts(session: Session, run_id: int, counts: Sequence[Count]) -> None:
    rows = [
        {
            "run_id": run_id,
            "zone": count.zone,
            "class_name": count.class_name,
            "position": position,
            "seen": count.seen,
            "estimate": count.estimate,
            "low": count.low,
            "high": count.high,
            "observed_fraction": count.observed_fraction,
            "status": count.status.value,
            "reasons": list(count.reasons),
        }
        for position, count in enumerate(counts)
    ]
    session.execute(insert(_COUNT), rows)


def _detection_rows(run_id: int, run: Run) -> list[dict[str, Any]]:
    found = run.detections
    if not (np.isfinite(found.polygons).all() and np.isfinite(found.scores).all()):
        raise ValueError(f"{run.scene.path}: a detection with a corner or score that is not finite")
    columns = zip(
        range(len(found)),
        [CLASSES[k] for k in found.classes.tolist()],
        found.scores.tolist(),
        found.truncated.tolist(),
        run.hidden.tolist(),
        *found.polygons.reshape(-1, 8).T.tolist(),
        strict=True,
    )
    return [dict(zip(_DETECTION.columns.keys(), (run_id, *values), strict=True)) for values in columns]


def as_count(row: CountTable, site: str) -> Count:
    """A stored count."""
    return Count.from_dict(
        {
            "site": site,
            "zone": row.zone,
            "class": row.class_name,
            "seen": row.seen,
            "estimate": row.estimate,
            "low": row.low,
            "high": row.high,
            "observed_fraction": row.observed_fraction,
            "status": row.status,
            "reasons": row.reasons,
        }
    )


def _check_site(counts: Sequence[Count], site: Site) -> None:
    others = {count.site for count in counts} - {site.id}
    if others or not counts:
        raise ValueError(f"counts of {sorted(others) or 'nothing'} given with site {site.id}")
