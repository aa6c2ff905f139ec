"""Finished tiles go to the split of their place, if no ground is shown in two of them."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import Any

from apronwatch.errors import LeakFound
from apronwatch_datasets.preparing.files import Folder
from apronwatch_datasets.preparing.landmarks import Landmarks
from apronwatch_datasets.preparing.leaks import Leak, find_leaks, joined
from apronwatch_datasets.preparing.loading import Progress
from apronwatch_datasets.preparing.options import Options
from apronwatch_datasets.preparing.splits import Place, assign
from apronwatch_datasets.preparing.units import Unit

LEAKS = "leaks.csv"
"""Where all pairs are written that were found in different splits."""

_COLUMNS = ("dataset", "image", "place", "split")
_NAMED = 3
"""So many pairs are named in a message."""

Part = Mapping[str, Any]
"""The record of a unit, as `units.make` writes it."""


def place_of(unit: Unit) -> Place:
    """What the split of a unit goes by."""
    return unit.dataset, unit.image.place


def splits_of(
    units: Sequence[Unit],
    parts: Sequence[Part],
    named: Mapping[Place, str],
    options: Options,
    folder: Folder,
    progress: Progress | None = None,
) -> tuple[dict[Place, str], list[str]]:
    """The split of each place, and a note where places were joined.

    Raises:
        LeakFound: images of different splits show the same ground.
    """
    places = [place_of(unit) for unit in units]
    weights: Counter[Place] = Counter(dict.fromkeys(places, 0))
    for place, part in zip(places, parts, strict=True):
        weights[place] += len(part["tiles"])
    leaks = _leaks(places, parts, folder, progress)
    groups = {place: k for k, place in enumerate(sorted(weights))}
    notes = []
    if options.join_leaks and leaks:
        groups = _joined(places, leaks)
        notes.append(
            f"{len(weights)} places are held to be {len(set(groups.values()))}: {len(leaks)} pairs of their images "
            "show the same ground"
        )
    chosen = assign(weights, groups, named, options)
    crossing = [leak for leak in leaks if chosen[places[leak.first]] != chosen[places[leak.second]]]
    if crossing:
        raise LeakFound(_told(units, crossing, chosen, options, folder))
    folder.remove(folder.root / LEAKS)
    return chosen, notes


def _leaks(
    places: Sequence[Place], parts: Sequence[Part], folder: Folder, progress: Progress | None
) -> list[Leak]:
    """Pairs of images of different places; an image without tiles cannot leak.

    They are kept until the set is finished: a call with other splits need not compare again.
    """
    shown = [(part["landmarks"], part["footprint"]) if part["tiles"] else ({}, None) for part in parts]
    compared = hashlib.sha256(json.dumps([places, shown], sort_keys=True).encode()).hexdigest()
    if folder.compared.is_file():
        known = folder.told(folder.compared)
        if known["of"] == compared:
            return [Leak(*leak) for leak in known["leaks"]]
    leaks = find_leaks(
        [{view: Landmarks.from_dict(seen) for view, seen in landmarks.items()} for landmarks, _ in shown],
        [footprint for _, footprint in shown],
        places,
        None if progress is None else partial(progress, "comparing"),
    )
    kept = {"of": compared, "leaks": [astuple(leak) for leak in leaks]}
    folder.write(folder.compared, json.dumps(kept).encode())
    return leaks


def _joined(places: Sequence[Place], leaks: Sequence[Leak]) -> dict[Place, int]:
    """Group of each place: those with images that show the same ground share one."""
    number = {place: k for k, place in enumerate(sorted(set(places)))}
    pairs = [(number[places[leak.first]], number[places[leak.second]]) for leak in leaks]
    groups = joined(len(number), pairs)
    return {place: int(groups[k]) for place, k in number.items()}


def _told(
    units: Sequence[Unit],
    crossing: Sequence[Leak],
    chosen: Mapping[Place, str],
    options: Options,
    folder: Folder,
) -> str:
    """The message, with the first pairs; all of them go to a file."""

    def facts(k: int) -> tuple[str, str, str, str]:
        unit = units[k]
        return unit.dataset, unit.image.name, unit.image.place, chosen[place_of(unit)]

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"other_{name}" for name in _COLUMNS), "how", "found"])
    pairs = []
    for leak in crossing:
        first, second = facts(leak.first), facts(leak.second)
        writer.writerow([*first, *second, leak.how, leak.found])
        pairs.append(f"{first[0]} {first[1]} ({first[3]}) and {second[0]} {second[1]} ({second[3]})")
    folder.write(folder.root / LEAKS, table.getvalue().encode())
    more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
    named_apart = "name their places for one split"
    remedy = (
        named_apart if options.join_leaks else f"join such places (join_leaks), or {named_apart} (splits)"
    )
    return (
        f"{len(pairs)} pairs of images in different splits show the same ground: {'; '.join(pairs[:_NAMED])}{more}; "
        f"all pairs are in {folder.root / LEAKS}; {remedy}"
    )
