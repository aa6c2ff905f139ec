"""`apronwatch report`."""

from pathlib import Path
from typing import Annotated

import typer

from apronwatch.cli import output
from apronwatch.cli.archive import ArchiveOption


def report(
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site of the archive.")],
    out: Annotated[Path, typer.Option(help="HTML file to write; it opens offline.")],
    archive: ArchiveOption = None,
    model: Annotated[str | None, typer.Option(help="Only counts of these weights (name or SHA-256).")] = None,
    by_size: output.BySizeOption = False,
) -> None:
    """Write one self-contained HTML page: chart, tables, pictures, and where each number comes from."""
    from apronwatch.archive import Archive
    from apronwatch.errors import CallInvalid
    from apronwatch.report.page import write_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise CallInvalid(f"--out {out}: the report is a page; name a .html file")
    with Archive.open(archive, create=False) as opened:
        write_report(opened, site, out, model=model, by_size=by_size)
    typer.echo(f"{out}")
