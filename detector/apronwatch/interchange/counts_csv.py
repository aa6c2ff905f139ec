"""Counts as CSV: one row a time, zone and class (and size); what is not known is an empty cell, never 0."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from apronwatch.interchange.files import public_name, save

if TYPE_CHECKING:
    from apronwatch.archive.rows import SeriesRow

COLUMNS = (
    "time",
    "site",
    "zone",
    "class",
    "seen",
    "estimate",
    "low",
    "high",
    "observed_fraction",
    "status",
    "reasons",
    "scene",
    "sha256",
    "gsd_m",
    "model",
    "model_sha256",
    "run",
    "time_precision",
    "synthetic",
    "geometry_sha256",
    "at_least",
)
BY_SIZE_COLUMNS = ("size", "expected")
"""Added where planes are told by size: below the row of a count, one for each size group."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_counts_csv(rows: "Iterable[SeriesRow]", path: str | Path, *, by_size: bool = False) -> None:
    """Writes the rows of a series (UTF-8, RFC 4180), whole or not at all; with `by_size`, their size groups, too.

    Raises:
        OutputInvalid: the folder is missing, cannot be written, or the disk is full.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    columns = (*COLUMNS, *(BY_SIZE_COLUMNS if by_size else ()))
    writer.writerow(columns)
    for row in rows:
        for cells in [_cells(row), *(_groups(row) if by_size else ())]:
            writer.writerow([inert(cells.get(name)) for name in columns])
    save(Path(path), text.getvalue().encode())


def _cells(row: "SeriesRow") -> dict[str, object]:
    count = row.count.to_dict()
    return {
        **count,
        "at_least": None if count["seen"] is None else str(count["at_least"]).lower(),
        "reasons": ";".join(count["reasons"]),
        "time": row.time.isoformat().replace("+00:00", "Z"),
        "time_precision": row.time_precision,
        "scene": public_name(row.scene_path),
        "sha256": row.scene_sha256,
        "gsd_m": row.gsd_m,
        "model": row.model_name,
        "model_sha256": row.model_sha256,
        "run": row.run_id,
        "synthetic": "true" if row.synthetic else "false",
        "geometry_sha256": row.geometry_sha256,
    }


def _groups(row: "SeriesRow") -> list[dict[str, object]]:
    """Cells of each size group of a count: `expected` instead of `seen`, so that no sum of a column counts twice."""
    whole = _cells(row)
    return [
        {
            **whole,
            **group.to_dict(),
            "seen": None,
            "at_least": None if group.expected is None else whole["at_least"],
            "reasons": ";".join(group.reasons),
        }
        for group in row.count.by_size or ()
    ]


def inert(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe: site files come from strangers.

    See OWASP, "CSV Injection".
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
