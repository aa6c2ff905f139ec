"""`apronwatch series`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch.cli.archive import ArchiveOption
from apronwatch.cli.count import SYNTHETIC

if TYPE_CHECKING:
    from apronwatch.archive import SeriesRow
    from apronwatch.counts import Count

NOTHING = "-"
"""What a table shows where nothing can be said: never a 0."""


def series(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Its id in the archive.")],
    class_name: Annotated[str | None, typer.Option("--class", help="Only this class.")] = None,
    zone: Annotated[str | None, typer.Option(help="Only this zone; * is the whole site.")] = None,
    by_size: output.BySizeOption = False,
    model: Annotated[str | None, typer.Option(help="Only runs of these weights, by name or SHA-256.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the chart to this file (.png, .svg, .pdf).")] = None,
    archive: ArchiveOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Counts of a site over time: one look for each acquisition, from the run last asked for."""
    from apronwatch.archive import Archive
    from apronwatch.version import __version__

    if by_size and class_name is not None:
        from apronwatch.counts import checked_classes
        from apronwatch.sizing import check_sized

        check_sized(checked_classes([class_name]))
    _check_outputs(csv, plot)
    with Archive.open(archive, create=False) as opened:
        rows = opened.series(site, zone=zone, class_name=class_name, model=model)
        if by_size:
            from apronwatch.sizing import series_with_sizes

            rows = series_with_sizes(opened, rows)
        family: list[SeriesRow] = []
        if plot is not None:
            from apronwatch.changes import family_rows

            family, _ = family_rows(opened, model, site=site)
    if csv is not None:
        from apronwatch.interchange.counts_csv import write_counts_csv

        write_counts_csv(rows, csv, by_size=by_size)
    if plot is not None:
        from apronwatch.changes import find_changes
        from apronwatch.report.changes import standing
        from apronwatch.report.chart import draw_series

        # Whatever is drawn, an alarm stands among all tests of its day, as `apronwatch changes` says it.
        alarms = standing(find_changes(family).of_site(site))
        draw_series(rows, plot, title=site, zone=zone or "*", alarms=alarms)
    if json:
        output.print_json({"apronwatch": __version__, "site": site, "rows": [_as_json(row) for row in rows]})
    else:
        _print(rows)


def _check_outputs(csv: Path | None, plot: Path | None) -> None:
    """Both files can be written, before either is."""
    if csv is not None:
        from apronwatch.interchange.files import check_folder

        check_folder(csv)
    if plot is not None:
        from apronwatch.report.chart import check_chart

        check_chart(plot)


def _as_json(row: "SeriesRow") -> dict[str, Any]:
    return {
        "time": output.iso(row.time),
        "time_precision": row.time_precision,
        **row.count.to_dict(),
        "scene": {
            "path": row.scene_path,
            "sha256": row.scene_sha256,
            "identity": row.scene_identity,
            "gsd_m": row.gsd_m,
            "synthetic": row.synthetic,
        },
        "run": row.run_id,
        "runs": list(row.run_ids),
        "model": {"name": row.model_name, "sha256": row.model_sha256},
        "geometry_sha256": row.geometry_sha256,
    }


def _print(rows: "list[SeriesRow]") -> None:
    from apronwatch.report.words import mask_note

    if not rows:
        output.print_warning("no look at this site has a time; `apronwatch archive redate` gives it one")
    models = len({row.model_sha256 for row in rows}) > 1
    known = [row for row in rows if row.count.status.value != "not_modelled"]
    estimates = any(row.count.low is not None for row in rows)
    said_below = output.said_below(row.count for row in rows)
    output.print_table(
        (
            "time",
            *(["model"] if models else []),
            *("zone", "class", "seen"),
            *(["there, 90 %"] if estimates else []),
            *("observed %", "status", "reasons"),
        ),
        [
            (
                output.moment(row.time, row.time_precision),
                *([_weights(row)] if models else []),
                row.count.zone,
                said.what,
                said.seen,
                *([said.there] if estimates else []),
                NOTHING
                if row.count.observed_fraction is None
                else f"{row.count.observed_fraction * 100:.1f}",
                row.count.status.value,
                said.also,
            )
            for row in known
            for said in output.sayings(row.count, said_below)
        ],
        right=[models + column for column in ((3, 4, 5) if estimates else (3, 4))],
    )
    if any(row.count.by_size is not None for row in rows):
        output.say(f"\n{output.sizes_note()}")
    if any(row.synthetic for row in rows):
        output.say(f"\n{SYNTHETIC}")
    unmasked = mask_note((row.run_id, row.count) for row in rows)
    if unmasked:
        output.say(f"\n{unmasked}")
    for note in _unknown(rows):
        output.say(f"\n{note}")


def _weights(row: "SeriesRow") -> str:
    return f"{row.model_name} {row.model_sha256[:8]}"


def _unknown(rows: "list[SeriesRow]") -> list[str]:
    """A line for the weights, or for each of several, that do not know a class; its rows stand in no table."""
    counts: dict[str, list[Count]] = {}
    for row in rows:
        counts.setdefault(_weights(row), []).append(row.count)
    if len(counts) == 1:
        return [note for of in counts.values() if (note := output.unknown_note(of))]
    notes = (output.unknown_note(of, f"The weights {name}") for name, of in counts.items())
    return [note for note in notes if note]
