"""`apronwatch data list` and `apronwatch data verify`."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch_datasets.cli.data.sources import Json, OwnClasses, Sources, Workers, loaded

if TYPE_CHECKING:
    from apronwatch_datasets.dataset import Dataset
    from apronwatch_datasets.faults import Fault

_SHOWN_OF_A_KIND = 5
_OUTCOMES = ("kept", "ignored", "background", "dropped")


def list_(
    name: Annotated[
        str | None, typer.Argument(help="One of them: what it is, how its folder must lie, its terms.")
    ] = None,
    json: Json = False,
) -> None:
    """The datasets that can be read: what they label, how fine they are, on what terms."""
    from apronwatch_datasets.adapters import ADAPTERS, adapter

    if name is not None and not json:
        output.say((adapter(name).__doc__ or "").strip())
        return
    cards = [adapter(each).CARD for each in ([name] if name else ADAPTERS)]
    if json:
        output.print_json(
            {
                "datasets": [
                    {
                        "name": c.name,
                        "title": c.title,
                        "url": c.url,
                        "citation": c.citation,
                        "licence": c.licence,
                        "gsd": c.gsd,
                        "annotated": sorted(c.annotated),
                    }
                    for c in cards
                ]
            }
        )
        return
    rows = [[c.name, c.title, c.gsd, ", ".join(sorted(c.annotated)) or "as its classes say"] for c in cards]
    output.print_table(["name", "dataset", "GSD", "labels completely"], rows)


def verify(
    sources: Sources,
    strict: Annotated[bool, typer.Option("--strict", help="Fail (exit 2) if anything is wrong.")] = False,
    classes: OwnClasses = None,
    workers: Workers = None,
    json: Json = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print every fault, not the first five of each kind.")
    ] = False,
) -> None:
    """Check datasets: name each fault with file and line, say what was mended and what was left out."""
    from apronwatch.errors import DatasetInvalid

    datasets = [loaded(source, classes, workers) for source in sources]
    if json:
        output.print_json({"datasets": [_plain(dataset) for dataset in datasets]})
    else:
        for dataset in datasets:
            _print_verified(dataset, every)
    faults = sum(len(dataset.faults) for dataset in datasets)
    if strict and faults:
        raise DatasetInvalid(
            f"{faults} faults, and --strict allows none; mend the files, or leave --strict out"
        )


def _print_verified(dataset: "Dataset", every: bool) -> None:
    from apronwatch_datasets.faults import counted

    output.say(f"{dataset.card.name}: {len(dataset.images)} images in {dataset.root}")
    rows = [
        [name, str(sum(fates.values())), *(str(fates[o]) if fates[o] else "-" for o in _OUTCOMES)]
        for name, fates in sorted(dataset.tally.items())
    ]
    output.print_table(["source class", "written", *_OUTCOMES], rows, right=range(1, 6))
    kinds = ", ".join(f"{n} {kind}" for kind, n in counted(dataset.faults).items())
    output.say(f"{len(dataset.faults)} faults" + (f": {kinds}" if kinds else ""))
    shown = dataset.faults if every else _first_of_each(dataset.faults)
    for fault in shown:
        output.say(f"  {fault}")
    if len(shown) < len(dataset.faults):
        output.say(f"  … and {len(dataset.faults) - len(shown)} more: --all")


def _first_of_each(faults: "Sequence[Fault]") -> "list[Fault]":
    """A few of every kind, in the order found: a thousand of one kind must not hide another."""
    seen: Counter[str] = Counter()
    shown = []
    for fault in faults:
        seen[fault.kind] += 1
        if seen[fault.kind] <= _SHOWN_OF_A_KIND:
            shown.append(fault)
    return shown


def _plain(dataset: "Dataset") -> dict[str, Any]:
    from apronwatch_datasets.faults import counted

    return {
        "name": dataset.card.name,
        "root": str(dataset.root),
        "images": len(dataset.images),
        "objects": {
            name: {"written": sum(fates.values()), **{o: fates[o] for o in _OUTCOMES}}
            for name, fates in sorted(dataset.tally.items())
        },
        "faults_by_kind": {kind.value: n for kind, n in counted(dataset.faults).items()},
        "faults": [fault.to_dict() for fault in dataset.faults],
    }
