"""What an evidence folder says in more places than one: made anew, and held against what it says."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from apronwatch.archive import ArchivedRun
from apronwatch.counts import Count
from apronwatch.detections import Detections
from apronwatch.evidence import documents, words
from apronwatch.evidence.commands import command, scenes_csv
from apronwatch.evidence.folder import counts_document
from apronwatch.evidence.told import COUNTS, README, SCENES, SITES, FileTold, ItemTold, MaskTold, Told
from apronwatch.report.looks import Look
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site, write_sites
from apronwatch.times import PRECISIONS
from apronwatch.version import __version__
from apronwatch.visibility import Visibility

NEAR = 1e-4
"""Numbers that are no integers (shares, estimates) may differ by so much: processors round differently."""

_SHOWN = 100
"""Characters of a text that are shown where it differs."""


def told_again(
    manifest: Mapping[str, Any], site: Site, look: Sequence[Count], frames: Sequence[Sequence[Count]]
) -> Told:
    """What the words of a folder are about.

    Args:
        manifest: as `manifest.read` gives it.
        site: of the folder.
        look: the counts of the look.
        frames: the counts of each frame.
    """
    pairs = zip(manifest["frames"], frames, strict=True)
    runs = tuple(_run(manifest["model"], told, site, tuple(counts)) for told, counts in pairs)
    time = manifest["time"]
    masks = [told["mask"] for told in manifest["frames"]]
    return Told(
        Look(datetime.fromisoformat(time) if time else None, manifest["time_precision"], tuple(look), runs),
        tuple(mask and MaskTold(mask["file"], _tuple(mask["hides"]), mask["item"]) for mask in masks),
        tuple(_item(told["item"]) for told in manifest["frames"]),
        tuple(told["pictures"] for told in manifest["frames"]),
        tuple(manifest["model"]["option"]),
        manifest["model"]["card"],
        any(told["counting"] and told["counting"]["calibration"] for told in manifest["frames"]),
    )


def _run(
    model: Mapping[str, Any], told: Mapping[str, Any], site: Site, counts: tuple[Count, ...]
) -> ArchivedRun:
    """A run with all that words are made of, and without its boxes."""
    return ArchivedRun(
        scene=SceneInfo.from_dict(told["scene"]),
        model=ModelInfo(**{f.name: _tuple(model[f.name]) for f in fields(ModelInfo)}),
        parameters=told["parameters"],
        detections=Detections.empty(),
        thresholds=told["thresholds"],
        visibility=Visibility({}, {}, None, {}),
        saturated=shapely.Polygon(),
        hidden=np.zeros(0, dtype=np.bool_),
        device=told["device"],
        run_id=0,
        stored_key=told["run"],
        site=site,
        counts=counts,
        failure=told["failure"],
        scene_paths=(),
        masks_hash=told["masks_sha256"] or "",
        calibration_hash=told["calibration_sha256"],
        pipeline_version=told["pipeline_version"],
        software_version=told["software_version"],
        stored_at=datetime.fromisoformat(told["stored_at"]),
        counted_at=datetime.fromisoformat(told["counted_at"]),
    )


def _item(told: Mapping[str, Any] | None) -> ItemTold | None:
    if told is None:
        return None
    picture, *masks = (FileTold(**one) for one in (told["picture"], *told["masks"]))
    return ItemTold(told["name"], told["sha256"], picture, tuple(masks), told["fixed"])


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def time_differs(manifest: Mapping[str, Any], told: Told) -> Iterator[str]:
    """What is said of the look's time otherwise than its frames say."""
    time, precision = _earliest(told.look.runs)
    for name, other in (("time", time), ("time_precision", precision)):
        yield from differences(f"manifest.json, {name}", manifest[name], other)


def words_differ(folder: Path, manifest: Mapping[str, Any], told: Told) -> Iterator[str]:
    """What attribution, command, `scenes.csv` and README say otherwise than this program would."""
    yield from differences(
        "manifest.json, attribution", manifest["attribution"], words.attribution(told.look)
    )
    yield from differences("manifest.json, command", manifest["command"], command(told))
    if SCENES in manifest["files"]:
        yield from _lines_differ(folder / SCENES, scenes_csv(told).decode(), SCENES)
    yield from _lines_differ(folder / README, words.readme(told), README)


def same_program(manifest: Mapping[str, Any]) -> bool:
    """Whether the words of a folder are those of this program: others have others."""
    return bool(manifest["written_with"].get("apronwatch") == __version__)


def _earliest(runs: Sequence[ArchivedRun]) -> tuple[str | None, str | None]:
    """The time of a look of these frames: the date of one says less than the second of another."""
    dated = [run.scene for run in runs if run.scene.time and run.scene.time_precision]
    if not dated:
        return None, None
    first = min(dated, key=lambda s: (PRECISIONS[s.time_precision or ""], s.time))
    return first.time.isoformat().replace("+00:00", "Z") if first.time else None, first.time_precision


def document_differs(manifest: Mapping[str, Any], document: Mapping[str, Any], told: Told) -> Iterator[str]:
    """What `counts.json` says otherwise than it must, its counts apart."""
    rebuilt = counts_document(told.look) | {"apronwatch": manifest["written_with"].get("apronwatch")}
    yield from differences(COUNTS, _without_counts(document), _without_counts(rebuilt))


def _without_counts(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_without_counts(one) for one in plain]
    if isinstance(plain, dict):
        return {name: _without_counts(one) for name, one in plain.items() if name != "counts"}
    return plain


def site_differs(path: Path, site: Site) -> Iterator[str]:
    """What a site file says beside its site, or writes otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / SITES
        write_sites([site], again)
        yield from _lines_differ(path, again.read_bytes().decode(), SITES)


def _lines_differ(path: Path, wanted: str, name: str) -> Iterator[str]:
    """The first line of a file that is another than it must be."""
    said = documents.text(path)
    if said == wanted:
        return
    lines, others = said.splitlines(keepends=True), wanted.splitlines(keepends=True)
    for n, (line, other) in enumerate(zip(lines, others, strict=False), start=1):
        if line != other:
            yield f"{name}, line {n}: {_short(line)} instead of {_short(other)}"
            return
    yield f"{name}: {len(lines)} lines instead of {len(others)}"


def differences(where: str, said: Any, rebuilt: Any) -> Iterator[str]:
    """Where two documents of JSON types differ."""
    if isinstance(said, dict) and isinstance(rebuilt, dict):
        for name in said | rebuilt:
            if name not in said or name not in rebuilt:
                yield f"{where}, {name}: {'missing' if name in rebuilt else 'nothing of the kind is written'}"
            else:
                yield from differences(f"{where}, {name}", said[name], rebuilt[name])
    elif isinstance(said, list) and isinstance(rebuilt, list) and len(said) == len(rebuilt):
        for n, (one, other) in enumerate(zip(said, rebuilt, strict=True), start=1):
            yield from differences(f"{where} {n}", one, other)
    elif not equal(said, rebuilt):
        yield f"{where}: {_short(said)} instead of {_short(rebuilt)}"


def equal(said: Any, rebuilt: Any) -> bool:
    """Whether two values of JSON are the same; of two fractions nearly."""
    if {type(said), type(rebuilt)} in ({float}, {int, float}):
        return bool(abs(said - rebuilt) <= NEAR * max(1.0, abs(rebuilt)))
    return type(said) is type(rebuilt) and bool(said == rebuilt)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
