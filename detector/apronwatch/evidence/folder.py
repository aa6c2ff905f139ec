"""Writing an evidence folder, whole or not at all."""

import hashlib
import json
import os
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apronwatch.archive import ArchivedRun
from apronwatch.errors import OutputInvalid
from apronwatch.evidence import commands, manifest, words
from apronwatch.evidence.boxes import Boxes, boxes_of, to_csv, to_geojson
from apronwatch.evidence.origin import Origin, find_origin
from apronwatch.evidence.pictures import chip_sheets, overlay_png
from apronwatch.evidence.rules import Known, known_rules
from apronwatch.evidence.sources import NO_MASKS, MaskFiles, known_weights, named_weights
from apronwatch.evidence.told import COUNTS, NO_MASK, README, SCENES, SITES, ItemTold, MaskTold, Told
from apronwatch.observation import Frame
from apronwatch.report.looks import Look
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
    """What is written of one frame: its files, its mask and item, what is missing, and by what it was counted."""

    files: dict[str, bytes]
    mask: MaskTold | None
    item: ItemTold | None
    no_pictures: str
    rules: Known | None = None


def _files(look: Look, masks: MaskFiles) -> tuple[dict[str, bytes], list[str]]:
    """Every file of the folder by name, and what could not be had."""
    origins = [find_origin(run, masks) for run in look.runs]
    public = replace(look, runs=tuple(origin.published for origin in origins))
    files: dict[str, bytes] = {SITES: _sites(look)}
    boxes = boxes_of([Frame(run, run.counts) for run in look.runs], look.runs[0].site)
    frames = [_frame(*of_run) for of_run in zip(origins, boxes, public.runs, strict=True)]
    for n, frame in enumerate(frames, start=1):
        files |= {f"frame-{n}/{name}": content for name, content in frame.files.items()}
    card, option = _weights(look)
    files |= {CARD: card} if card else {}
    told = Told(
        public,
        tuple(frame.mask and frame.mask.within(f"frame-{n}") for n, frame in enumerate(frames, start=1)),
        tuple(frame.item for frame in frames),
        tuple(frame.no_pictures for frame in frames),
        option,
        CARD if card else None,
        any(frame.rules and frame.rules.calibration for frame in frames),
    )
    if len(look.runs) > 1:
        files[SCENES] = commands.scenes_csv(told)
    files[COUNTS] = _json(counts_document(public))
    files[README] = words.readme(told).encode()
    facts = [
        manifest.frame_facts(run, f"frame-{n}", mask, frame.item, frame.rules, frame.no_pictures)
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
            command=commands.command(told),
        )
    )
    missing = [
        f"{run.scene.path}: its mask is not in the folder; name it with --mask"
        for run, mask in zip(public.runs, told.masks, strict=True)
        if run.masks_hash and mask is None
    ]
    return files, [why for why in told.pictures if why] + missing


def _frame(origin: Origin, boxes: Boxes, public: ArchivedRun) -> _Frame:
    """Pictures, boxes and mask of one frame."""
    run, item = origin.run, origin.item
    copied, mask = origin.mask
    if run.failure is not None:
        return _Frame(
            {}, None if run.masks_hash else NO_MASK, item, "The run failed: there is nothing to show."
        )
    rules = known_rules(run, known_weights(run.model.sha256))
    files = {"boxes.geojson": to_geojson(boxes, public.scene), "boxes.csv": to_csv(boxes)}
    files |= rules.files() if rules else {}
    with origin.scene or nullcontext() as scene:
        files["overlay.png"] = overlay_png(scene, run)
        sheets = chip_sheets(scene, boxes, run) if scene else []
    files |= {f"chips-{n}.png": sheet for n, sheet in enumerate(sheets, start=1)} | copied
    why = "" if sheets else NOTHING_COUNTED
    if origin.scene is None:
        why = f"No chips, and an overlay on grey: {origin.why_not}"
    return _Frame(files, mask, item, why, rules)


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
        path = Path(folder) / SITES
        write_sites([look.runs[0].site], path)
        return path.read_bytes()


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
