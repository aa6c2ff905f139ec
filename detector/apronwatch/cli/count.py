"""`apronwatch count`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apronwatch.survey import SceneOutcome


SYNTHETIC = "Some of these pictures are synthetic: drawn, not taken."
"""What every table of numbers says where some of them are of no real place."""


def count(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE…", help="Rasters, addresses (http, https) or STAC items."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="CSV of scenes: path, and any of time, gsd, site, mask, mask_hides, item_mask, acquisition."
        ),
    ] = None,
    sites: Annotated[Path | None, typer.Option(help="Site file: GeoJSON of zones.")] = None,
    site: Annotated[
        str | None,
        typer.Option(help="One site of the site file; without a site file, the whole picture's name."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Time of acquisition, ISO 8601 (UTC unless it says otherwise).")
    ] = None,
    undated: Annotated[
        bool, typer.Option("--undated", help="Count without a time; kept out of every series.")
    ] = False,
    gsd: Annotated[
        float | None, typer.Option(help="Metres of one pixel, for pictures without georeference.")
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="Raster or polygons of what is hidden (clouds); UDM2 and SCL are known."),
    ] = None,
    mask_hides: Annotated[
        str | None, typer.Option(help="Values of a mask of classes that hide, such as 3,8,9,10.")
    ] = None,
    no_item_mask: Annotated[
        bool, typer.Option("--no-item-mask", help="Leave out the cloud masks that a STAC item names.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Name in the registry, or a weights file.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Use weights that no registry names.")] = False,
    archive: Annotated[
        str | None,
        typer.Option(help="File or database URL. [default: $APRONWATCH_ARCHIVE, or apronwatch.sqlite]"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or tensorrt:N.")] = "auto",
    classes: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    by_size: output.BySizeOption = False,
    stac: Annotated[
        Path | None, typer.Option(help="Write a STAC item for each dated run into this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> int:
    """Detect, count in the zones of each site, and archive: a table of what each scene shows."""
    from apronwatch.cli.requests import gather, hiding, named_sites
    from apronwatch.counts import checked_classes
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.sizing import check_sized
    from apronwatch.survey import survey
    from apronwatch.taxonomy import CLASSES
    from apronwatch.version import __version__

    wanted = (
        checked_classes([name.strip() for name in classes.split(",")]) if classes is not None else CLASSES
    )
    if by_size:
        check_sized(wanted)
    if stac is not None:
        from apronwatch.interchange.stac import check_items_folder

        check_items_folder(stac)
    requests = gather(
        images or [],
        manifest,
        site=site,
        time=time,
        undated=undated,
        gsd_m=gsd,
        mask=mask and str(mask),
        mask_hides=hiding(mask_hides),
        no_item_mask=no_item_mask,
    )
    places = named_sites(sites, site)
    engine = load_engine(find_model(model, trust=trust), device)
    with output.progress("counting") as advance:
        outcomes = list(
            survey(
                requests,
                engine,
                sites=places,
                archive=archive,
                classes=wanted,
                by_size=by_size,
                progress=lambda path, done, total: advance(done, total),
            )
        )
    if stac is not None:
        _write_stac(outcomes, archive, stac)
    if json:
        output.print_json({"apronwatch": __version__, "scenes": [o.to_dict() for o in outcomes]})
    else:
        _print(outcomes)
    for outcome in outcomes:
        for reason in outcome.reasons:
            output.print_warning(f"{outcome.scene.path}: {reason}")
    return 1 if any(_broken(o) for o in outcomes) else 0


def _write_stac(outcomes: "list[SceneOutcome]", archive: str | None, folder: Path) -> None:
    from apronwatch.archive import Archive
    from apronwatch.interchange.stac import write_run_items

    with Archive.open(archive, create=False) as store:
        write_run_items([store.run(run_id) for outcome in outcomes for run_id in outcome.run_ids], folder)


def _broken(outcome: "SceneOutcome") -> bool:
    return outcome.status.value == "failed" or any(r.startswith("not_archived") for r in outcome.reasons)


def _print(outcomes: "list[SceneOutcome]") -> None:
    from apronwatch.report.words import mask_note

    estimates = any(c.low is not None for o in outcomes for c in o.counts)
    said_below = output.said_below(c for o in outcomes for c in o.counts)
    header = [
        "time (UTC)",
        "scene",
        "site",
        "zone",
        "class",
        "seen",
        "there, 90 %",
        "observed",
        "status",
        "also",
    ]
    rows = [row for o in outcomes for row in _rows(o, said_below)]
    if not estimates:
        for row in (header, *rows):
            del row[6]
    output.print_table(header, rows, right=(5, 6, 7) if estimates else (5, 6))
    if any(c.by_size is not None for o in outcomes for c in o.counts):
        output.say(f"\n{output.sizes_note()}")
    unknown = output.unknown_note(c for o in outcomes for c in o.counts)
    if unknown:
        output.say(f"\n{unknown}")
    unmasked = mask_note(((n, c) for n, o in enumerate(outcomes) for c in o.counts), "scene")
    if unmasked:
        output.say(f"\n{unmasked} Give one with --mask.")
    for name, terms in sorted({(o.model.name, o.model.terms) for o in outcomes}):
        output.say(f"\nweights: {name}. {terms}".rstrip())
    if any(o.scene.synthetic for o in outcomes):
        output.say(SYNTHETIC)


def _rows(outcome: "SceneOutcome", said_below: "Sequence[str]") -> list[list[str]]:
    """A line a count, and one for each size group of it; the total of a site of one zone would only repeat it."""
    zones = {(c.site, c.zone) for c in outcome.counts}
    alone = {site for site, _ in zones if len([1 for other, _ in zones if other == site]) == 2}
    name = Path(outcome.scene.path).name
    rows = []
    for c in outcome.counts:
        if c.status.value == "not_modelled" or (c.zone == "*" and c.site in alone):
            continue
        observed = "-" if c.observed_fraction is None else f"{100 * c.observed_fraction:.1f} %"
        when = output.moment(outcome.scene.time, outcome.scene.time_precision)
        for said in output.sayings(c, said_below):
            words = [when, name, c.site, c.zone, said.what, said.seen, said.there, observed]
            rows.append([*words, c.status.value, said.also])
    return rows
