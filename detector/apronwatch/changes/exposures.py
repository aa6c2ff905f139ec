"""What a look at the whole site could show of a class: the share of the places where it is, not that of the area.

A cloud over the one ramp with planes hides all of them, however much of the site is clear.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.archive.rows import SeriesRow
from apronwatch.zone import ALL_ZONES

_Zone = tuple[str, str, str, str, str]


def with_exposures(rows: Sequence[SeriesRow]) -> list[SeriesRow]:
    """The rows, those of `*` with `exposed` where the zones of the same look tell it.

    A zone weighs as much as the objects of the class that its usable looks showed, over the share of it that was
    seen. Where no zone ever showed any, the share of the area stays.
    """
    seen: dict[_Zone, int] = defaultdict(int)
    looked: dict[_Zone, float] = defaultdict(float)
    zones: dict[tuple[object, ...], list[SeriesRow]] = defaultdict(list)
    for row in rows:
        if row.count.zone == ALL_ZONES:
            continue
        zones[_look(row)].append(row)
        if row.count.testable:
            seen[_zone(row)] += row.count.seen or 0
            looked[_zone(row)] += row.count.observed_fraction or 0.0
    rates = {zone: seen[zone] / looked[zone] for zone in seen}
    return [
        replace(row, exposed=_exposed(zones[_look(row)], rates))
        if row.count.zone == ALL_ZONES and row.count.seen is not None and _look(row) in zones
        else row
        for row in rows
    ]


def exposure(row: SeriesRow) -> float:
    """The share of what a count is of that the look could show."""
    return (row.count.observed_fraction or 0.0) if row.exposed is None else row.exposed


def _exposed(zones: Sequence[SeriesRow], rates: dict[_Zone, float]) -> float | None:
    weights = [rates.get(_zone(row), 0.0) for row in zones]
    if sum(weights) == 0:
        return None
    shown = sum(
        weight * (row.count.observed_fraction or 0.0) for weight, row in zip(weights, zones, strict=True)
    )
    return min(1.0, round(shown / sum(weights), 9))


def _look(row: SeriesRow) -> tuple[object, ...]:
    return row.count.site, row.count.class_name, row.model_sha256, row.time, row.run_ids


def _zone(row: SeriesRow) -> _Zone:
    outline = row.geometry_sha256 if OTHER_OUTLINE in row.count.reasons else ""
    return row.count.site, row.count.class_name, row.model_sha256, row.count.zone, outline
