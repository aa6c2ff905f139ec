"""`apronwatch recount`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch.cli.archive import ArchiveOption

if TYPE_CHECKING:
    from apronwatch.detections import Detections
    from apronwatch.engines import Engine
    from apronwatch.evidence.recount import Move, Recounted


def recount(
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site of the archive.")],
    model: Annotated[str, typer.Option(help="The new weights: name in the registry, or a file.")],
    archive: ArchiveOption = None,
    mask: Annotated[
        list[Path] | None, typer.Option(help="The mask of a scene, or a folder of masks; told by their hash.")
    ] = None,
    mask_hides: Annotated[
        str | None, typer.Option(help="Values of a mask of classes that hide, as it was counted with.")
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Let the new numbers stand in series and reports from now on.")
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Use weights that no registry names.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or tensorrt:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> int:
    """Count the archived looks again with other weights: which published numbers would move, and why."""
    from apronwatch.archive import Archive
    from apronwatch.cli.requests import hiding
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.evidence.recount import recount as count_again
    from apronwatch.evidence.recount import undated
    from apronwatch.evidence.sources import MaskFiles

    masks = MaskFiles.among(mask or [], hiding(mask_hides))
    engine = load_engine(find_model(model, trust=trust), device)
    with Archive.open(archive, create=False) as opened, output.progress("counting again") as advance:
        looks = list(count_again(opened, site, engine, masks=masks, adopt=adopt, progress=advance))
        left_out = undated(opened, site)
    if json:
        output.print_json(_document(site, engine, looks, adopt) | {"undated": left_out})
    else:
        _print(engine, looks, adopt)
    for path in left_out:
        output.print_warning(f"{path} is undated, stands in no series, and was not counted again")
    return 1 if any(look.why_not for look in looks) else 0


def _moves(looks: "list[Recounted]") -> "list[Move]":
    from apronwatch.evidence.recount import most_moved_first

    return most_moved_first([move for look in looks for move in look.moves])


def _document(site: str, engine: "Engine", looks: "list[Recounted]", adopted: bool) -> dict[str, Any]:
    from apronwatch.version import __version__

    return {
        "apronwatch": __version__,
        "site": site,
        "model": {"name": engine.model.name, "sha256": engine.model.sha256},
        "adopted": adopted,
        "looks": [
            {
                "time": output.iso(look.look.time),
                "time_precision": look.look.time_precision,
                "model": {"name": look.look.runs[0].model.name, "sha256": look.look.runs[0].model.sha256},
                "runs": list(look.run_ids),
                "recounted": not look.why_not,
                "why_not": look.why_not or None,
            }
            for look in looks
        ],
        "moves": [
            {
                "time": output.iso(move.time),
                "time_precision": move.time_precision,
                "site": move.old.site,
                "zone": move.old.zone,
                "class": move.old.class_name,
                "old": move.old.to_dict(),
                "new": move.new.to_dict(),
                "difference": move.difference,
                "lost": _objects(move.lost),
                "gained": _objects(move.gained),
            }
            for move in _moves(looks)
        ],
    }


def _objects(found: "Detections | None") -> list[dict[str, Any]] | None:
    """Where each object lies, and its score."""
    from apronwatch.interchange.tables import lonlat, short

    if found is None:
        return None
    centres = found.centres if found.crs is None else lonlat(found.centres[:, None], found.crs)[:, 0]
    axes, digits = (("x_px", "y_px"), 2) if found.crs is None else (("longitude", "latitude"), 7)
    return [
        {**dict(zip(axes, centre, strict=True)), "score": short(score)}
        for centre, score in zip(centres.round(digits).tolist(), found.scores, strict=True)
    ]


def _print(engine: "Engine", looks: "list[Recounted]", adopted: bool) -> None:
    moves = _moves(looks)
    done = [look for look in looks if not look.why_not]
    if moves:
        header = ("time", "zone", "class", "published", "new", "difference", "why")
        output.print_table(header, [_row(move) for move in moves], right=(3, 4, 5))
        output.say("")
    numbers = sum(look.numbers for look in done)
    output.say(
        f"{len(done)} of {len(looks)} looks counted again with {engine.model.name}: {_of(moves, numbers)}"
    )
    if done and adopted:
        output.say("The new numbers stand in series and reports from now on.")
    elif done:
        output.say(
            "Series and reports stay as they are. The new numbers alone: `apronwatch series … --model "
            f"{engine.model.name}`; to let them stand: `apronwatch recount … --adopt`."
        )
    for look in looks:
        if look.why_not:
            when = output.moment(look.look.time, look.look.time_precision)
            output.print_warning(f"{when} was not counted again: {look.why_not}")


def _of(moves: "list[Move]", numbers: int) -> str:
    moved = sum(move.old.seen is not None for move in moves)
    come = sum(move.old.seen is None and move.new.seen is not None for move in moves)
    said = f"{moved or 'none'} of {numbers} published numbers would move"
    return said + (f", {come} would be new" if come else "")


def _row(move: "Move") -> tuple[str, ...]:
    from apronwatch.report.words import number

    shown = [number(count) for count in (move.old, move.new)]
    by = "-" if move.difference is None else f"{move.difference:+d}"
    when = output.moment(move.time, move.time_precision)
    return (when, move.old.zone, move.old.class_name, *shown, by, _why(move))


def _why(move: "Move") -> str:
    said = []
    if move.old.status is not move.new.status:
        said.append(f"{move.old.status.value} -> {move.new.status.value}")
    if move.lost is not None and len(move.lost):
        said.append(f"{len(move.lost)} not found")
    if move.gained is not None and len(move.gained):
        said.append(f"{len(move.gained)} found anew")
    return ", ".join(said) or "other interval"
