"""`apronwatch data stats`, `look` and `open`."""

from pathlib import Path
from typing import Annotated

import typer

from apronwatch.cli import output
from apronwatch_datasets.cli.data.sources import Json, OwnClasses, SourcesOrTiles, Workers, images_of


def stats(
    sources: SourcesOrTiles,
    out: Annotated[Path | None, typer.Option(help="Draw it, too (PNG).")] = None,
    classes: OwnClasses = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Objects per class, their sizes, ground sample distances and places: a table and a picture."""
    from apronwatch_datasets.stats import dataset_stats

    found = [dataset_stats(name, images) for name, images in images_of(sources, classes, workers).items()]
    if out is not None:
        from apronwatch_datasets.stats_chart import draw_stats

        draw_stats(found, out)
    if json:
        output.print_json({"datasets": [each.to_dict() for each in found]})
        return
    rows = [
        [
            each.name,
            kind.class_name or "(none of ours)",
            str(kind.objects),
            str(kind.difficult),
            str(kind.ignored),
            str(kind.images),
            str(kind.places),
            "-"
            if kind.size_m is None
            else f"{kind.size_m.median:.1f} ({kind.size_m.low:.1f} to {kind.size_m.high:.1f})",
            "-"
            if kind.size_px is None
            else f"{kind.size_px.median:.0f} ({kind.size_px.low:.0f} to {kind.size_px.high:.0f})",
        ]
        for each in found
        for kind in each.classes
    ]
    header = [
        "dataset",
        "class",
        "objects",
        "difficult",
        "ignored",
        "images",
        "places",
        "length, m",
        "length, px",
    ]
    output.print_table(header, rows, right=range(2, 7))
    output.say("length: median (5 % to 95 %) of the longer side; of horizontal labels a bound")
    if out is not None:
        output.say(str(out))


def look(
    sources: SourcesOrTiles,
    out: Annotated[Path, typer.Option(help="The contact sheet (PNG).")],
    cells: Annotated[int, typer.Option(min=1, max=400, help="Pictures on the sheet.")] = 24,
    seed: Annotated[int, typer.Option(help="Another seed, other pictures.")] = 0,
    classes: OwnClasses = None,
    workers: Workers = None,
) -> None:
    """Draw a contact sheet: parts of the images with their boxes, to see whether the labels are right."""
    from apronwatch_datasets.look import contact_sheet

    contact_sheet(images_of(sources, classes, workers), out, cells=cells, seed=seed)
    output.say(str(out))


def open_(
    sources: SourcesOrTiles,
    name: Annotated[str, typer.Option(help="Of the FiftyOne dataset.")] = "apronwatch",
    launch: Annotated[bool, typer.Option(help="Open the App; otherwise only make the dataset.")] = True,
    port: Annotated[int, typer.Option(help="Of the App on this machine.")] = 5151,
    classes: OwnClasses = None,
    workers: Workers = None,
) -> None:
    """Open labelled images in FiftyOne."""
    from apronwatch_datasets.fiftyone_view import open_in_fiftyone

    images = images_of(sources, classes, workers)
    with output.progress("opening") as advance:
        dataset = open_in_fiftyone(images, name, launch=launch, port=port, progress=advance)
    if not launch:
        output.say(f"{len(dataset)} samples in the FiftyOne dataset {name}: fiftyone app launch {name}")
