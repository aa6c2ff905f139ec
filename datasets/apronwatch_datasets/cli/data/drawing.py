"""`apronwatch data synthesize`."""

from pathlib import Path
from typing import Annotated

import typer

from apronwatch.cli import output


def synthesize(
    scenario: Annotated[
        str | None,
        typer.Argument(help="A scenario's name, or a TOML file; without one, the names are listed."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIRECTORY", help="Folder for scenes, truth, site file and manifest."),
    ] = None,
) -> None:
    """Draw a synthetic scenario: scenes with their exact truth. It stands for no real accuracy."""
    from apronwatch.errors import CallInvalid
    from apronwatch_datasets.synthetic import list_scenarios
    from apronwatch_datasets.synthetic import synthesize as run

    if scenario is None:
        rows = [[s.name, s.title, str(s.sites), str(s.looks)] for s in list_scenarios()]
        output.print_table(["scenario", "what it shows", "sites", "looks"], rows, right=(2, 3))
        return
    # As a Path, "" (an unset variable of a shell) would be the current folder.
    if out is None or not out.strip():
        raise CallInvalid("no folder to draw into; give one with --out")
    with output.progress("drawing") as advance:
        files = run(scenario, Path(out), advance)
    output.say(f"{len(files.scenes)} scenes in {out}; everything in it is synthetic, drawn and not taken")
    output.say(f"count them: apronwatch count --manifest {files.manifest} --sites {files.sites}")
