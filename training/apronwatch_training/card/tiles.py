"""Whether the record of prepared tiles can be that of the tiles that taught weights.

A registry entry tells no number of tiles. It tells which places taught nothing and which tuned, which classes were
learned, and from which datasets; later runs may have added datasets and places that these tiles do not have.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from apronwatch.engines import ModelSpec
from apronwatch.errors import CallInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import ADAPTERS
from apronwatch_datasets.preparing import Prepared
from apronwatch_datasets.preparing.files import RECORD
from apronwatch_training.export.describing import UNKNOWN
from apronwatch_training.export.learned import titles
from apronwatch_training.known import some
from apronwatch_training.sources import kind_of

Rows = Sequence[Mapping[str, Any]]


def read_tiles(model: ModelSpec, data: Path) -> Prepared:
    """The record of the tiles that taught weights.

    Args:
        model: the weights.
        data: prepared.json with the manifest beside it, or their folder.

    Raises:
        CallInvalid: these tiles did not teach them.
        DatasetInvalid: there is no record, or it is damaged.
    """
    if not data.is_dir() and data.name != RECORD:
        raise CallInvalid(f"{data}: give the {RECORD} of the tiles that taught the weights, or its folder")
    prepared = Prepared.read(data if data.is_dir() else data.parent)
    rows = prepared.rows()
    train = [row for row in rows if row["split"] == "train"]
    contradiction = (
        _of_the_record(prepared, rows)
        or _of_datasets(model, {kind_of(row["dataset"]) for row in train})
        or _of_places(model, rows, train)
        or _of_classes(model, train)
    )
    if contradiction:
        raise CallInvalid(f"{prepared.root}: {contradiction}; give the tiles that taught these weights")
    return prepared


def _of_the_record(prepared: Prepared, rows: Rows) -> str | None:
    told = {split: (n["tiles"], *(n["labels"][c] for c in CLASSES)) for split, n in prepared.splits.items()}
    found = {}
    for split in {row["split"] for row in rows}:
        of = [row for row in rows if row["split"] == split]
        found[split] = (len(of), *(sum(row[f"objects_{c}"] for row in of) for c in CLASSES))
    if told == found:
        return None
    return f"{RECORD} and the manifest beside it count other tiles and labels, so they are not of one set"


def _of_datasets(model: ModelSpec, shown: set[str]) -> str | None:
    """Datasets of other runs may have taught besides; a run may have left out some of its tiles' own."""
    if model.held_out is not None:
        taught = set(model.held_out)
        names = (sorted(shown), sorted(taught))
        strange = not shown & taught
    else:
        taught = set(model.data.split("; ")) - {UNKNOWN}
        names = (titles(sorted(shown)), sorted(taught))
        as_exported = taught <= set(titles(ADAPTERS))  # else in words of one's own
        strange = as_exported and not set(names[0]) & taught
    if not strange:
        return None
    return f"training tiles of {_listed(names[0])}, and {model.name} learned from {_listed(names[1])}"


def _of_places(model: ModelSpec, rows: Rows, train: Rows) -> str | None:
    if model.held_out is None:
        return None
    showing = _places(train)
    unseen = sorted(f"{d}/{p}" for d, p in showing if p in model.held_out.get(d, ()))
    if unseen:
        return (
            f"its training tiles show {some(unseen)}, which {model.name} never saw, says its registry entry"
        )
    kinds = {dataset for dataset, _ in showing} & set(model.held_out)
    tuning = _places(row for row in rows if row["split"] == "val")
    strange = sorted(f"{d}/{p}" for d, p in tuning if d in kinds and p not in model.validated_on.get(d, ()))
    if strange:
        return f"its validation tiles show {some(strange)}, which did not tune {model.name}, says its registry entry"
    return None


def _of_classes(model: ModelSpec, train: Rows) -> str | None:
    unknown = [c for c in model.classes if not any(row[f"objects_{c}"] for row in train)]
    return f"no training tile shows any {_listed(unknown)}, which {model.name} counts" if unknown else None


def _places(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(kind_of(row["dataset"]), row["place"]) for row in rows}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
