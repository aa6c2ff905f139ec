"""Scenarios from their TOML files: those of the package by name, a user's own by path."""

import tomllib
from dataclasses import dataclass, replace
from datetime import UTC
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pydantic import ValidationError

from apronwatch.errors import ScenarioInvalid
from apronwatch_datasets.synthetic.drawing import sun_over
from apronwatch_datasets.synthetic.layouts import LAYOUTS
from apronwatch_datasets.synthetic.mooring import moor
from apronwatch_datasets.synthetic.scenario_checks import (
    check_extent,
    check_parameters,
    check_shown,
    check_zone,
)
from apronwatch_datasets.synthetic.scenario_format import GroupEntry, LookEntry, ScenarioEntry, SiteEntry
from apronwatch_datasets.synthetic.ships import SHIP_TYPES
from apronwatch_datasets.synthetic.spec import Base, Look, Parked, Scenario, Scene
from apronwatch_datasets.synthetic.traffic import Group, occupy


@dataclass(frozen=True)
class ScenarioTitle:
    """A scenario of the package, for a list: `sites` and `looks` are how many it has."""

    name: str
    title: str
    sites: int
    looks: int


def list_scenarios() -> tuple[ScenarioTitle, ...]:
    """The scenarios of the package, by name."""
    read = [(name, _entry(_packaged(name), name)) for name in _names()]
    return tuple(
        ScenarioTitle(name, entry.title, len(entry.sites), sum(len(site.looks) for site in entry.sites))
        for name, entry in read
    )


def read_scenario(name_or_path: str | Path) -> tuple[Scenario, ...]:
    """A scenario, one `Scenario` a site: of the package by its name, or a file of one's own.

    Raises:
        ScenarioInvalid: no such scenario, no TOML, an unknown key, a value of the wrong kind, more objects than
            stands, or a look by night.
    """
    told = str(name_or_path)
    text, name = (_packaged(told), told) if told in _names() else (_own(Path(told)), Path(told).stem)
    entry = _entry(text, told)
    return tuple(_site(entry, number, name, told) for number in range(len(entry.sites)))


def _names() -> list[str]:
    folder = files(__package__).joinpath("scenarios")
    return sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml"))


def _packaged(name: str) -> str:
    return files(__package__).joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")


def _own(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(
            f"{path}: no scenario can be read from it ({getattr(error, 'strerror', error)}); "
            f"give a TOML file or one of {', '.join(_names())}"
        ) from error


def _entry(text: str, told: str) -> ScenarioEntry:
    try:
        document = tomllib.loads(text)
    # ValueError also for a number of more than 4300 digits, RecursionError for brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise ScenarioInvalid(f"{told}: not TOML: {error}") from error
    try:
        return ScenarioEntry.model_validate(document)
    except ValidationError as error:
        raise ScenarioInvalid(f"{told}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    place = ".".join(part if part.isprintable() else repr(part) for part in parts) or "the file"
    found = "" if isinstance(first["input"], dict) else f", found {first['input']!r:.60}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{found}"


def _site(entry: ScenarioEntry, number: int, name: str, told: str) -> Scenario:
    site = entry.sites[number]
    try:
        base = _base(site, entry.seed)
        looks = [_look(look, base, n) for n, look in enumerate(site.looks)]
        check_shown(base, [look.extent_m for look in looks], _alone(site, entry.seed))
        parked = [moor(base, there) for there in _parked(site, base, entry.seed)]
    except (ValueError, TypeError) as error:
        # A key in quotes may hold a line break, and the error quotes it.
        raise ScenarioInvalid(f"{told}: sites.{number}: {' '.join(str(error).split())}") from error
    scenes = zip(_scene_names(site.id, looks), looks, parked, strict=True)
    return Scenario(name, base, tuple(Scene(title, look, tuple(there)) for title, look, there in scenes))


def _base(site: SiteEntry, seed: int) -> Base:
    layout = LAYOUTS[site.layout]
    check_parameters(layout, site.parameters)
    base = layout(seed, **site.parameters)
    given: dict[str, Any] = {
        "id": site.id,
        "name": site.name,
        "crs": site.crs,
        "origin": site.origin_m,
        "rotation_deg": site.rotation_deg,
    }
    base = replace(base, **{key: value for key, value in given.items() if value is not None})
    check_zone(base.crs, base.origin, "origin_m")
    return base


def _look(entry: LookEntry, base: Base, number: int) -> Look:
    given = entry.model_dump() | {
        "time": entry.time.astimezone(UTC),
        "extent_m": entry.extent_m or base.extent_m,
        "seed": number + 1 if entry.seed is None else entry.seed,
    }
    look = Look(**given)
    check_extent(base, look, f"looks.{number}")
    try:
        sun_over(base, look)
    except ValueError as error:
        raise ValueError(f"looks.{number}.time: {error}") from error
    return look


def _alone(site: SiteEntry, seed: int) -> list[Parked]:
    return [
        Parked(f"object{n}", o.type, *o.at_m, o.heading_deg % 360.0, seed + 7 * n, o.kind, o.stripped)
        for n, o in enumerate(site.objects)
    ]


def _parked(site: SiteEntry, base: Base, seed: int) -> list[list[Parked]]:
    alone = _alone(site, seed)
    for number, single in enumerate(alone):
        if single.type_name in SHIP_TYPES and not _afloat(base, single):
            raise ValueError(f"objects.{number}: {single.type_name} lies on land; give it a place at sea")
    parked = [list(alone) for _ in site.looks]
    for number, entry in enumerate(site.groups):
        rng = np.random.default_rng([seed, 500 + number])
        stands = [s for s in base.stands if s.id[0] in entry.stands]
        for there, more in zip(parked, occupy(stands, _group(entry), rng), strict=True):
            there += more
    return parked


def _afloat(base: Base, there: Parked) -> bool:
    return any(shapely.intersects_xy(water.outline, there.x_m, there.y_m) for water in base.waters)


def _group(entry: GroupEntry) -> Group:
    return Group(
        entry.stands, tuple(entry.types.items()), tuple(entry.counts), entry.stay, entry.kind, entry.stripped
    )


def _scene_names(site_id: str, looks: list[Look]) -> list[str]:
    """Site and day, and the hour where a day has two looks; each says that it is synthetic."""
    stem = site_id if "synthetic" in site_id else f"synthetic-{site_id}"
    days = [f"{look.time:%Y%m%d}" for look in looks]
    return [
        f"{stem}_{day if days.count(day) == 1 else f'{look.time:%Y%m%dT%H%M%S}'}"
        for day, look in zip(days, looks, strict=True)
    ]
