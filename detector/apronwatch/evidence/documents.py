"""The JSON files of an evidence folder, read strictly: one that is not as it was written is refused in one line."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apronwatch.counts import Count
from apronwatch.errors import EvidenceInvalid
from apronwatch.taxonomy import CLASSES

MOST = 10**9
"""No count, no number of a box and no coordinate lies higher."""


class Part(BaseModel):
    """An object of such a file: with these keys and no others, of these types and no like ones."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Count(Part):
    site: str
    zone: str
    class_: Annotated[Literal[CLASSES], Field(alias="class")]  # type: ignore[valid-type]
    seen: Annotated[int, Field(ge=0, le=MOST)] | None
    at_least: bool
    estimate: float | None
    low: float | None
    high: float | None
    observed_fraction: Annotated[float, Field(ge=0, le=2)] | None
    status: str
    reasons: list[str]

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        count = Count.from_dict(self.model_dump(by_alias=True))
        if count.at_least != self.at_least:
            raise ValueError(f"at_least={self.at_least} with status {self.status}")
        return self


class _Model(Part):
    name: str
    sha256: str


class _Scene(Part):
    path: str
    sha256: str | None
    time: str | None
    gsd_m: float
    status: str
    reasons: list[str]
    model: _Model
    counts: list[_Count]


class _Look(Part):
    time: str | None
    time_precision: str | None
    counts: list[_Count]


class Counts(Part):
    """`counts.json`."""

    apronwatch: str
    scenes: list[_Scene]
    look: _Look


class _Box(Part):
    class_: Annotated[Literal[CLASSES], Field(alias="class")]  # type: ignore[valid-type]
    score: Annotated[float, Field(ge=0, le=1)]
    length_m: float
    width_m: float
    orientation_deg: float
    truncated: bool
    id: Annotated[int, Field(ge=1, le=MOST)]
    zones: list[str]
    counted: bool
    why_not: str | None
    chip: str | None


_Coordinate = Annotated[float, Field(ge=-MOST, le=MOST)]
_Position = tuple[_Coordinate, _Coordinate]
_Ring = Annotated[list[_Position], Field(min_length=4)]


class _Polygon(Part):
    type: Literal["Polygon"]
    coordinates: Annotated[
        list[Annotated[list[_Position], Field(min_length=5, max_length=5)]], Field(min_length=1)
    ]


class _MultiPolygon(Part):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Annotated[list[_Ring], Field(min_length=1)]], Field(min_length=1)]


class _Feature(Part):
    type: Literal["Feature"]
    geometry: Annotated[_Polygon | _MultiPolygon, Field(discriminator="type")]
    properties: _Box


class Boxes(Part):
    """`boxes.geojson`."""

    type: Literal["FeatureCollection"]
    crs: str | None = None
    apronwatch: dict[str, Any]
    features: list[_Feature]


def read(path: Path, model: type[BaseModel]) -> Any:
    """The JSON types in a file of the form of `model`.

    Raises:
        EvidenceInvalid: it cannot be read, or has another form; the message names the file and the first fault.
    """
    plain = parsed(path)
    try:
        model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ", ".join(_numbered(part) for part in first["loc"]) or "the whole"
        raise EvidenceInvalid(
            f"{path}: {where}: {first['msg']}; expected what `apronwatch evidence` writes"
        ) from error
    return plain


def parsed(path: Path) -> Any:
    """The JSON types in a file, each key of an object once; raises `EvidenceInvalid`."""
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_once, parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> EvidenceInvalid:
    """What is said of a file that cannot be read."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return EvidenceInvalid(f"{path}: cannot be read ({why}); expected a file that `apronwatch evidence` made")


def text(path: Path) -> str:
    """The text in a file; raises `EvidenceInvalid`."""
    try:
        return path.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _numbered(part: int | str) -> str:
    return str(part + 1) if isinstance(part, int) else part


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)}")
    return plain


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
