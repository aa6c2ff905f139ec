"""`apronwatch verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch.errors import ApronwatchError

if TYPE_CHECKING:
    from apronwatch.evidence.matching import Matched
    from apronwatch.evidence.numbers import Compared
    from apronwatch.evidence.verify import Verdict


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `apronwatch evidence` made.")],
    scene: Annotated[
        list[str] | None,
        typer.Option(help="A scene's file. [default: in DIR, beside it, or here, under its name]"),
    ] = None,
    mask: Annotated[
        list[Path] | None, typer.Option(help="The mask of a scene, or a folder of masks, where DIR lacks it.")
    ] = None,
    mask_hides: Annotated[list[str] | None, typer.Option(help="Values of such a mask that hide.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Weights file. [default: that of the registry with the same SHA-256]")
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Use weights that no registry names, and settings of DIR that the registry here does not know.",
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or tensorrt:N.")] = "auto",
) -> int:
    """Check every hash of an evidence folder, count again, and compare: 0 same, 1 it differs, 2 it cannot be told."""
    from apronwatch.cli.requests import hiding
    from apronwatch.evidence.sources import MaskFiles
    from apronwatch.evidence.verify import verify as check

    try:
        with output.progress("counting again") as advance:
            verdict = check(
                folder,
                scenes=scene or (),
                masks=MaskFiles.among(mask or [], *map(hiding, mask_hides or [])),
                weights=model,
                trust=trust,
                device=device,
                progress=advance,
            )
    except ApronwatchError as error:
        raise type(error)(plain(str(error))) from error
    for name in verdict.unlisted:
        output.print_warning(plain(f"{name} lies in the folder and is no part of the evidence"))
    for note in (*verdict.notes, *([verdict.unsure] if verdict.unsure else [])):
        output.print_warning(plain(note))
    _print(verdict)
    if verdict.undecided:
        return 2
    return 0 if verdict.same else 1


def _print(verdict: "Verdict") -> None:
    for line in verdict.changed:
        _say("CHANGED", line)
    if verdict.changed:
        output.say("The folder is not as it was made, so nothing was counted.")
        return
    for one in verdict.numbers:
        if one.differs or (one.published["status"] != "not_modelled" and verdict.failure is None):
            _say("DIFFERS" if one.differs else "same", _line(one, bool(verdict.unsure)))
    for n, boxes in enumerate(verdict.boxes, start=1):
        differ = len(boxes.lost) + len(boxes.gained)
        _say("DIFFERS" if differ else "same", f"boxes of frame {n}: {_boxes(boxes)}")
    for line in verdict.retold:
        _say("DIFFERS", line)
    for line in (*verdict.settings, *verdict.words):
        _say("OTHER", line)
    if verdict.failure is not None:
        output.say(f"no number to compare, the run failed: {plain(verdict.failure)}")
    if verdict.by_hash:
        _say("by hash", f"{', '.join(verdict.by_hash)}: unchanged, and not made again to compare")
    for line in verdict.said:
        _say("as told", line)
    _say("as told", f"{', '.join(verdict.as_told)} of manifest.json: nothing here can tell otherwise")


def _say(verdict: str, line: str) -> None:
    output.say(f"{verdict:<8} {plain(line)}")


def plain(text: str) -> str:
    """One line of what others wrote: control characters, which a terminal would obey, as their escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split())
    )


def _line(one: "Compared", unsure: bool) -> str:
    count = one.published
    zone = "whole site" if count["zone"] == "*" else f"zone {count['zone']}"
    named = f"{count['site']}, {zone}, {count['class']}"
    if not one.differs:
        return f"{named}: {_number(count, unsure)}"
    return f"{named}: " + "; ".join(_difference(*item) for item in one.differs.items())


def _number(count: dict[str, Any], unsure: bool) -> str:
    """A number that is the same; with its interval, unless nothing can be told of that."""
    from apronwatch.counts import Count
    from apronwatch.report.words import number

    said = number(Count.from_dict(count))
    if count["seen"] is None:
        return f"no number {said}"
    low, estimate, high = count["low"], count["estimate"], count["high"]
    limits = [count["status"]]
    if low is not None and not unsure:
        limits.append(f"low {low:g}" if high is None else f"estimate {estimate:g}, {low:g} to {high:g}")
    limits += [reason for reason in count["reasons"] if reason not in limits]
    return f"{said} ({'; '.join(limits)})"


def _difference(field: str, values: tuple[Any, Any]) -> str:
    before, after = (_value(value) for value in values)
    by = ""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        by = f" ({values[1] - values[0]:+g})"
    return f"{field} published {before}, counted {after}{by}"


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else value


def _boxes(boxes: "Matched") -> str:
    if not len(boxes.lost) + len(boxes.gained):
        return f"{boxes.both} at the same places"
    lost, gained = len(boxes.lost), len(boxes.gained)
    return (
        f"{boxes.both} at the same places, {lost} published and not found, {gained} found and not published"
    )
