"""What a manifest says of pictures, weights and rules, against what was found when its look was counted again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyproj
import shapely

from apronwatch.archive.acquisitions import UNITED_BY_CONTENT, Taken, by_acquisition
from apronwatch.counting import COUNTING_VERSION
from apronwatch.evidence.again import Again
from apronwatch.evidence.folder import NOTHING_COUNTED
from apronwatch.evidence.form import OF_FRAME
from apronwatch.evidence.items import is_item
from apronwatch.evidence.names import published_scene
from apronwatch.evidence.origin import OF_TIME
from apronwatch.evidence.retold import differences
from apronwatch.evidence.rules import FILE, Known, Then
from apronwatch.evidence.sources import FoundMasks
from apronwatch.evidence.told import COUNTS, README, SCENES, SITES, ItemTold
from apronwatch.report.chips import MOST
from apronwatch.report.words import several
from apronwatch.run import run_key
from apronwatch.sceneinfo import SceneInfo
from apronwatch.times import APART, AcquisitionTime

_NEAR_DEG = 1e-6
_OF_ITS_TIME = ("path", "time", "time_precision", "time_source", "sensor", "acquisition")
"""Facts of a scene that the archive may know better than its picture."""

_AS_TOLD = (
    *_OF_ITS_TIME,
    "pictures",
    "failure",
    "device",
    "software_version",
    "stored_at",
    "counted_at",
    "written_with",
)


def as_told(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Facts of the manifest that nothing can be held against."""
    ungeoreferenced = any(frame["scene"]["crs"] is None for frame in told["frames"])
    gsd = ("gsd_m",) if ungeoreferenced else ()  # such a picture tells none
    return (*_AS_TOLD, *gsd)


def facts_differ(folder: Path, told: Mapping[str, Any], again: Again) -> Iterator[str]:
    """A line for each fact of `manifest.json` that is another."""
    yield from _listed(told, again)
    found = zip(told["frames"], again.scenes, again.masks, again.items, again.rules, strict=False)
    for n, (frame, scene, laid, item, then) in enumerate(found, start=1):
        where = f"manifest.json, frame {n}"
        yield from _scene_differs(f"{where}, scene", SceneInfo.from_dict(frame["scene"]), scene)
        key = run_key(scene.identity, told["model"]["sha256"], frame["parameters"])
        yield from differences(f"{where}, run", frame["run"], key)
        yield from _mask_differs(folder, frame["mask"], laid, where)
        if frame["item"] and item:
            yield from differences(f"{where}, item", *_named(frame["item"], item))
        yield from _rules_differ(folder, frame, then, where)


def _listed(told: Mapping[str, Any], again: Again) -> Iterator[str]:
    """Files that such evidence lacks, or that no evidence has; and what is said of chips that are or are not there."""
    wanted = {SITES, COUNTS, README, *([SCENES] if len(told["frames"]) > 1 else [])}
    wanted |= {told["model"]["card"]} - {None}
    for frame, boxes in zip(told["frames"], again.boxes, strict=False):
        folder, chips = frame["folder"], len(boxes.pictured)
        names = [
            *OF_FRAME,
            *([FILE] if frame["counting"] and frame["counting"]["calibration"] else []),
        ]
        if not frame["pictures"]:
            names += [f"chips-{n + 1}.png" for n in range(-(-chips // MOST))]
        if (chips and frame["pictures"] == NOTHING_COUNTED) or not (chips or frame["pictures"]):
            count = f"{several(chips, 'box', 'boxes')} count"
            yield f"manifest.json, {folder}, pictures: {frame['pictures']!r}, and {count}"
        wanted |= {f"{folder}/{name}" for name in names}
        wanted |= {name for name in told["files"] if frame["mask"] and name.startswith(f"{folder}/mask/")}
    for name in sorted(wanted ^ told["files"].keys()):
        yield f"manifest.json, files: {name} is {'missing' if name in wanted else 'no part of such evidence'}"


def _scene_differs(where: str, told: SceneInfo, found: SceneInfo) -> Iterator[str]:
    """What a picture does not say of itself, its warnings apart."""
    here = published_scene(found, [found.path])
    said, wanted = told.to_dict(), here.to_dict()
    apart = {*_OF_ITS_TIME, "transform", "crs", "footprint_wkt", "warnings"}
    if is_item(told.path) != is_item(found.path):  # an item knows more of a picture than the picture does
        apart.add("attribution")
    yield from differences(
        where, *({k: v for k, v in facts.items() if k not in apart} for facts in (said, wanted))
    )
    if told.transform != found.transform:
        yield f"{where}, transform: another place than the picture's"
    if not _same_crs(told.crs, found.crs):
        yield f"{where}, crs: {told.crs} instead of {found.crs}"
    if not _same_place(told.footprint_wkt, found.footprint_wkt):
        yield f"{where}, footprint_wkt: another place than the picture's"


def warnings_differ(told: Mapping[str, Any], again: Again) -> Iterator[str]:
    """What is warned of pictures otherwise than this program would.

    Warnings of the time apart, which the archive may know better, and those of a picture that was not found by the
    item that knows more of it.
    """
    for n, (frame, found) in enumerate(zip(told["frames"], again.scenes, strict=False), start=1):
        scene = SceneInfo.from_dict(frame["scene"])
        if is_item(scene.path) != is_item(found.path):
            continue
        here = published_scene(found, [found.path])
        wanted = [warning.replace(here.path, scene.path) for warning in here.warnings]
        said = [warning for warning in scene.warnings if OF_TIME not in warning]
        for warning in dict.fromkeys((*said, *wanted)):
            if (warning in said) != (warning in wanted):
                verdict = "missing" if warning in wanted else "not to be said"
                yield f"manifest.json, frame {n}, scene, warnings: {warning!r} is {verdict}"


def _same_crs(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one == other
    try:
        return one == other or bool(pyproj.CRS(one) == pyproj.CRS(other))
    except pyproj.exceptions.CRSError:
        return False


def _same_place(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one == other
    try:
        return bool(shapely.from_wkt(one).equals_exact(shapely.from_wkt(other), _NEAR_DEG))
    except shapely.errors.ShapelyError:
        return False


def _mask_differs(
    folder: Path, told: Mapping[str, Any] | None, laid: FoundMasks, where: str
) -> Iterator[str]:
    """How a mask was read, where it is that of the folder or of the item itself."""
    file = told and told["file"] and folder / told["file"]
    if told is None or laid.file != file or not laid.masks.key:
        return
    read = {"hides": list(laid.hides) if laid.hides else None, "item": laid.item}
    yield from differences(f"{where}, mask", {name: told[name] for name in read}, read)


def _named(told: Mapping[str, Any], item: ItemTold) -> Iterator[dict[str, Any]]:
    """What an item names, as it is told and as it is; of the very same file all that is said of it."""
    names = ("picture", "masks", *(("fixed",) if told["sha256"] == item.sha256 else ()))
    found = asdict(item) | {"masks": [asdict(mask) for mask in item.masks]}
    yield from ({name: of[name] for name in names} for of in (told, found))


def item_notes(told: Mapping[str, Any], again: Again) -> Iterator[str]:
    """What is known here of the STAC items: they are often written anew, with the same picture and masks."""
    for frame, item in zip(told["frames"], again.items, strict=False):
        of = frame["item"]
        if of and item is None:
            yield f"the STAC item {of['name']} is not at hand, only its picture: what it says was not compared"
        elif of and item and of["sha256"] != item.sha256:
            yield (
                f"the STAC item {of['name']} has SHA-256 {item.sha256[:12]}… here, the folder says "
                f"{of['sha256'][:12]}…; picture and masks were compared"
            )


def _rules_differ(folder: Path, frame: Mapping[str, Any], then: Then, where: str) -> Iterator[str]:
    """What is said of the rules, where it is known by which of them the frame was counted."""
    told = frame["counting"]
    if told is None or then.unsure:
        return
    known = Known(COUNTING_VERSION, then.model.calibration)
    yield from differences(f"{where}, counting", told, known.facts(frame["folder"]))
    for name, content in known.files().items():
        path = folder / frame["folder"] / name
        if told["calibration"] and path.read_bytes() != content:
            yield f"{frame['folder']}/{name}: not as a calibration is written"


def look_differs(told: Mapping[str, Any], reasons: Collection[str]) -> Iterator[str]:
    """Where the frames are no one look.

    Args:
        told: the manifest.
        reasons: all that are given to the published counts.
    """
    scenes = [SceneInfo.from_dict(frame["scene"]) for frame in told["frames"]]
    taken = [
        Taken(n, scene.sensor, scene.acquisition, scene.time, scene.time_precision, scene.crs is None)
        for n, scene in enumerate(scenes)
        if scene.time and scene.time_precision
    ]
    middles = [one.middle for one in taken]
    looks = len(by_acquisition(taken)) + len(scenes) - len(taken)
    apart = bool(middles) and max(middles) - min(middles) >= APART
    if looks > 1 and (apart or UNITED_BY_CONTENT not in reasons):
        yield f"manifest.json, frames: by their ids, satellites and times they are {looks} looks, not one"


def times_differ(told: Mapping[str, Any], again: Again) -> Iterator[str]:
    """Times a day or more from what a picture says of itself: `count` refuses them, `archive redate` does not."""
    for n, (frame, found, times) in enumerate(
        zip(told["frames"], again.scenes, again.times, strict=False), start=1
    ):
        scene = SceneInfo.from_dict(frame["scene"])
        renamed = Path(found.path).name != Path(scene.path).name
        if scene.time is None or scene.time_precision is None:
            continue
        said = AcquisitionTime(scene.time, scene.time_precision, scene.time_source or "manifest")
        passed = {"name"} if renamed else set()
        passed |= {"tiff"} if any(OF_TIME in warning for warning in scene.warnings) else set()
        for own in times:
            if own.source not in passed and own.contradicts(said):
                yield (
                    f"frame {n}: the folder says that it was taken {scene.time.isoformat()}, the picture's own "
                    f"{own.source} says {own.shown}"
                )
