"""`apronwatch verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output

if TYPE_CHECKING:
    from apronwatch.evidence.matching import Matched
    from apronwatch.evidence.verify import Compared, Verdict


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `apronwatch evidence` made.")],
    scene: Annotated[
        list[str] | None,
        typer.Option(help="A scene's file. [default: in DIR, beside it, or here, under its name]"),
    ] = None,
    mask: Annotated[
        list[Path] | None, typer.Option(help="The mask of a scene, or a folder of masks, where DIR lacks it.")
    ] = None,
    mask_hides: Annotated[str | None, typer.Option(help="Values of that mask that hide.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Weights file. [default: that of the registry with the same SHA-256]")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Use weights that no registry names.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or tensorrt:N.")] = "auto",
) -> int:
    """Check every hash of an evidence folder, count again, and compare: 0 same, 1 it differs, 2 it cannot be told."""
    from apronwatch.cli.requests import hiding
    from apronwatch.evidence.sources import MaskFiles
    from apronwatch.evidence.verify import verify as check

    with output.progress("counting again") as advance:
        verdict = check(
            folder,
            scenes=scene or (),
            masks=MaskFiles.among(mask or [], hiding(mask_hides)),
            weights=model,
            trust=trust,
            device=device,
            progress=advance,
        )
    for name in verdict.unlisted:
        output.print_warning(f"{name} lies in the folder and is no part of the evidence")
    for note in (*verdict.notes, *([verdict.unsure] if verdict.unsure else [])):
        output.print_warning(note)
    _print(verdict)
    if verdict.undecided:
        return 2
    return 0 if verdict.same else 1


def _print(verdict: "Verdict") -> None:
    for line in verdict.changed:
        output.say(f"CHANGED  {line}")
    if verdict.changed:
        output.say("The folder is not as it was made, so nothing was counted.")
        return
    if verdict.failure is not None:
        output.say(f"no number to compare, the run failed: {verdict.failure}")
        return
    for one in verdict.numbers:
        if one.differs or one.published["status"] != "not_modelled":
            output.say(_line(one))
    for n, boxes in enumerate(verdict.boxes, start=1):
        output.say(
            f"{'DIFFERS' if len(boxes.lost) + len(boxes.gained) else 'same':<8} boxes of frame {n}: {_boxes(boxes)}"
        )


def _line(one: "Compared") -> str:
    count = one.published
    zone = "whole site" if count["zone"] == "*" else f"zone {count['zone']}"
    named = f"{count['site']}, {zone}, {count['class']}"
    if not one.differs:
        return f"same     {named}: {_number(count)}"
    return f"DIFFERS  {named}: " + "; ".join(_difference(*item) for item in one.differs.items())


def _number(count: dict[str, Any]) -> str:
    from apronwatch.counts import Count
    from apronwatch.report.words import number

    said = number(Count.from_dict(count))
    return f"no number {said}" if count["seen"] is None else f"{said} ({count['status']})"


def _difference(field: str, values: tuple[Any, Any]) -> str:
    before, after = ("none" if value is None else value for value in values)
    by = ""
    if all(isinstance(value, int | float) for value in values):
        by = f" ({values[1] - values[0]:+g})"
    return f"{field} published {before}, counted {after}{by}"


def _boxes(boxes: "Matched") -> str:
    if not len(boxes.lost) + len(boxes.gained):
        return f"{boxes.both} at the same places"
    lost, gained = len(boxes.lost), len(boxes.gained)
    return (
        f"{boxes.both} at the same places, {lost} published and not found, {gained} found and not published"
    )
