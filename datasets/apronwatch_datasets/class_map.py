"""What each source class is to us: one table, one row a class."""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.errors import ClassMapInvalid
from apronwatch.taxonomy import CLASSES, class_id
from apronwatch_datasets.records import UNCLASSED

COLUMNS = ("dataset", "source_class", "target", "reason")
COMPLETE = "complete"
"""A fifth column, which a user's own table may have: `yes` where the dataset labels all of the target."""

LARGE_VEHICLE_M = 7.0
"""Vehicles of this length or longer are large, where a dataset does not tell cars and lorries apart."""

ANY = "*"
"""A row for every class of a dataset that has no row of its own."""


class Special(StrEnum):
    """Targets that are none of our classes."""

    VEHICLE_BY_SIZE = "vehicle@size"
    IGNORE = "ignore"
    BACKGROUND = "background"
    DROP = "drop"


TARGETS = frozenset((*CLASSES, *Special))


def _ours(target: str | None) -> Collection[str]:
    """Our classes that a target stands for."""
    if target == Special.VEHICLE_BY_SIZE:
        return ("vehicle_small", "vehicle_large")
    return (target,) if target in CLASSES else ()


class Fate(StrEnum):
    """What becomes of an object."""

    KEPT = "kept"
    IGNORED = "ignored"
    BACKGROUND = "background"
    ARTEFACT = "artefact"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ClassMap:
    """Source classes of one dataset and their targets; our own names stand for themselves.

    Attributes:
        targets: source class -> one of `TARGETS`.
        complete: source class -> whether its dataset labels all of its target, where a user says so.
    """

    targets: Mapping[str, str]
    complete: Mapping[str, bool] = field(default_factory=dict)

    def target(self, name: str) -> str | None:
        """One of `TARGETS`; None for a class that no row names."""
        return self.targets.get(name) or self.targets.get(ANY) or (name if name in CLASSES else None)

    def ours(self, names: Iterable[str]) -> frozenset[str]:
        """Our classes that a dataset labels completely, if it labels all that it calls by some names.

        One of our own names, used as such, is complete. Another name says nothing of ours: who labels every `bus` may
        have left out every lorry. There it takes the user's word.
        """
        return frozenset(ours for name in names for ours in self._complete(name))

    def _complete(self, name: str) -> Collection[str]:
        target = self.target(name)
        said = self.complete.get(name if name in self.targets else ANY)
        return _ours(target) if said or (said is None and target == name) else ()

    def assign(
        self, names: NDArray[np.str_], polygons: Polygons, gsd_m: float | None
    ) -> tuple[NDArray[np.int16], NDArray[np.str_]]:
        """Our class index (N,), or `UNCLASSED`, and the `Fate` (N,) of each object.

        A vehicle of unknown size is ignored: whether it is a car or a lorry cannot be told.
        """
        classes = np.full(len(names), UNCLASSED, dtype=np.int16)
        fates = np.full(len(names), Fate.UNKNOWN.value, dtype="<U10")
        for name in np.unique(names):
            chosen = names == name
            classes[chosen], fates[chosen] = _assigned(self.target(str(name)), polygons[chosen], gsd_m)
        return classes, fates


def _assigned(
    target: str | None, polygons: Polygons, gsd_m: float | None
) -> tuple[int | NDArray[np.int16], str | NDArray[np.str_]]:
    match target:
        case None:
            return UNCLASSED, Fate.UNKNOWN.value
        case Special.DROP:
            return UNCLASSED, Fate.ARTEFACT.value
        case Special.BACKGROUND:
            return UNCLASSED, Fate.BACKGROUND.value
        case Special.IGNORE:
            return UNCLASSED, Fate.IGNORED.value
        case Special.VEHICLE_BY_SIZE:
            if gsd_m is None:
                return UNCLASSED, Fate.IGNORED.value
            small, large = class_id("vehicle_small"), class_id("vehicle_large")
            classes = np.where(_lengths(polygons) * gsd_m < LARGE_VEHICLE_M, small, large)
            return classes.astype(np.int16), Fate.KEPT.value
        case _:
            return class_id(target), Fate.KEPT.value


def _lengths(polygons: Polygons) -> NDArray[np.float64]:
    """Longer side (N,) of each box."""
    # Corners beyond any image are dropped later, by the check.
    with np.errstate(over="ignore", invalid="ignore"):
        sides = np.linalg.norm(np.roll(polygons, -1, axis=1) - polygons, axis=-1)
    longest: NDArray[np.float64] = sides.max(axis=1, initial=0.0)
    return longest


@dataclass(frozen=True)
class _Row:
    """`complete`: None where it is not said."""

    target: str
    complete: bool | None


_Table = dict[str, dict[str, _Row]]


def class_map(dataset: str, own: Path | None = None) -> ClassMap:
    """The map of one dataset; rows of a user's own table go before the table's.

    A user's table has the same columns, and may have `COMPLETE` as a fifth.

    Raises:
        ClassMapInvalid: a table with other columns, an unknown target, two rows for one class, or a `complete` that is
            neither yes nor no, or is yes for a target that is none of our classes.
    """
    rows = dict(_table().get(dataset, {}))
    if own is not None:
        rows |= _read(own.name, _text(own), (COLUMNS, (*COLUMNS, COMPLETE))).get(dataset, {})
    return ClassMap(
        {name: row.target for name, row in rows.items()},
        {name: row.complete for name, row in rows.items() if row.complete is not None},
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClassMapInvalid(
            f"{path}: no readable class map ({error}); expected CSV with the columns {', '.join(COLUMNS)}"
        ) from error


@cache
def _table() -> _Table:
    source = files("apronwatch_datasets").joinpath("class_map.csv")
    return _read("class_map.csv", source.read_text(encoding="utf-8"), (COLUMNS,))


def _read(name: str, text: str, headers: Collection[tuple[str, ...]]) -> _Table:
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) not in headers:
        also = f", and {COMPLETE} if you like" if len(headers) > 1 else ""
        raise ClassMapInvalid(
            f"{name}: columns {', '.join(reader.fieldnames or ()) or 'none'}; expected {', '.join(COLUMNS)}{also}"
        )
    table: _Table = {}
    for row in reader:
        dataset, source, target = (row[c] or "" for c in COLUMNS[:3])
        where = f"{name}:{reader.line_num}"
        if target not in TARGETS:
            raise ClassMapInvalid(
                f"{where}: target {target!r} of {source!r}; expected one of {', '.join(sorted(TARGETS))}"
            )
        if source in table.setdefault(dataset, {}):
            raise ClassMapInvalid(f"{where}: a second row for {source!r} of {dataset}; keep one")
        table[dataset][source] = _Row(target, _said(row.get(COMPLETE), target, where))
    return table


def _said(told: str | None, target: str, where: str) -> bool | None:
    word = (told or "").strip().lower()
    if word not in ("", "yes", "no"):
        raise ClassMapInvalid(f"{where}: {COMPLETE} is {told!r}; expected yes, no or nothing")
    if word == "yes" and not _ours(target):
        raise ClassMapInvalid(
            f"{where}: {COMPLETE} is yes for {target!r}; expected a target that is one of our classes, or no"
        )
    return word == "yes" if word else None
