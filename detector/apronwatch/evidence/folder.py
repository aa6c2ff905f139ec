"""Writing an evidence folder, whole or not at all."""

import csv
import glob
import hashlib
import io
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apronwatch.archive import ArchivedRun
from apronwatch.errors import OutputInvalid, Uncheckable
from apronwatch.evidence import manifest, words
from apronwatch.evidence.boxes import Boxes, boxes_of, to_csv, to_geojson
from apronwatch.evidence.names import published, published_scene, scene_name
from apronwatch.evidence.pictures import chip_sheets, overlay_png
from apronwatch.evidence.rules import Known, known_rules
from apronwatch.evidence.sources import NO_MASKS, MaskFiles, known_weights, masks_again, named_weights
from apronwatch.observation import Frame
from apronwatch.report.looks import Look, picture_of
from apronwatch.scene import Scene
from apronwatch.site import write_sites
from apronwatch.survey import SceneOutcome, overall
from apronwatch.version import __version__

CARD = "model-card.md"
NOTHING_COUNTED = "No chips: nothing was counted."


@dataclass(frozen=True)
class Written:
    """An evidence folder that was written.

    Attributes:
        files: how many, the manifest among them.
        manifest_sha256: of `manifest.json`, which holds the hashes of all others: published beside a number it
            pins the whole folder.
        notes: what is missing from it, and why.
    """

    files: int
    manifest_sha256: str
    notes: tuple[str, ...]


def write_evidence(look: Look, out: Path, masks: MaskFiles = NO_MASKS) -> Written:
    """Write everything behind the numbers of a look into a new folder, which appears whole or not at all.

    Args:
        look: of a series, with its runs.
        out: must not be there, or be an empty folder.
        masks: what the masks of its scenes may be; those of the look are copied.

    Raises:
        OutputInvalid: `out` is there already, or cannot be written.
    """
    _check(out)
    files, notes = _files(look, masks)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-", suffix=".part") as part:
            # A folder in it, because a temporary one would keep its private rights (0700) after the move.
            draft = Path(part) / "draft"
            draft.mkdir()
            for name, content in files.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                (draft / name).write_bytes(content)
            draft.replace(out)
    except OSError as error:
        raise OutputInvalid(
            f"{out} could not be written, and nothing was: {error.strerror or error}; "
            "free space or choose another folder"
        ) from error
    return Written(len(files), hashlib.sha256(files[manifest.NAME]).hexdigest(), tuple(notes))


def _check(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputInvalid(f"{out} is there already; evidence is never changed: name a new folder")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise OutputInvalid(
            f"{out.parent} is no folder that can be written to; make it first, or choose another"
        )


@dataclass(frozen=True)
class _Frame:
    """What is written of one frame: its files, how its mask is named, what is missing, and by what it was counted."""

    files: dict[str, bytes]
    mask: words.MaskTold | None
    no_pictures: str
    rules: Known | None = None


def _files(look: Look, masks: MaskFiles) -> tuple[dict[str, bytes], list[str]]:
    """Every file of the folder by name, and what could not be had."""
    public = replace(look, runs=tuple(_published(run) for run in look.runs))
    files: dict[str, bytes] = {words.SITES: _sites(look)}
    boxes = boxes_of([Frame(run, run.counts) for run in look.runs], look.runs[0].site)
    frames = [_frame(run, of_run, masks) for run, of_run in zip(look.runs, boxes, strict=True)]
    for n, frame in enumerate(frames, start=1):
        files |= {f"frame-{n}/{name}": content for name, content in frame.files.items()}
    card, option = _weights(look)
    files |= {CARD: card} if card else {}
    told = words.Told(
        public,
        tuple(frame.mask and frame.mask.within(f"frame-{n}") for n, frame in enumerate(frames, start=1)),
        tuple(frame.no_pictures for frame in frames),
        option,
        CARD if card else None,
        any(frame.rules and frame.rules.calibration for frame in frames),
    )
    if len(look.runs) > 1:
        files[words.SCENES] = scenes_csv(told)
    files[words.COUNTS] = _json(counts_document(public))
    files[words.README] = words.readme(told).encode()
    facts = [
        manifest.frame_facts(run, f"frame-{n}", mask, frame.rules, frame.no_pictures)
        for n, (run, mask, frame) in enumerate(zip(public.runs, told.masks, frames, strict=True), start=1)
    ]
    files[manifest.NAME] = _json(
        manifest.document(
            public,
            facts,
            files,
            card=told.card,
            option=option,
            attribution=words.attribution(public),
            command=words.command(told),
        )
    )
    missing = [
        f"{scene_name(run.scene.path)}: its mask is not in the folder; name it with --mask"
        for run, mask in zip(look.runs, told.masks, strict=True)
        if run.masks_hash and mask is None
    ]
    return files, [why for why in told.pictures if why] + missing


def _published(run: ArchivedRun) -> ArchivedRun:
    """The run without folders of this machine."""
    failure = published(run.failure, run.scene_paths) if run.failure is not None else None
    return replace(run, scene=published_scene(run.scene, run.scene_paths), failure=failure, scene_paths=())


def _frame(run: ArchivedRun, boxes: Boxes, masks: MaskFiles) -> _Frame:
    """Pictures, boxes and mask of one frame."""
    if run.failure is not None:
        return _Frame(
            {}, None if run.masks_hash else words.NO_MASK, "The run failed: there is nothing to show."
        )
    info = published_scene(run.scene, run.scene_paths)
    rules = known_rules(run, known_weights(run.model.sha256))
    files = {"boxes.geojson": to_geojson(boxes, info), "boxes.csv": to_csv(boxes)}
    files |= rules.files() if rules else {}
    with picture_of(run) as (scene, why):
        files["overlay.png"] = overlay_png(scene, run)
        sheets = chip_sheets(scene, boxes, run) if scene else []
        copied, mask = _mask(scene, run, masks)
    files |= {f"chips-{n}.png": sheet for n, sheet in enumerate(sheets, start=1)} | copied
    if scene is None:
        why = f"No chips, and an overlay on grey: {published(why, run.scene_paths)}"
    else:
        why = "" if sheets else NOTHING_COUNTED
    return _Frame(files, mask, why, rules)


def _mask(
    scene: Scene | None, run: ArchivedRun, masks: MaskFiles
) -> tuple[dict[str, bytes], words.MaskTold | None]:
    """The files of the mask that a user gave, and what was laid over the scene; None where it is not at hand."""
    if not run.masks_hash:
        return {}, words.NO_MASK
    if scene is None:
        return {}, None
    try:
        found = masks_again(scene, run.site, run.masks_hash, masks)
    except Uncheckable:
        return {}, None  # the README and the notes say that it is missing
    if found.file is None:
        return {}, words.MaskTold(None, None, found.item)
    # A Shapefile is several files of one stem.
    stem = f"{glob.escape(found.file.stem)}.*"
    several = found.file.parent.glob(stem) if found.file.suffix == ".shp" else [found.file]
    files = {f"mask/{file.name}": file.read_bytes() for file in several}
    return files, words.MaskTold(f"mask/{found.file.name}", found.hides, found.item)


def _weights(look: Look) -> tuple[bytes | None, tuple[str, ...]]:
    """The model card, and how the weights are named to the program."""
    model = look.runs[0].model
    spec = known_weights(model.sha256)
    option = words.model_option(
        model.name, spec is not None and named_weights(spec), spec.path if spec else None
    )
    card = spec.card if spec else None
    return (card.read_bytes() if card and card.is_file() else None), option


def _sites(look: Look) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / words.SITES
        write_sites([look.runs[0].site], path)
        return path.read_bytes()


def scenes_csv(told: words.Told) -> bytes:
    """The frames as a manifest for `count`, with paths in the folder."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["path", "time", "gsd", "mask", "acquisition"])
    for run, mask in zip(told.look.runs, told.masks, strict=True):
        gsd = repr(run.scene.gsd_m) if run.scene.crs is None else ""
        time, file = words.told_time(run) or "undated", (mask and mask.file) or ""
        writer.writerow([scene_name(run.scene.path), time, gsd, file, run.scene.acquisition or ""])
    return text.getvalue().encode()


def counts_document(look: Look) -> dict[str, Any]:
    """The document of `count --json`, and what a look without folders says as a whole."""
    scenes = []
    for run in look.runs:
        failed = () if run.failure is None else (f"failed: {run.failure}",)
        reasons = (*run.scene.warnings, *failed)
        outcome = SceneOutcome(run.scene, run.model, overall(run.counts), reasons, run.counts)
        scenes.append(outcome.to_dict())
    return {
        "apronwatch": __version__,
        "scenes": scenes,
        "look": {
            "time": look.time.isoformat().replace("+00:00", "Z") if look.time else None,
            "time_precision": look.time_precision,
            "counts": [c.to_dict() for c in look.counts],
        },
    }


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
