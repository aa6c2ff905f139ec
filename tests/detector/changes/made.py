"""Invented series of one zone and class."""

from collections.abc import Sequence
from dataclasses import replace

from apronwatch.archive import SeriesRow
from apronwatch.counts import Status
from tests.detector.report.rows import row

DROP = (15, 13, 14, 16, 12, 14, 15, 13, 14, 4, 5, 3)
"""From 14 to 4 with the tenth look."""

STEADY = (14, 13, 15, 14, 16, 12, 14, 15, 13, 14, 12, 15)


def series(
    counts: Sequence[int | None],
    *,
    fractions: Sequence[float] | None = None,
    start: float = 0,
    site: str = "base",
    **changed,
) -> list[SeriesRow]:
    """A look every fourth day; a None is unseen. `changed` as of `row`."""
    rows = []
    for n, seen in enumerate(counts):
        fraction = fractions[n] if fractions else 1.0
        status = Status.PARTIAL if seen is not None and fraction < 1 else None
        made = row(start + 4 * n, seen, **({"status": status} | changed))
        share = 0.0 if seen is None else fraction
        rows.append(replace(made, count=replace(made.count, site=site, observed_fraction=share)))
    return rows


def days(rows: Sequence[SeriesRow]) -> list[int]:
    """Their days since the first day of a series."""
    return [round(r.run_id / 24) for r in rows]
