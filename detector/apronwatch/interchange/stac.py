"""A run as a STAC item: where, when and how fine the scene was, which weights looked, where the boxes lie."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pystac
import shapely
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from apronwatch.archive.rows import ArchivedRun
from apronwatch.counts import COMPLETE_FROM, NO_NUMBER, UNSEEN_UP_TO, Status, visibility_reasons
from apronwatch.errors import OutputInvalid
from apronwatch.interchange import antimeridian
from apronwatch.interchange.files import public_name, save
from apronwatch.run import Run, counted
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES
from apronwatch.version import __version__
from apronwatch.zone import ALL_ZONES

FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"

_SPANS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
_MEDIA_TYPES = {
    ".tif": pystac.MediaType.GEOTIFF,
    ".tiff": pystac.MediaType.GEOTIFF,
    ".jp2": pystac.MediaType.JPEG2000,
    ".png": pystac.MediaType.PNG,
    ".jpg": pystac.MediaType.JPEG,
    ".jpeg": pystac.MediaType.JPEG,
    ".geojson": pystac.MediaType.GEOJSON,
    ".json": pystac.MediaType.JSON,
    ".gpkg": pystac.MediaType.GEOPACKAGE,
    ".parquet": "application/vnd.apache.parquet",
    ".txt": pystac.MediaType.TEXT,
}


def write_stac_item(run: Run, path: str | Path, *, detections: Sequence[str | Path] = ()) -> None:
    """Writes the item of a run, checked against the STAC schemas that pystac carries (no network).

    Args:
        run: as it was made or archived, with a dated scene.
        path: of the item; the links in it are relative to its folder.
        detections: files of the run's detections, assets under their names, with their SHA-256.

    Raises:
        OutputInvalid: the run failed, its scene is undated, a file is missing, or `path` cannot be written.
    """
    item = _item(run, Path(path).parent, [Path(one) for one in detections])
    plain = item.to_dict(include_self_link=False, transform_hrefs=False)
    text = json.dumps(plain, allow_nan=False, ensure_ascii=False, indent=2)
    JsonSchemaSTACValidator().validate_core(
        json.loads(text), pystac.STACObjectType.ITEM, plain["stac_version"]
    )
    save(Path(path), text.encode())


def check_items_folder(folder: str | Path) -> None:
    """Raises `OutputInvalid` unless `write_run_items` can make the folder and write any item; makes nothing."""
    folder = Path(folder)
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise OutputInvalid(f"{folder} cannot be made ({there} is no folder); give a folder for items")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputInvalid(
            f"the folder {there} cannot be written; choose another for items or change its rights"
        )
    for taken in folder.glob("*.json"):
        if taken.is_dir():
            raise OutputInvalid(
                f"{taken} is a folder where an item might go; choose another folder for items"
            )


def write_run_items(runs: Iterable[Run], folder: str | Path) -> list[Path]:
    """Writes an item for each run, named after its id; the folder is made if it is not there.

    Returns:
        the items. Runs that failed or whose scene is undated have none.

    Raises:
        OutputInvalid: the folder cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputInvalid(f"{folder} cannot be made ({error.strerror}); give a folder for items") from error
    written = []
    for run in runs:
        if run.scene.time is None or (isinstance(run, ArchivedRun) and run.failure is not None):
            continue
        written.append(folder / f"{_id(run)}.json")
        write_stac_item(run, written[-1])
    return written


def _item(run: Run, folder: Path, files: Sequence[Path]) -> pystac.Item:
    scene = run.scene
    if isinstance(run, ArchivedRun) and run.failure is not None:
        raise OutputInvalid(
            f"the run on {public_name(scene.path)} failed ({run.failure}) and saw nothing; count it again"
        )
    if scene.time is None:
        raise OutputInvalid(
            f"{public_name(scene.path)} is undated, and a STAC item needs a time; give its time with --time"
        )
    start, end = _span(scene.time, scene.time_precision)
    footprint = antimeridian.cut(shapely.from_wkt(scene.footprint_wkt)) if scene.footprint_wkt else None
    item = pystac.Item(
        id=_id(run),
        geometry=shapely.geometry.mapping(footprint) if footprint else None,
        bbox=antimeridian.bbox(footprint) if footprint else None,
        datetime=scene.time,
        start_datetime=start,
        end_datetime=end,
        properties=_properties(run),
    )
    _add_source(item, scene, folder)
    for file in files:
        item.add_asset(file.name, _asset_of_detections(file, folder))
    if files:
        item.stac_extensions.append(FILE_EXTENSION)
    return item


def _id(run: Run) -> str:
    stem = Path(public_name(run.scene.path)).stem
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', stem)}-{run.key[:12]}"


def _span(time: datetime, precision: str | None) -> tuple[datetime | None, datetime | None]:
    """First and last second that a time known only to the day, hour or minute may be."""
    if precision not in _SPANS:
        return None, None
    zeroed = {"day": ("hour", "minute", "second"), "hour": ("minute", "second"), "minute": ("second",)}[
        precision
    ]
    start = time.replace(microsecond=0, **dict.fromkeys(zeroed, 0))  # type: ignore[arg-type]
    return start, start + _SPANS[precision] - timedelta(seconds=1)


def _properties(run: Run) -> dict[str, Any]:
    scene, model, looked_for = run.scene, run.model, _looked_for(run)
    statuses = _statuses(run, looked_for)
    seen = not NO_NUMBER.intersection(statuses)
    own = {
        "software": f"apronwatch {__version__}",
        "run": run.key,
        "parameters": run.parameters,
        "thresholds": run.thresholds,
        "detections": len(counted(run)) if seen else None,
        "at_least": seen and statuses != [Status.COMPLETE],
        "status": statuses[0].value,
        "reasons": [
            *(status.value for status in statuses if status is not Status.COMPLETE),
            *visibility_reasons(run.visibility, ALL_ZONES, masked=not seen or bool(run.masks_hash)),
        ],
        "observed_fraction": run.visibility.fractions[ALL_ZONES],
        "looked_for": looked_for,
        "identity": scene.identity,
        "scene_sha256": scene.sha256,
        "time_precision": scene.time_precision,
        "time_source": scene.time_source,
        "stretch": scene.stretch,
        "sensor": scene.sensor,
        "acquisition": scene.acquisition,
        "attribution": scene.attribution,
        "synthetic": scene.synthetic,
        "warnings": list(scene.warnings),
        "model": model.name,
        "model_sha256": model.sha256,
        "model_terms": model.terms,
        "model_data": model.data,
    }
    return {"gsd": scene.gsd_m} | {f"apronwatch:{name}": value for name, value in own.items()}


def _looked_for(run: Run) -> list[str]:
    """The classes that the passes over the scene reported: its pixels were neither too coarse nor too fine for them."""
    passes = run.parameters.get("passes", [{"classes": list(run.thresholds)}])
    reported = {name for each in passes for name in each["classes"]}
    return [name for name in CLASSES if name in reported]


def _statuses(run: Run, looked_for: Sequence[str]) -> list[Status]:
    """Every status that applies to the site as a whole, as to its counts, the first in front; else `complete`."""
    fraction = run.visibility.fractions[ALL_ZONES]
    applies = {
        Status.UNSEEN: fraction <= UNSEEN_UP_TO,
        Status.OUT_OF_RANGE: not looked_for,
        Status.SATURATED: not run.saturated.is_empty,
        Status.PARTIAL: fraction < COMPLETE_FROM,
    }
    return [status for status, does in applies.items() if does] or [Status.COMPLETE]


def _add_source(item: pystac.Item, scene: SceneInfo, folder: Path) -> None:
    """The picture, or the STAC item it was taken from; a local file only while it is there to be linked."""
    local = Path(scene.path)
    if "://" in scene.path:
        href = public_name(scene.path)
    elif local.exists():
        href = _relative(local, folder)
    else:
        return
    if href.endswith(".json"):
        item.add_link(pystac.Link(pystac.RelType.DERIVED_FROM, href, pystac.MediaType.JSON))
        return
    media_type = _MEDIA_TYPES.get(Path(href).suffix.lower())
    item.add_asset("source", pystac.Asset(href, title="Scene", media_type=media_type, roles=["data"]))


def _asset_of_detections(file: Path, folder: Path) -> pystac.Asset:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OutputInvalid(
            f"{file} cannot be read ({error.strerror}); write the detections first"
        ) from error
    # A multihash: 12 for SHA-256, 20 for its 32 bytes.
    facts = {"file:checksum": "1220" + hashlib.sha256(content).hexdigest(), "file:size": len(content)}
    media_type = _MEDIA_TYPES.get(file.suffix.lower())
    return pystac.Asset(
        _relative(file, folder), title="Detections", media_type=media_type, roles=["data"], extra_fields=facts
    )


def _relative(file: Path, folder: Path) -> str:
    return "./" + Path(os.path.relpath(file, folder)).as_posix()
