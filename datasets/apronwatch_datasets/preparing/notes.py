"""What the user should know of a training set, a sentence each."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing.options import SPLITS, Options

_WITHOUT = {
    "train": "the set cannot be trained on",
    "val": "the set can be trained on, not validated",
    "test": "the set has nothing to be tested on",
}


def notes_of(
    parts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], options: Options
) -> list[str]:
    """What could surprise a user of these units' records and rows of the manifest."""
    notes: list[str] = []
    for dataset in dict.fromkeys(part["dataset"] for part in parts):
        own = [part for part in parts if part["dataset"] == dataset]
        notes += _of_dataset(
            dataset, own, {row["split"] for row in rows if row["dataset"] == dataset}, options
        )
    for split in SPLITS:
        tiles = [row for row in rows if row["split"] == split]
        if not tiles and split in _WITHOUT:
            notes.append(
                f"no tile fell to {split}: {_WITHOUT[split]}; a file of splits can name places for it"
            )
        if tiles and not any(row[f"objects_{name}"] for row in tiles for name in CLASSES):
            notes.append(
                f"no tile of {split} holds a labelled object: nothing can be learned or measured there"
            )
    return notes


def _of_dataset(
    dataset: str, parts: Sequence[Mapping[str, Any]], splits: set[str], options: Options
) -> Iterator[str]:
    if len({part["place"] for part in parts}) == 1:
        yield f"{dataset} has one place only: all of it is in {' '.join(splits) or 'no split'}"
    coarse = Counter(view for part in parts for view in part["too_coarse"])
    for view, number in sorted(coarse.items()):
        yield (
            f"{dataset}: {number} images are coarser than {options.max_upscale:g} times {view} and give no tiles there"
        )
    fates: dict[str, Counter[str]] = {}
    for part in parts:
        for view, classes in part["fates"].items():
            for counts in classes.values():
                fates.setdefault(view, Counter()).update(counts)
    for view, counts in sorted(fates.items()):
        lost = {fate: counts[fate] for fate in ("too_small", "cut", "ignored") if counts[fate]}
        if lost and not counts["labelled"]:
            told = ", ".join(f"{number} {fate.replace('_', ' ')}" for fate, number in lost.items())
            yield f"{dataset}: none of its objects is labelled at {view} ({told}): there is nothing to learn from"
