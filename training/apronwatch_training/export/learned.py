"""What weights learned from, as a registry entry tells it: the record of their tiles, and what they began with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apronwatch.errors import ConfigInvalid, TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.sources import card_of, is_tile_drawn, kind_of

LEAST_LABELS = 100
"""A class with fewer labels to learn from is not modelled: its zeros would mean nothing."""

Places = Mapping[str, frozenset[str]]
"""Dataset -> places."""

TrainingTiles = Mapping[tuple[Path, str], Mapping[str, Any]]
"""Folder and name -> row of the manifest."""


@dataclass(frozen=True)
class Learned:
    """What the training tiles of a run taught, and of the runs before it.

    Attributes:
        labels: class -> labels in training tiles; only classes with `LEAST_LABELS` or more, some of them in the
            tiles of the run itself: what a network was shown before alone, it may have forgotten.
        too_few: class -> labels, of the others that have any; 0 of one that only earlier runs were shown.
        gsds_m: class -> least, usual (median over labels) and greatest GSD of the training tiles with a label of it;
            classes of unknown GSD are missing.
        drawn: classes learned from drawn scenes alone.
        min_px: shorter objects were left out of the training.
        datasets: names of those that taught, as the command line calls them.
        held_out, validated_on: of the run's own tiles, see `ModelSpec`.
    """

    labels: Mapping[str, int]
    too_few: Mapping[str, int]
    gsds_m: Mapping[str, tuple[float, float, float]]
    drawn: frozenset[str]
    min_px: float
    datasets: tuple[str, ...]
    held_out: Places
    validated_on: Places


def training_tiles(prepared: Prepared, chosen: frozenset[str] | None = None) -> TrainingTiles:
    """The training tiles of a folder, or those of them that a run chose.

    Raises:
        TilesInvalid: the manifest does not know a tile that was chosen.
    """
    rows = {row["tile"]: row for row in prepared.rows() if row["split"] == "train"}
    unknown = sorted((chosen or frozenset()) - set(rows))
    if unknown:
        raise TilesInvalid(
            f"{prepared.root}: lacks {unknown[0]}, one of the {len(unknown)} tiles that the run used and the manifest "
            "does not know; give the tiles that it learned from"
        )
    root = prepared.root.resolve()
    return {(root, name): row for name, row in rows.items() if chosen is None or name in chosen}


def learned(
    prepared: Prepared, chosen: frozenset[str] | None = None, earlier: TrainingTiles | None = None
) -> Learned:
    """From the manifest of the tiles.

    Args:
        prepared: the tiles.
        chosen: names of the training tiles that the run used; None for all.
        earlier: the training tiles of the runs that it began with.

    Raises:
        ConfigInvalid: no class has enough labels.
        TilesInvalid: the manifest does not know a tile that was chosen.
    """
    rows = prepared.rows()
    ours = training_tiles(prepared, chosen)
    train = list({**(earlier or {}), **ours}.values())
    own = {name: sum(row[f"objects_{name}"] for row in ours.values()) for name in CLASSES}
    every = {name: sum(row[f"objects_{name}"] for row in train) for name in CLASSES}
    counts = {name: n if own[name] else 0 for name, n in every.items()}
    labels = {name: n for name, n in counts.items() if n >= LEAST_LABELS}
    if not labels:
        raise ConfigInvalid(
            f"{prepared.root}: {sum(counts.values())} training labels, no class has {LEAST_LABELS}: too few to say "
            "what weights know; give the tiles that they learned from"
        )
    names = tuple(sorted({kind_of(row["dataset"]) for row in ours.values()}))
    return Learned(
        labels=labels,
        too_few={name: n for name, n in counts.items() if every[name] and n < LEAST_LABELS},
        gsds_m={name: gsds for name in labels if (gsds := _gsds(train, name))},
        drawn=frozenset(
            name for name in labels if all(is_tile_drawn(row) for row in train if row[f"objects_{name}"])
        ),
        min_px=float(prepared.document["options"]["min_px"]),
        datasets=tuple(sorted({kind_of(row["dataset"]) for row in train})),
        held_out={
            name: _places(rows, name, ("val", "test", "calibration")) - _places(rows, name, ("train",))
            for name in names
        },
        validated_on={
            name: found
            for name in sorted({kind_of(row["dataset"]) for row in rows if row["split"] == "train"})
            if (found := _places(rows, name, ("val",)))
        },
    )


def held_out_together(taught: Learned, start: tuple[Places, Places]) -> tuple[Places, Places]:
    """Places that neither the tiles nor the weights that a run began with taught, and those that tuned either.

    Args:
        taught: of the run's tiles.
        start: `held_out` and `validated_on` of the weights that it began with.

    Returns:
        `held_out` and `validated_on` of a registry entry.
    """
    held_out, validated_on = start
    held = {
        name: frozenset.intersection(*(p[name] for p in (taught.held_out, held_out) if name in p))
        for name in {*taught.held_out, *held_out}
    }
    tuned = {
        name: taught.validated_on.get(name, frozenset()) | validated_on.get(name, frozenset())
        for name in {*taught.validated_on, *validated_on}
    }
    return held, tuned


def titles(datasets: Iterable[str]) -> list[str]:
    """Datasets by the names that their authors gave them."""
    return [card.title if (card := card_of(name)) else name for name in datasets]


def licences(datasets: Iterable[str]) -> list[str]:
    """The terms of datasets, each as its owners state them."""
    return [f"{card.title}: {card.licence}" if (card := card_of(name)) else name for name in datasets]


def _gsds(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[float, float, float] | None:
    """Least, label-weighted median and greatest GSD of the tiles that show a class."""
    at: Counter[float] = Counter()
    for row in rows:
        if row["gsd_m"] is not None and row[f"objects_{name}"]:
            at[row["gsd_m"]] += row[f"objects_{name}"]
    ordered = sorted(at.elements())
    return (ordered[0], ordered[len(ordered) // 2], ordered[-1]) if ordered else None


def _places(rows: Sequence[Mapping[str, Any]], dataset: str, splits: Sequence[str]) -> frozenset[str]:
    return frozenset(
        row["place"] for row in rows if kind_of(row["dataset"]) == dataset and row["split"] in splits
    )
