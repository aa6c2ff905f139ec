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
from apronwatch.evidence.names import published, published_scene
from apronwatch.evidence.rules import Known
from apronwatch.evidence.words import MaskTold
from apronwatch.report.looks import Look
from apronwatch.version import __version__

NAME = "manifest.json"
FORMAT = 1
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pyproj", "rasterio", "scipy", "shapely")


def frame_facts(run: ArchivedRun, folder: str, mask: MaskTold | None, rules: Known | None) -> dict[str, Any]:
    """What one frame was counted from and with."""
    scene = published_scene(run.scene, run.scene_paths).to_dict()
    return {
        "folder": folder,
        "scene": scene,
        "masks_sha256": run.masks_hash or None,
        "mask": asdict(mask) if mask else None,
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
        "failure": published(run.failure, run.scene_paths) if run.failure is not None else None,
    }


def document(
    look: Look,
    frames: Sequence[dict[str, Any]],
    files: dict[str, bytes],
    *,
    card: str | None,
    attribution: str,
    command: str,
) -> dict[str, Any]:
    """The whole manifest.

    Args:
        look: whose numbers these are.
        frames: `frame_facts` of each.
        files: all other files of the folder by name.
        card: name of the model card among them.
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
        "model": asdict(first.model) | {"card": card},
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
    """The manifest of a folder; raises `EvidenceInvalid` where there is none of this format."""
    path = folder / NAME
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceInvalid(
            f"{path}: no manifest can be read from it ({error}); expected a folder that `apronwatch evidence` made"
        ) from error
    if not isinstance(told, dict) or told.get("evidence") != FORMAT:
        found = told.get("evidence") if isinstance(told, dict) else type(told).__name__
        raise EvidenceInvalid(f"{path}: evidence of format {found}, this program reads format {FORMAT}")
    return told


def changed(folder: Path, files: dict[str, str]) -> Iterator[str]:
    """What is said of each listed file that is missing or has other bytes."""
    for name, sha256 in files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: missing"
            continue
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            yield f"{name}: SHA-256 {found[:12]}…, the manifest says {sha256[:12]}…"


def unlisted(folder: Path, files: dict[str, str], scenes: Sequence[str]) -> list[str]:
    """Files in the folder that are no part of the evidence, the scenes put beside it apart."""
    known = {*files, NAME, *scenes}
    there = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in there if name not in known)
