"""Which place goes to which split. Places go whole: images of one place never part."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from apronwatch.errors import CallInvalid
from apronwatch_datasets.preparing.options import SPLITS, Options

COLUMNS = ("dataset", "place", "split")
SHARED = SPLITS[:3]

Place = tuple[str, str]
"""Dataset and place."""


def read_splits(path: Path, places: Sequence[Place]) -> dict[Place, str]:
    """The splits that a file names; rows of datasets that are not prepared say nothing here.

    Raises:
        CallInvalid: other columns, an unknown split, a place named twice, or one that its dataset does not have.
    """
    rows = split_rows(path)
    known, datasets = set(places), {dataset for dataset, _ in places}
    named: dict[Place, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(COLUMNS) or row[2] not in SPLITS:
            raise CallInvalid(f"{path}:{number}: {','.join(row)}; expected dataset,place and one of {SPLITS}")
        place = row[0], row[1]
        if place[0] in datasets and place not in known:
            raise CallInvalid(f"{path}:{number}: {row[0]} has no place {row[1]!r}; correct or remove the row")
        if place in named:
            raise CallInvalid(f"{path}:{number}: place {row[1]!r} of {row[0]} is named twice; keep one row")
        named[place] = row[2]
    return {place: split for place, split in named.items() if place in known}


def split_rows(path: Path) -> list[list[str]]:
    """The rows of a file of splits, its first line among them.

    Raises:
        CallInvalid: it cannot be read, or has other columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CallInvalid(f"{path}: cannot be read as CSV ({error}); expected {','.join(COLUMNS)}") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise CallInvalid(f"{path}: its first line is not {','.join(COLUMNS)}; write it so")
    return rows


def assign(
    weights: Mapping[Place, int], groups: Mapping[Place, int], named: Mapping[Place, str], options: Options
) -> dict[Place, str]:
    """The split of each place.

    Within each dataset, groups of places come in an order drawn by the seed, and each goes to the split that lacks
    most of its share. A dataset with a single group goes to train. Groups with a named place follow it.

    Args:
        weights: tiles of each place.
        groups: places of one group stay together. Where names send them apart, each goes where it is named.
        named: what the user decided.
        options: seed, shares, and where the rest goes.
    """
    members: dict[int, list[Place]] = {}
    for place in sorted(weights):
        members.setdefault(groups[place], []).append(place)
    chosen: dict[Place, str] = {}
    free: dict[str, list[list[Place]]] = {}
    for group in members.values():
        told = sorted({named[place] for place in group if place in named}, key=SPLITS.index)
        if told:
            chosen |= {place: named.get(place, told[0]) for place in group}
        else:
            free.setdefault(group[0][0], []).append(group)
    for found in free.values():
        if options.rest == "train":
            chosen |= {place: "train" for group in found for place in group}
        else:
            chosen |= _by_share(found, weights, options)
    return chosen


def _by_share(
    groups: Sequence[Sequence[Place]], weights: Mapping[Place, int], options: Options
) -> dict[Place, str]:
    if len(groups) == 1:
        return dict.fromkeys(groups[0], "train")
    tiles = [sum(weights[place] for place in group) for group in groups]
    lacking = [share * sum(tiles) for share in options.shares]
    chosen: dict[Place, str] = {}
    for k in sorted(range(len(groups)), key=lambda k: _drawn(groups[k][0], options.seed)):
        split = max(range(len(SHARED)), key=lambda s: (lacking[s], -s))
        lacking[split] -= tiles[k]
        chosen |= dict.fromkeys(groups[k], SHARED[split])
    return chosen


def _drawn(place: Place, seed: int) -> bytes:
    return hashlib.sha256("\0".join((str(seed), *place)).encode()).digest()
