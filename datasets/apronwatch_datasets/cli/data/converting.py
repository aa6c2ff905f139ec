"""`apronwatch data convert`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from apronwatch.cli import output
from apronwatch_datasets.cli.data.sources import OwnClasses, Workers, loaded


def convert(
    source: Annotated[str, typer.Argument(metavar="NAME=ROOT", help="A dataset.")],
    to: Annotated[str, typer.Option(help="coco, yolo, yolo-obb, voc or dota-text.")],
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    names: Annotated[
        Literal["source", "ours"], typer.Option(help="The dataset's own classes, or our five.")
    ] = "source",
    link: Annotated[
        bool, typer.Option("--link", help="Hard-link the images instead of copying them.")
    ] = False,
    classes: OwnClasses = None,
    workers: Workers = None,
) -> None:
    """Write a dataset in another plain format; what that format cannot hold is said."""
    from apronwatch_datasets.convert import convert as run

    dataset = loaded(source, classes, workers)
    with output.progress("converting") as advance:
        remarks = run(dataset, to, out, classes=names, link=link, progress=advance)
    for remark in remarks:
        output.print_warning(remark)
    if dataset.faults:
        output.print_warning(
            f"{len(dataset.faults)} faults were mended or left out: apronwatch data verify {source}"
        )
    output.say(f"{len(dataset.images)} images in {out} as {to}")
