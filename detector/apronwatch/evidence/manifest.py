"""`manifest.json`: the hashes of an evidence folder, and everything that the numbers were counted with."""

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apronwatch.archive import ArchivedRun
from apronwatch.errors import EvidenceInvalid
from apronwatch.evidence import documents
from apronwatch.evidence.form import FORMAT, Manifest
from apronwatch.evidence.rules import Known
from apronwatch.evidence.told import ItemTold, MaskTold
from apronwatch.report.looks import Look
from apronwatch.version import __version__

NAME = "manifest.json"
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pyproj", "rasterio", "scipy", "shapely")


def frame_facts(
    run: ArchivedRun,
    folder: str,
    mask: MaskTold | None,
    item: ItemTold | None,
    rules: Known | None,
    pictures: str,
) -> dict[str, Any]:
    """What one frame was counted from and with.

    Args:
        run: without folders of this machine.
        folder: of the frame.
        mask: what was laid over it, if that is at hand.
        item: by which its picture was found, if that is at hand.
        rules: by what it was counted, if that is known.
        pictures: why it has no chips; empty where it has.
    """
    return {
        "folder": folder,
        "scene": run.scene.to_dict(),
        "masks_sha256": run.masks_hash or None,
        "mask": asdict(mask) if mask else None,
        "item": asdict(item) if item else None,
        "pictures": pictures,
        "run": run.key,
        "parameters": run.parameters,
        "thresholds": run.thresholds,
        "device": run.device,
        "pipeline_version": run.pipeline_version,
        "software_version": run.software_version,
        "calibration_sha256": run.calibration_hash,
        "counting": rules.facts(folder) if rules else None,
        "stored_at": run.stored_at.isoformat(),
        "counted_at": run.counted_at.isoformat(),
        "failure": run.failure,
    }


def document(
    look: Look,
    frames: Sequence[dict[str, Any]],
    files: dict[str, bytes],
    *,
    card: str | None,
    option: Sequence[str],
    attribution: str,
    command: str,
) -> dict[str, Any]:
    """The whole manifest.

    Args:
        look: whose numbers these are, without folders of this machine.
        frames: `frame_facts` of each.
        files: all other files of the folder by name.
        card: name of the model card among them.
        option: how the weights are named to the program.
        attribution: as in the README.
        command: likewise.
    """
    first = look.runs[0]
    return {
        "evidence": FORMAT,
        "site": first.site.id,
        "time": look.time.isoformat().replace("+00:00", "Z") if look.time else None,
        "time_precision": look.time_precision,
        "geometry_sha256": first.site.geometry_hash,
        "model": asdict(first.model) | {"card": card, "option": list(option)},
        "frames": list(frames),
        "attribution": attribution,
        "command": command,
        "written_with": {
            "apronwatch": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; raises `EvidenceInvalid` where there is none of this format, and whole."""
    path = folder / NAME
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise EvidenceInvalid(
            f"{path}: no manifest can be read from it ({error}); expected a folder that `apronwatch evidence` made"
        ) from error
    found = told.get("evidence") if isinstance(told, dict) else type(told).__name__
    if type(found) is not int or found != FORMAT:
        raise EvidenceInvalid(f"{path}: evidence of format {found!r}, this program reads format {FORMAT}")
    plain: dict[str, Any] = documents.read(path, Manifest)
    return plain


def changed(folder: Path, files: dict[str, str]) -> Iterator[str]:
    """What is said of each listed file that is missing or has other bytes."""
    for name, sha256 in files.items():
        path = folder / name
        try:
            if not path.is_file():
                yield f"{name}: {'no file' if path.exists() else 'missing'}"
                continue
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:  # is_file raises it, too, for names that no file can have
            yield f"{name}: cannot be read ({error.strerror})"
            continue
        if found != sha256:
            yield f"{name}: SHA-256 {found[:12]}…, the manifest says {sha256[:12]}…"


def unlisted(folder: Path, files: dict[str, str], scenes: Sequence[str]) -> list[str]:
    """Files in the folder that are no part of the evidence, the scenes put beside it apart."""
    known = {*files, NAME, *scenes}
    there = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in there if name not in known)
