"""`apronwatch data prepare`, `pack` and `unpack`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output
from apronwatch_datasets.cli.data.sources import OwnClasses, Sources, Workers, parsed

if TYPE_CHECKING:
    from apronwatch_datasets.preparing import Need, Prepared
    from apronwatch_datasets.preparing.loading import Progress


Out = Annotated[
    Path, typer.Option(help="Folder of the training set: new, empty, or the same one interrupted.")
]
Gsd = Annotated[str, typer.Option(help="Metres of a tile's pixel; several by commas. 1.2 is the ship pass.")]
Tile = Annotated[int, typer.Option(help="Side of a tile in pixels.")]
Overlap = Annotated[
    int | None,
    typer.Option(help="Shared by neighbouring tiles, in pixels (default: fits the longest aircraft)."),
]
Splits = Annotated[
    Path | None,
    typer.Option(help="CSV dataset,place,split: places that must go to train, val, test or calibration."),
]
Rest = Annotated[str, typer.Option(help="Places that --splits does not name: by `share`, or all to `train`.")]
Shares = Annotated[str, typer.Option(help="Shares of train, val and test, place by place.")]
Seed = Annotated[int, typer.Option(help="Of the splits and of the choice of backgrounds.")]
Format = Annotated[str, typer.Option("--format", help="png (exact) or jpg (quality 95).")]
Backgrounds = Annotated[float, typer.Option(help="Share of tiles without any object that is kept.")]
MaxUpscale = Annotated[
    float, typer.Option(help="Images coarser than this many times a GSD are left out for it.")
]
MinPx = Annotated[float, typer.Option(help="Shorter objects become regions to ignore.")]
JoinLeaks = Annotated[
    bool,
    typer.Option("--join-leaks", help="Hold places that show the same ground for one, instead of stopping."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at any fault of a dataset.")]


def prepare(
    sources: Sources,
    out: Out,
    gsd: Gsd = "0.3",
    tile: Tile = 1024,
    overlap: Overlap = None,
    splits: Splits = None,
    rest: Rest = "share",
    shares: Shares = "0.8,0.1,0.1",
    seed: Seed = 0,
    image_format: Format = "png",
    backgrounds: Backgrounds = 1.0,
    max_upscale: MaxUpscale = 2.0,
    min_px: MinPx = 6.0,
    join_leaks: JoinLeaks = False,
    strict: Strict = False,
    classes: OwnClasses = None,
    workers: Workers = None,
) -> None:
    """Cut labelled images into training tiles: resampled, split by place, checked for leaks."""
    from apronwatch.engines.devices import usable_cores
    from apronwatch_datasets.preparing import Options, Source
    from apronwatch_datasets.preparing import prepare as run

    options = Options(
        gsds_m=_numbers(gsd, "--gsd"),
        tile_px=tile,
        overlap_px=overlap,
        seed=seed,
        shares=_numbers(shares, "--shares"),  # type: ignore[arg-type]  # their number is checked there
        splits=splits,
        rest=rest,
        image_format=image_format,
        backgrounds=backgrounds,
        max_upscale=max_upscale,
        min_px=min_px,
        own_classes=classes,
        workers=workers or usable_cores(),
        strict=strict,
        join_leaks=join_leaks,
    )
    read = [Source(*parsed(source)) for source in sources]
    with stages() as advance:
        made = run(read, out, options, progress=advance, announce=_announce)
    _print_prepared(made)


@contextmanager
def stages() -> Iterator["Progress"]:
    """A progress bar of its own for each stage of the work, under the stage's name."""
    with ExitStack() as bar:
        shown, advance = "", None

        def told(stage: str, done: int, total: int) -> None:
            nonlocal shown, advance
            if advance is None or stage != shown:
                bar.close()
                shown, advance = stage, bar.enter_context(output.progress(stage))
            advance(done, total)

        yield told


def pack(
    tiles: Annotated[Path, typer.Argument(help="A folder that `data prepare` finished.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    max_mb: Annotated[float, typer.Option(help="It may be no larger, in 10^6 bytes.")] = 64.0,
    quality: Annotated[
        int, typer.Option(help="JPEG quality at best; lowered in steps until the file is small enough.")
    ] = 90,
    split: Annotated[str | None, typer.Option(help="Only the tiles of this split.")] = None,
) -> None:
    """Put a training set into one file, to move it to another machine."""
    from apronwatch_datasets.preparing import pack as run

    packed = run(tiles, out, max_mb, quality, split)
    output.say(
        f"{packed.path}: {packed.tiles} tiles, JPEG quality {packed.quality}, {packed.bytes_on_disk / 1e6:.1f} MB"
    )


def unpack(
    file: Annotated[Path, typer.Argument(help="A file that `data pack` wrote.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
) -> None:
    """Make a packed training set a folder again; every tile is checked."""
    from apronwatch_datasets.preparing import unpack as run

    _print_prepared(run(file, out))


def _numbers(text: str, option: str) -> tuple[float, ...]:
    from apronwatch.errors import CallInvalid

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise CallInvalid(f"{option} {text!r}; expected numbers separated by commas") from error


def _announce(need: "Need") -> None:
    output.say(
        f"{need.images} images, at most {need.tiles} tiles and {need.bytes_on_disk / 1e6:,.0f} MB on disk"
    )


def _print_prepared(made: "Prepared") -> None:
    from apronwatch.taxonomy import CLASSES

    rows = []
    for split, facts in made.splits.items():
        objects = facts["labels"]
        rows.append(
            [split, str(facts["tiles"]), str(facts["places"]), *(str(objects.get(c, 0)) for c in CLASSES)]
        )
    output.print_table(["split", "tiles", "places", *CLASSES], rows, right=range(1, 3 + len(CLASSES)))
    for note in made.notes:
        output.print_warning(note)
    output.say(
        f"{made.root}: train on {made.root / 'data.yaml'}; what became of each object is in prepared.json"
    )
