"""`apronwatch evidence`."""

from pathlib import Path
from typing import Annotated

import typer

from apronwatch.cli import output
from apronwatch.cli.archive import ArchiveOption


def evidence(
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site of the archive.")],
    look: Annotated[str, typer.Option(help="Time of the look, ISO 8601, as exact as it is needed.")],
    out: Annotated[Path, typer.Option(help="Folder to make; it must not be there.")],
    archive: ArchiveOption = None,
    model: Annotated[str | None, typer.Option(help="Only counts of these weights (name or SHA-256).")] = None,
    mask: Annotated[
        list[Path] | None, typer.Option(help="The mask of a scene, or a folder of masks; told by their hash.")
    ] = None,
    mask_hides: Annotated[
        list[str] | None, typer.Option(help="Values of a mask of classes that hide, as it was counted with.")
    ] = None,
) -> None:
    """Write a folder with everything behind the numbers of one look, and the command that counts them again."""
    from apronwatch.archive import Archive
    from apronwatch.cli.requests import hiding
    from apronwatch.evidence.folder import write_evidence
    from apronwatch.evidence.looks import look_at
    from apronwatch.evidence.sources import MaskFiles

    masks = MaskFiles.among(mask or [], *map(hiding, mask_hides or []))
    with Archive.open(archive, create=False) as opened:
        found = look_at(opened, site, look, model)
    written = write_evidence(found, out, masks)
    output.say(f"{out}: {written.files} files")
    output.say(f"SHA-256 of manifest.json, to publish beside the numbers: {written.manifest_sha256}")
    for note in written.notes:
        output.print_warning(note)
