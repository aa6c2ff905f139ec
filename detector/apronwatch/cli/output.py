"""What the commands share in printing: tables, progress, JSON."""

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.errors import OutputInvalid

if TYPE_CHECKING:
    from apronwatch.counts import Count, SizeCount

BySizeOption = Annotated[
    bool, typer.Option("--by-size", help="Planes also by size: under 25 m, 25 to 35 m, over 35 m.")
]

Advance = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


def say(text: str) -> None:
    """A line on standard output; a reader that has gone away (`| head`) is no failure.

    Raises:
        OutputInvalid: it cannot be written, such as to a full disk.
    """
    try:
        typer.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, UnicodeEncodeError) as error:
        raise OutputInvalid(
            f"standard output cannot be written ({error}); what was archived is kept"
        ) from error


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output."""
    say(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Aligned columns on standard output; the columns named in `right` are right-aligned."""
    table = [[" ".join(cell.split()) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[k]) for row in table) for k in range(len(header))]
    for n, row in enumerate(table):
        cells = (
            c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join(cells).rstrip())
        if n == 0:
            say("  ".join("-" * w for w in widths))


@dataclass(frozen=True)
class Saying:
    """What a table says of a count, or of one size group of it: of what, seen, there, and what else."""

    what: str
    seen: str
    there: str
    also: str


def sayings(count: "Count", said_below: Collection[str] = ()) -> list[Saying]:
    """Of a count, then of its size groups: `plane, small`, `4.2 expected`; a dash where nothing can be said.

    Args:
        count: what is told.
        said_below: reasons that a line under the table tells of all its rows.
    """
    at_least = "at least " * count.at_least
    told = {count.status.value, *said_below}
    whole = Saying(count.class_name, count.words, interval(count), _also(count.reasons, told))
    groups = [
        Saying(
            f"{count.class_name}, {group.size}",
            "-" if group.expected is None else f"{at_least}{group.expected:.1f} expected",
            interval(group),
            _also(group.reasons, told),
        )
        for group in count.by_size or ()
    ]
    return [whole, *groups]


def _also(reasons: Sequence[str], told: Collection[str]) -> str:
    return ", ".join(reason for reason in reasons if reason not in told)


def said_below(counts: "Iterable[Count]") -> tuple[str, ...]:
    """The reasons that a line under a table of these counts tells of all its rows: that no mask lay over any."""
    from apronwatch.counts import NO_MASK
    from apronwatch.report.words import masks_differ

    return () if masks_differ(counts) else (NO_MASK,)


def unknown_note(counts: "Iterable[Count]", weights: str = "These weights") -> str:
    """Which classes have no number because the weights do not know them; empty if there are none."""
    unknown = sorted({c.class_name for c in counts if c.status.value == "not_modelled"})
    return f"{weights} do not know {', '.join(unknown)}: no number, which is not zero." if unknown else ""


def sizes_note() -> str:
    """What the numbers by size are."""
    from apronwatch.sizes import SIZES_NOTE

    return SIZES_NOTE


def interval(count: "Count | SizeCount") -> str:
    """`14 (12 to 17)`: median and 90 % interval of what was there; `8 or more`, 95 %; a dash where none is known."""
    if count.low is None:
        return "-"
    if count.estimate is None or count.high is None:
        return f"{count.low:g} or more"
    return f"{count.estimate:g} ({count.low:g} to {count.high:g})"


def print_warning(message: str) -> None:
    """One line on standard error."""
    typer.echo(f"apronwatch: note: {' '.join(message.split())}", err=True)


def iso(time: datetime | None) -> str | None:
    """An instant in UTC, as `--json` writes it."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def moment(time: datetime | None, precision: str | None) -> str:
    """A time as tables show it: no finer than it is known."""
    if time is None:
        return "undated"
    forms = {"day": "%Y-%m-%d", "hour": "%Y-%m-%d %HhZ", "minute": "%Y-%m-%d %H:%MZ"}
    return time.strftime(forms.get(precision or "", "%Y-%m-%d %H:%M:%SZ"))


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """A progress bar on standard error where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
