"""Which look a time names, among those that a series shows."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from apronwatch.archive import Archive, SeriesRow
from apronwatch.counts import Count
from apronwatch.errors import LookUnknown
from apronwatch.observation import Frame, unite
from apronwatch.report.looks import Look, dated_looks
from apronwatch.report.words import moment, several
from apronwatch.site import Site
from apronwatch.times import PRECISIONS, parse_time

_LISTED = 6


def look_at(archive: Archive, site_id: str, time: str, model: str | None = None) -> Look:
    """The one look of a series within the second, minute, hour or day that a time names.

    Raises:
        LookUnknown: none, or more than one; the message lists the nearest.
        BadTime: no time.
        SiteUnknown, ModelUnknown: see `Archive.series`.
    """
    told = parse_time(time)
    rows = archive.series(site_id, model=model)
    end = told.time + PRECISIONS[told.precision]
    found = [row for row in rows if told.time <= row.time < end]
    runs = {row.run_id for row in found}
    if len(runs) == 1:
        return dated_looks(archive, found)[0]
    near = sorted({(row.time, row.time_precision) for row in found or rows})
    near = sorted(sorted(near, key=lambda t: abs(t[0] - told.time))[:_LISTED])
    known = ", ".join(moment(*one) for one in near) or "none that is dated"
    raise LookUnknown(
        f"site {site_id}: {several(len(runs), 'look') if runs else 'no look'} at {time}; "
        f"expected the time of one of these: {known}"
    )


def counts_of(frames: Sequence[Frame], site: Site) -> tuple[Count, ...]:
    """The counts of a look, over all its frames; of one frame (which need lie on no map) its own."""
    return frames[0].counts if len(frames) == 1 else unite(frames, site).counts


def each_look(archive: Archive, rows: list[SeriesRow]) -> Iterator[Look]:
    """The looks of a series, oldest first, one at a time: each holds all its boxes."""
    for _, of_look in groupby(
        sorted(rows, key=lambda r: (r.time, r.run_id)), key=lambda r: (r.time, r.run_id)
    ):
        yield from dated_looks(archive, list(of_look))
