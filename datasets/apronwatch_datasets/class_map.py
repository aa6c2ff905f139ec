"""What each source class is to us: one table, one row a class."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """

    targets: Mapping[str, str]

    def target(self, name: str) -> str | None:
        """One of `TARGETS`; None for a class that no row names."""
        return self.targets.get(name) or self.targets.get(ANY) or (name if name in CLASSES else None)

    def ours(self, names: Iterable[str]) -> frozenset[str]:
        """Our classes that some source classes are. What is told apart by its size alone is not among them."""
        return frozenset(CLASSES) & {self.target(name) for name in names}

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
    sides = np.linalg.norm(np.roll(polygons, -1, axis=1) - polygons, axis=-1)
    longest: NDArray[np.float64] = sides.max(axis=1, initial=0.0)
    return longest


def class_map(dataset: str, own: Path | None = None) -> ClassMap:
    """The map of one dataset; rows of a user's own table (the same columns) go before the table's.

    Raises:
        ClassMapInvalid: a table with other columns, an unknown target, or two rows for one class.
    """
    rows = dict(_table().get(dataset, {}))
    if own is not None:
        rows |= _read(own.name, _text(own)).get(dataset, {})
    return ClassMap(rows)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClassMapInvalid(
            f"{path}: no readable class map ({error}); expected CSV with the columns {', '.join(COLUMNS)}"
        ) from error


@cache
def _table() -> dict[str, dict[str, str]]:
    source = files("apronwatch_datasets").joinpath("class_map.csv")
    return _read("class_map.csv", source.read_text(encoding="utf-8"))


def _read(name: str, text: str) -> dict[str, dict[str, str]]:
    reader = csv.DictReader(text.splitlines())
    if reader.fieldnames is None or tuple(reader.fieldnames) != COLUMNS:
        raise ClassMapInvalid(
            f"{name}: columns {', '.join(reader.fieldnames or ()) or 'none'}; expected {', '.join(COLUMNS)}"
        )
    table: dict[str, dict[str, str]] = {}
    for row in reader:
        dataset, source, target = (row[c] or "" for c in COLUMNS[:3])
        where = f"{name}:{reader.line_num}"
        if target not in TARGETS:
            raise ClassMapInvalid(
                f"{where}: target {target!r} of {source!r}; expected one of {', '.join(sorted(TARGETS))}"
            )
        if source in table.setdefault(dataset, {}):
            raise ClassMapInvalid(f"{where}: a second row for {source!r} of {dataset}; keep one")
        table[dataset][source] = target
    return table
