"""The form of a scenario's TOML file, checked where it is read; `scenarios/README.md` describes it for users."""

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES
from apronwatch_datasets.synthetic.drawing import TYPES
from apronwatch_datasets.synthetic.layouts import LAYOUTS
from apronwatch_datasets.synthetic.spec import Kind

Metres = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Extent = tuple[Metres, Metres, Metres, Metres]


class _Entry(BaseModel):
    # A misspelt key would otherwise leave its default in force, silently.
    model_config = ConfigDict(extra="forbid", frozen=True)


class LookEntry(_Entry):
    """One look; the fields are those of `spec.Look`."""

    time: AwareDatetime
    gsd_m: Annotated[float, Field(ge=0.2, le=1.5)]
    extent_m: Extent | None = None
    bits: Literal[8, 11] = 8
    bands: Literal[1, 3] = 3
    haze: Share = 0.15
    cloud_cover: Share = 0.0
    shift_m: tuple[Metres, Metres] = (0.0, 0.0)
    seed: int | None = None
    blur_px: Annotated[float, Field(ge=0.3, le=3.0)] = 0.72

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
    types: Annotated[dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=1)]
    counts: list[Annotated[int, Field(ge=0)]]
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
    heading_deg: Metres = 0.0
    kind: Kind = "real"
    stripped: bool = False

    @model_validator(mode="after")
    def _known(self) -> Self:
        _type_name(self.type)
        if self.stripped:
            _strippable(self.type)
        return self


class SiteEntry(_Entry):
    """`[[sites]]`; without `name`, `crs`, `origin_m` and `rotation_deg` the layout's own hold."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    layout: str
    parameters: dict[str, int | float | str | bool] = {}
    name: str | None = None
    crs: Annotated[str, Field(pattern=r"^EPSG:32[67]\d\d$")] | None = None
    origin_m: tuple[Metres, Metres] | None = None
    rotation_deg: Metres | None = None
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

    title: Annotated[str, Field(min_length=1, max_length=160)]
    seed: Annotated[int, Field(ge=0, lt=1 << 40)]
    sites: Annotated[list[SiteEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ids = [site.id for site in self.sites]
        if len(set(ids)) < len(ids):
            raise ValueError("each of the sites needs an id of its own")
        return self
