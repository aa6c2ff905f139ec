"""`apronwatch data …`: labelled datasets and synthetic scenes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch_datasets.dataset import Dataset

app = typer.Typer(
    help="Read labelled datasets, prepare training tiles, draw synthetic scenes.", no_args_is_help=True
)

_SHOWN_FAULTS = 20
_OUTCOMES = ("kept", "ignored", "background", "dropped")

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=ROOT...", help="Datasets: a name of `data list` and the folder that holds it."
    ),
]
OwnClasses = Annotated[
    Path | None,
    typer.Option(
        "--classes",
        help="A class map of your own (CSV: dataset, source_class, target, reason); its rows go first.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Workers = Annotated[int | None, typer.Option(min=1, help="How many work at once (default: one a core).")]


@app.command("list")
def list_(json: Json = False) -> None:
    """The datasets that can be read: what they label, how fine they are, on what terms."""
    from apronwatch_datasets.adapters import ADAPTERS, adapter

    cards = [adapter(name).CARD for name in ADAPTERS]
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


@app.command()
def verify(
    sources: Sources,
    strict: Annotated[bool, typer.Option("--strict", help="Fail (exit 2) if anything is wrong.")] = False,
    classes: OwnClasses = None,
    workers: Workers = None,
    json: Json = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print every fault, not the first 20 of a dataset.")
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


def loaded(source: str, classes: Path | None, workers: int | None) -> "Dataset":
    """The dataset of a `NAME=ROOT`.

    Raises:
        CallInvalid: it is not of that form, or the name is not known.
        DatasetInvalid, ClassMapInvalid: see `dataset.load`.
    """
    from apronwatch.engines.devices import usable_cores
    from apronwatch_datasets.adapters import adapter
    from apronwatch_datasets.dataset import load

    name, root = parsed(source)
    with output.progress(f"reading {name}") as advance:
        return load(
            adapter(name), root, own_classes=classes, workers=workers or usable_cores(), progress=advance
        )


def parsed(source: str) -> tuple[str, Path]:
    """Name and folder of a `NAME=ROOT`. Raises `CallInvalid` for anything else."""
    from apronwatch.errors import CallInvalid
    from apronwatch_datasets.adapters import adapter

    name, equals, root = source.partition("=")
    if not (name and equals and root):
        raise CallInvalid(
            f"{source!r}: expected NAME=ROOT, such as dota=/data/DOTA; `apronwatch data list` names them"
        )
    adapter(name)
    return name, Path(root)


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
    shown = dataset.faults if every else dataset.faults[:_SHOWN_FAULTS]
    for fault in shown:
        output.say(f"  {fault}")
    if len(shown) < len(dataset.faults):
        output.say(f"  … and {len(dataset.faults) - len(shown)} more: --all")


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
