"""`apronwatch archive`: look after what is stored."""

from typing import Annotated

import typer

from apronwatch.cli import output

app = typer.Typer(help="Look after what is stored: runs, redate, remove, upgrade.", no_args_is_help=True)

ArchiveOption = Annotated[
    str | None,
    typer.Option(help="File or database URL. [default: $APRONWATCH_ARCHIVE, or apronwatch.sqlite]"),
]
"""`--archive`, as every command that reads one has it."""


@app.command()
def runs(
    site: Annotated[str | None, typer.Option(help="Only the runs of this site.")] = None,
    archive: ArchiveOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """List what was looked at: one line a run, oldest first."""
    from apronwatch.archive import Archive
    from apronwatch.version import __version__

    with Archive.open(archive, create=False) as opened:
        rows = opened.runs(site)
    if json:
        listed = [
            {
                "run": row.run_id,
                "site": row.site,
                "time": output.iso(row.time),
                "time_precision": row.time_precision,
                "scene": {
                    "path": row.scene_path,
                    "sha256": row.scene_sha256,
                    "identity": row.scene_identity,
                    "gsd_m": row.gsd_m,
                },
                "model": {"name": row.model_name, "sha256": row.model_sha256},
                "detections": row.detections,
                "status": "failed" if row.failure is not None else "done",
                "failure": row.failure,
                "stored_at": output.iso(row.stored_at),
            }
            for row in rows
        ]
        output.print_json({"apronwatch": __version__, "runs": listed})
        return
    output.print_table(
        ("run", "site", "time", "scene", "sha256", "gsd m", "model", "boxes", "status"),
        [
            (
                str(row.run_id),
                row.site,
                output.moment(row.time, row.time_precision),
                row.scene_path,
                (row.scene_sha256 or "-")[:12],
                f"{row.gsd_m:.3g}",
                row.model_name,
                "-" if row.failure is not None else str(row.detections),
                f"failed: {row.failure}" if row.failure is not None else "done",
            )
            for row in rows
        ],
        right=(0, 5, 7),
    )


@app.command()
def redate(
    which: Annotated[
        str,
        typer.Argument(
            metavar="SCENE|RUN", help="A run's number, or a scene's SHA-256 (6+ digits), path or file name."
        ),
    ],
    time: Annotated[str, typer.Option(help="Time of acquisition, ISO 8601 (UTC unless it says otherwise).")],
    archive: ArchiveOption = None,
) -> None:
    """Correct when a scene was taken, for all its runs; the old time is kept beside it."""
    from apronwatch.archive import Archive
    from apronwatch.times import parse_time

    told = parse_time(time)
    with Archive.open(archive, create=False) as opened:
        done = opened.redate(which, told.time, told.precision)
    before = output.moment(done.before, done.before_precision)
    typer.echo(f"{done.scene_path}: {output.moment(done.time, done.precision)} (was {before})")


@app.command()
def remove(
    run: Annotated[int, typer.Argument(metavar="RUN", help="Its number; see `apronwatch archive runs`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    archive: ArchiveOption = None,
) -> None:
    """Delete a run with its detections and counts, and its scene if no other run uses it."""
    from apronwatch.archive import Archive

    with Archive.open(archive, create=False) as opened:
        found = opened.run(run)
        taken = output.moment(found.scene.time, found.scene.time_precision)
        named = f"run {run} ({found.site.id}, {taken}, {found.scene.path})"
        if not yes:
            typer.confirm(f"Delete {named} with {len(found.counts)} counts?", abort=True)
        opened.remove(run)
    typer.echo(f"deleted {named}")


@app.command()
def upgrade(
    yes: Annotated[bool, typer.Option("--yes", help="The PostgreSQL database is backed up.")] = False,
    archive: ArchiveOption = None,
) -> None:
    """Bring an archive of an older release to this one's schema; a SQLite archive is copied first."""
    from apronwatch.archive import Archive

    done = Archive.upgrade(archive, backed_up=yes)
    if done.before == done.after:
        typer.echo(f"schema {done.after}: nothing to do")
        return
    copy = f"; the archive as it was: {done.backup}" if done.backup else ""
    typer.echo(f"schema {done.before} -> {done.after}{copy}")
