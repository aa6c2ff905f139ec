"""What the commands of `data` share: datasets as `NAME=ROOT`, or a folder of prepared tiles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch_datasets.dataset import Dataset
    from apronwatch_datasets.records import LabelledImage

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=ROOT...", help="Datasets: a name of `data list` and the folder that holds it."
    ),
]
SourcesOrTiles = Annotated[
    list[str],
    typer.Argument(metavar="NAME=ROOT|TILES...", help="Datasets as NAME=ROOT, or folders of prepared tiles."),
]
OwnClasses = Annotated[
    Path | None,
    typer.Option(
        "--classes",
        help="A class map of your own (CSV: dataset, source_class, target, reason, complete); its rows go before ours.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Workers = Annotated[int | None, typer.Option(min=1, help="How many work at once (default: one a core).")]


def parsed(source: str) -> tuple[str, Path]:
    """Name and folder of a `NAME=ROOT`.

    Raises:
        CallInvalid: it is not of that form, or no dataset is called so.
    """
    from apronwatch.errors import CallInvalid
    from apronwatch_datasets.adapters import adapter

    name, equals, root = source.partition("=")
    if not (name and equals and root):
        raise CallInvalid(
            f"{source!r}: expected NAME=ROOT, such as dota=/data/DOTA; `apronwatch data list` gives the names"
        )
    adapter(name)
    return name, Path(root)


def loaded(source: str, classes: Path | None, workers: int | None) -> "Dataset":
    """The dataset of a `NAME=ROOT`, read, checked and mended.

    Raises:
        CallInvalid: see `parsed`.
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


def images_of(
    sources: list[str], classes: Path | None, workers: int | None
) -> "dict[str, list[LabelledImage]]":
    """Labelled images by the name of their dataset; of a folder of tiles, by the dataset they were cut from.

    Raises:
        CallInvalid: a source is neither `NAME=ROOT` nor a folder.
        DatasetInvalid, ClassMapInvalid: see `dataset.load`, `preparing.read_prepared`.
    """
    from apronwatch_datasets.preparing import read_prepared

    images: dict[str, list[LabelledImage]] = {}
    for source in sources:
        if Path(source).is_dir():
            for tile in read_prepared(Path(source)):
                images.setdefault(f"{tile.place.partition('/')[0]} (tiles)", []).append(tile)
        else:
            dataset = loaded(source, classes, workers)
            images.setdefault(dataset.card.name, []).extend(dataset.images)
    return images
