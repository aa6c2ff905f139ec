"""The form of a scenario's TOML file, checked where it is read; `scenarios/README.md` describes it for users."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES
from apronwatch_datasets.synthetic.drawing import TYPES
from apronwatch_datasets.synthetic.layouts import LAYOUTS
from apronwatch_datasets.synthetic.spec import Kind


def _no_truth_value(given: Any) -> Any:
    """To Python, true is the number 1, and equal to a `Literal` of it."""
    if isinstance(given, bool):
        raise ValueError("must be a number")
    return given


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


def _matching(pattern: str, expected: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {expected}")
        return text

    return checked


def _in_sun_formula(time: AwareDatetime) -> AwareDatetime:
    if not 1950 <= time.year <= 2050:
        raise ValueError("must lie in the years 1950 to 2050, for which the sun's place is known")
    return time


_Number = BeforeValidator(_no_truth_value)
Metres = Annotated[float, _Number, Field(allow_inf_nan=False)]
Degrees = Annotated[float, _Number, Field(ge=-360, le=360)]
Shift = Annotated[float, _Number, Field(ge=-100, le=100)]
"""Metres that the geolocation is off: more than any satellite's, less than an airfield."""
Share = Annotated[float, _Number, Field(ge=0, le=1)]
Weight = Annotated[float, _Number, Field(ge=1e-6, le=1e6)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=1 << 40)]
Flag = Annotated[bool, Field(strict=True)]
Line = Annotated[str, Field(min_length=1, max_length=160), AfterValidator(_one_line)]
Extent = tuple[Metres, Metres, Metres, Metres]
Id = Annotated[
    str,
    # Names of files begin with it: with day, hour and ending they must stay under a file system's 255 bytes.
    Field(max_length=64),
    AfterValidator(
        _matching(r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, _ and -, beginning with a letter or digit")
    ),
]
UtmZone = Annotated[
    str,
    AfterValidator(
        _matching(r"EPSG:32[67](0[1-9]|[1-5]\d|60)", "a UTM zone, EPSG:32601 to 32660 or EPSG:32701 to 32760")
    ),
]


class _Entry(BaseModel):
    # A misspelt key would otherwise leave its default in force, silently.
    model_config = ConfigDict(extra="forbid", frozen=True)


class LookEntry(_Entry):
    """One look; the fields are those of `spec.Look`."""

    time: Annotated[AwareDatetime, AfterValidator(_in_sun_formula)]
    gsd_m: Annotated[float, _Number, Field(ge=0.2, le=1.5)]
    extent_m: Extent | None = None
    bits: Annotated[Literal[8, 11], _Number] = 8
    bands: Annotated[Literal[1, 3], _Number] = 3
    haze: Share = 0.15
    cloud_cover: Share = 0.0
    shift_m: tuple[Shift, Shift] = (0.0, 0.0)
    seed: Seed | None = None
    blur_px: Annotated[float, _Number, Field(ge=0.3, le=3.0)] = 0.72

    @model_validator(mode="after")
    def _encloses(self) -> Self:
        if self.extent_m is not None:
            west, south, east, north = self.extent_m
            if west >= east or south >= north:
                raise ValueError(
                    "extent_m must be west, south, east, north, with west < east and south < north"
                )
        return self


def _type_name(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"no type {name!r}; there are {', '.join(TYPES)}")
    return name


def _strippable(name: str) -> None:
    if name not in PLANE_TYPES:
        raise ValueError(f"stripped is for aeroplanes, {name} is none; leave it out")


class GroupEntry(_Entry):
    """`[[sites.groups]]`; the fields are those of `traffic.Group`."""

    stands: Annotated[str, Field(pattern=r"^[A-Za-z]+$")]
    types: Annotated[dict[str, Weight], Field(min_length=1)]
    counts: list[Whole]
    stay: Share = 0.75
    kind: Kind = "real"
    stripped: Share = 0.0

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.types:
            _type_name(name)
            if self.stripped:
                _strippable(name)
        return self


class ObjectEntry(_Entry):
    """`[[sites.objects]]`: one object at a place of its own, there at every look."""

    type: str
    at_m: tuple[Metres, Metres]
    heading_deg: Degrees = 0.0
    kind: Kind = "real"
    stripped: Flag = False

    @model_validator(mode="after")
    def _known(self) -> Self:
        _type_name(self.type)
        if self.stripped:
            _strippable(self.type)
        return self


class SiteEntry(_Entry):
    """`[[sites]]`; without `name`, `crs`, `origin_m` and `rotation_deg` the layout's own hold."""

    id: Id
    layout: str
    parameters: dict[str, int | float | str | bool] = {}
    name: Line | None = None
    crs: UtmZone | None = None
    origin_m: tuple[Metres, Metres] | None = None
    rotation_deg: Degrees | None = None
    every_look: dict[str, Any] = {}
    looks: Annotated[list[LookEntry], Field(min_length=1)]
    groups: list[GroupEntry] = []
    objects: list[ObjectEntry] = []

    @model_validator(mode="before")
    @classmethod
    def _shared(cls, given: Any) -> Any:
        """Lay each look over `every_look`."""
        match given:
            case {"every_look": dict() as shared, "looks": list() as looks}:
                return {
                    **given,
                    "looks": [shared | look if isinstance(look, dict) else look for look in looks],
                }
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout {self.layout!r} is none of {', '.join(LAYOUTS)}")
        times = [look.time for look in self.looks]
        if times != sorted(set(times)):
            raise ValueError("looks must be in order of time, each at another time")
        if "seed" in self.parameters:
            raise ValueError("parameters takes no seed: give the one of the file, above the sites")
        places: dict[tuple[float, float], int] = {}
        for number, single in enumerate(self.objects):
            if (first := places.setdefault(single.at_m, number)) != number:
                raise ValueError(
                    f"objects.{first} and objects.{number} stand at one place {list(single.at_m)}: "
                    "expected each at_m once"
                )
        taken: dict[str, int] = {}
        for number, group in enumerate(self.groups):
            for letter in group.stands:
                if taken.setdefault(letter, number) != number:
                    raise ValueError(
                        f"groups.{taken[letter]} and groups.{number} share the stands {letter}: "
                        "two could stand on one; give each letter to one group"
                    )
            if len(group.counts) != len(self.looks):
                raise ValueError(
                    f"groups.{number}.counts has {len(group.counts)} numbers for {len(self.looks)} looks"
                )
        return self


class ScenarioEntry(_Entry):
    """A scenario's file."""

    title: Line
    seed: Seed
    sites: Annotated[list[SiteEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        # Names of scenes begin with "synthetic-" either way, and some file systems know no capitals.
        ids = [site.id.lower().removeprefix("synthetic-") for site in self.sites]
        if len(set(ids)) < len(ids):
            raise ValueError("each of the sites needs an id of its own")
        return self
