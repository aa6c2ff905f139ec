"""The form of `manifest.json`: which keys it has, of which types, and which of them cannot stand side by side."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from apronwatch.evidence.documents import MOST, Part
from apronwatch.evidence.names import scene_name
from apronwatch.evidence.told import COUNTS, README, SCENES, SITES
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES
from apronwatch.times import PRECISIONS

FORMAT = 2
OF_FRAME = ("boxes.geojson", "boxes.csv", "overlay.png")
"""Files of each frame that was counted."""


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


def _option(words: list[str]) -> list[str]:
    """How weights are named to the program, and nothing else."""
    if len(words) not in (2, 3) or [words[0], *words[2:]] not in (["--model"], ["--model", "--trust"]):
        raise ValueError(f"{words} names no weights")
    if words[1].startswith("-") or scene_name(words[1]) != words[1]:
        raise ValueError(f"{words[1]!r} is no name of weights")
    return words


def _device(text: str) -> str:
    """Such as `cuda:0 fp16`; empty where it is not known."""
    if text and not re.fullmatch(r"(cpu|cuda|tensorrt|mps)(:\d+)? [a-z]+\d*", text):
        raise ValueError(f"{text!r} is no device and its precision")
    return text


_SCENE = TypeAdapter(SceneInfo)
_Time = Annotated[str, AfterValidator(_moment)]
_Name = Annotated[str, AfterValidator(_inside)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=-MOST, le=MOST)]


class _Mask(Part):
    file: _Name | None
    hides: list[_Number] | None
    item: bool


class _File(Part):
    name: Annotated[str, AfterValidator(_published)]
    sha256: _Sha256 | None


class _Item(Part):
    name: Annotated[str, AfterValidator(_published)]
    sha256: _Sha256
    picture: _File
    masks: list[_File]
    fixed: bool


class _Counting(Part):
    rules: int
    calibration_sha256: str | None
    calibration: _Name | None


class _Frame(Part):
    folder: Annotated[str, Field(pattern="^frame-[0-9]+$")]
    scene: Annotated[dict[str, Any], AfterValidator(_scene)]
    masks_sha256: _Sha256 | None
    mask: _Mask | None
    item: _Item | None
    pictures: str
    run: str
    parameters: dict[str, Any]
    thresholds: dict[Literal[CLASSES], float]  # type: ignore[valid-type]
    device: Annotated[str, AfterValidator(_device)]
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
    option: Annotated[list[str], AfterValidator(_option)]


class Manifest(Part):
    """`manifest.json`."""

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
