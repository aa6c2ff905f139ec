"""`manifest.json`: the hashes of an evidence folder, and everything that the numbers were counted with."""

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from apronwatch.archive import ArchivedRun
from apronwatch.errors import EvidenceInvalid
from apronwatch.evidence import documents
from apronwatch.evidence.documents import MOST, Part
from apronwatch.evidence.names import scene_name
from apronwatch.evidence.rules import Known
from apronwatch.evidence.words import COUNTS, README, SCENES, SITES, MaskTold
from apronwatch.report.looks import Look
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES
from apronwatch.times import PRECISIONS
from apronwatch.version import __version__

NAME = "manifest.json"
FORMAT = 2
OF_FRAME = ("boxes.geojson", "boxes.csv", "overlay.png")
"""Files of each frame that was counted."""

_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pyproj", "rasterio", "scipy", "shapely")


def frame_facts(
    run: ArchivedRun, folder: str, mask: MaskTold | None, rules: Known | None, pictures: str
) -> dict[str, Any]:
    """What one frame was counted from and with.

    Args:
        run: without folders of this machine.
        folder: of the frame.
        mask: what was laid over it, if that is at hand.
        rules: by what it was counted, if that is known.
        pictures: why it has no chips; empty where it has.
    """
    return {
        "folder": folder,
        "scene": run.scene.to_dict(),
        "masks_sha256": run.masks_hash or None,
        "mask": asdict(mask) if mask else None,
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


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).utcoffset() != timedelta(0):
        raise ValueError(f"{text} is no time in UTC")
    return text


def _published(path: str) -> str:
    if scene_name(path) != path:
        raise ValueError("a path with folders")
    return path


def _by_a_program(versions: dict[str, str]) -> dict[str, str]:
    if "apronwatch" not in versions:
        raise ValueError("apronwatch is not among them")
    return versions


def _scene(plain: dict[str, Any]) -> dict[str, Any]:
    _SCENE.validate_json(json.dumps(plain, allow_nan=False), strict=True)
    unknown = plain.keys() - {field.name for field in fields(SceneInfo)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is no fact of a scene")
    _published(plain["path"])
    if plain["time"] is not None:
        _moment(plain["time"])
    if (plain["time_precision"] in PRECISIONS) != (plain["time"] is not None):
        raise ValueError(f"time {plain['time']} of precision {plain['time_precision']}")
    return plain


def _inside(name: str) -> str:
    if name.startswith("/") or "\0" in name or {"", ".", ".."} & set(name.split("/")):
        raise ValueError(f"{name!r} is no file in the folder")
    return name


_SCENE = TypeAdapter(SceneInfo)
_Time = Annotated[str, AfterValidator(_moment)]
_Name = Annotated[str, AfterValidator(_inside)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=-MOST, le=MOST)]


class _Mask(Part):
    file: _Name | None
    hides: list[_Number] | None
    item: bool


class _Counting(Part):
    rules: int
    calibration_sha256: str | None
    calibration: _Name | None


class _Frame(Part):
    folder: Annotated[str, Field(pattern="^frame-[0-9]+$")]
    scene: Annotated[dict[str, Any], AfterValidator(_scene)]
    masks_sha256: _Sha256 | None
    mask: _Mask | None
    pictures: str
    run: str
    parameters: dict[str, Any]
    thresholds: dict[Literal[CLASSES], float]  # type: ignore[valid-type]
    device: str
    pipeline_version: int
    software_version: str
    calibration_sha256: str
    counting: _Counting | None
    stored_at: _Time
    counted_at: _Time
    failure: str | None

    @model_validator(mode="after")
    def _says_its_mask(self) -> Self:
        laid = self.mask is None or bool(self.mask.file or self.mask.item)
        if laid != (self.masks_sha256 is not None) or (
            self.mask and self.mask.hides is not None and not self.mask.file
        ):
            raise ValueError(
                f"mask ({self.mask}) and masks_sha256 ({self.masks_sha256}) contradict each other"
            )
        return self


class _Model(Part):
    name: str
    sha256: _Sha256
    terms: str
    data: str
    synthetic_only: list[str]
    card: _Name | None
    option: list[str]


class _Manifest(Part):
    evidence: Literal[2]
    site: str
    time: _Time | None
    time_precision: Literal["second", "minute", "hour", "day"] | None
    geometry_sha256: str
    model: _Model
    frames: Annotated[list[_Frame], Field(min_length=1)]
    attribution: str
    command: str
    written_with: Annotated[dict[str, str], AfterValidator(_by_a_program)]
    files: dict[_Name, _Sha256]

    @model_validator(mode="after")
    def _lists_what_it_rests_on(self) -> Self:
        missing = [name for name in self._wanted() if name not in self.files]
        if missing:
            raise ValueError(f"{missing[0]} is not among its files")
        if [frame.folder for frame in self.frames] != [f"frame-{n}" for n in range(1, len(self.frames) + 1)]:
            raise ValueError("the folders of its frames are not frame-1, frame-2 and so on")
        if len(self.frames) > 1 and any(frame.failure is not None for frame in self.frames):
            raise ValueError("a failed frame among several")
        return self

    def _wanted(self) -> Iterator[str]:
        yield from (SITES, COUNTS, README, *([SCENES] if len(self.frames) > 1 else []))
        yield from [self.model.card] if self.model.card else []
        for frame in self.frames:
            if frame.failure is None:
                yield from (f"{frame.folder}/{name}" for name in OF_FRAME)
            yield from [frame.mask.file] if frame.mask and frame.mask.file else []
            yield from [frame.counting.calibration] if frame.counting and frame.counting.calibration else []


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
    plain: dict[str, Any] = documents.read(path, _Manifest)
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
