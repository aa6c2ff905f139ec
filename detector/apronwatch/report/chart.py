"""The chart of a series: what was seen over time, with a gap where nothing was."""

import math
from collections.abc import Sequence
from datetime import UTC, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from apronwatch.archive import SeriesRow
from apronwatch.changes import Alarm
from apronwatch.counts import Status
from apronwatch.errors import OutputInvalid
from apronwatch.interchange.files import check_folder, save
from apronwatch.report.legend import columns, draw_key, key
from apronwatch.report.panel import GREY, VERMILLION, at, draw_gaps, draw_numbers, only_zeros, plain
from apronwatch.report.words import (
    INTERVALS_HOLD,
    drawable,
    listed,
    mask_note,
    several,
    sizes_note,
    zone_label,
)
from apronwatch.taxonomy import CLASSES
from apronwatch.version import __version__
from apronwatch.zone import ALL_ZONES

DPI = 160
FORMATS = (".png", ".svg", ".pdf")

_LEFT, _RIGHT = 0.075, 0.96
_TOP_IN, _BOTTOM_IN, _LINE_IN, _KEY_ROW_IN = 0.85, 0.8, 0.19, 0.22
"""Height in inches of the title, of what stands below apart from the words, of a line of words, of a row of the key."""

_NUMBERS_IN, _LOW_IN, _STRIP_IN, _GAP_IN = 2.2, 0.85, 0.34, 0.14
"""Height of a panel, of one with only zeros, of the strip under it, and of the gap between them."""


def draw_series(
    rows: Sequence[SeriesRow],
    out: Path,
    *,
    title: str,
    zone: str = ALL_ZONES,
    classes: Sequence[str] | None = None,
    alarms: Sequence[Alarm] = (),
) -> None:
    """Write the chart of one zone's series, in the format of `out`'s suffix (`FORMATS`).

    Args:
        rows: of `Archive.series`; other zones than `zone` are passed over.
        out: replaced whole.
        title: what place this is.
        zone: a zone id, `*` for the whole site.
        classes: panels in this order; by default one for each class that has any number.
        alarms: those to mark, of any zones and classes.

    Raises:
        OutputInvalid: another suffix, or `out` cannot be written.
    """
    out = Path(out)
    check_chart(out)
    drawn = BytesIO()
    figure = series_figure(rows, title=title, zone=zone, classes=classes, alarms=alarms)
    figure.savefig(drawn, dpi=DPI, format=out.suffix.lower().lstrip("."))
    save(out, drawn.getvalue())


def check_chart(out: Path) -> None:
    """Raises `OutputInvalid` unless a chart can be written to `out`."""
    if out.suffix.lower() not in FORMATS:
        raise OutputInvalid(f"{out} has the suffix {out.suffix or '(none)'}; a chart is {', '.join(FORMATS)}")
    check_folder(out)


def series_figure(
    rows: Sequence[SeriesRow],
    *,
    title: str,
    zone: str = ALL_ZONES,
    classes: Sequence[str] | None = None,
    alarms: Sequence[Alarm] = (),
) -> Figure:
    """The figure that `draw_series` saves: for each class a panel of numbers above a strip of gaps."""
    chosen = sorted((row for row in rows if row.count.zone == zone), key=lambda row: row.time)
    panels = list(classes or _panels(chosen))
    marked = [a for a in alarms if a.since[0].count.zone == zone and _class_of(a) in panels]
    shown = [row for row in chosen if row.count.class_name in panels]
    looks_of = {name: [row for row in chosen if row.count.class_name == name] for name in panels}
    entries, words = key(shown, marked), _words(shown)
    below = _BOTTOM_IN + _LINE_IN * len(words) + _KEY_ROW_IN * math.ceil(len(entries) / columns(entries))
    tall = [_LOW_IN if only_zeros(looks) else _NUMBERS_IN for looks in looks_of.values()]
    height = _TOP_IN + sum(tall) + _STRIP_IN * len(tall) + below
    figure = Figure(figsize=(11, height), facecolor="white")
    FigureCanvasAgg(figure)
    for n, (numbers, strip) in enumerate(_axes(figure, tall, below)):
        looks = looks_of[panels[n]]
        _set_time(numbers, chosen)
        draw_numbers(numbers, looks, panels[n], [a for a in marked if _class_of(a) == panels[n]])
        draw_gaps(strip, looks, dates=n == len(panels) - 1)
    _draw_title(figure, shown, f"{title} · {zone_label(zone)}", height)
    _draw_words(figure, words, height)
    if entries:
        draw_key(figure, entries, (_LEFT - 0.01, (0.1 + _LINE_IN * len(words)) / height))
    return figure


def _axes(figure: Figure, tall: Sequence[float], below: float) -> list[tuple[Axes, Axes]]:
    """A panel for numbers of each of these heights and the strip under it, above so many inches; one time axis."""
    inches = [part for numbers_in in tall for part in (numbers_in, _STRIP_IN)]
    height = figure.get_figheight()
    edges = {"left": _LEFT, "right": _RIGHT, "top": 1 - _TOP_IN / height, "bottom": below / height}
    gap = _GAP_IN * len(inches) / sum(inches)  # a share of the mean height
    grid = figure.add_gridspec(len(inches), 1, height_ratios=inches, hspace=gap, **edges)
    made: list[Axes] = []
    for n in range(len(inches)):
        made.append(figure.add_subplot(grid[n], sharex=made[0] if made else None))
    return list(zip(made[::2], made[1::2], strict=True))


def _class_of(alarm: Alarm) -> str:
    return alarm.since[0].count.class_name


def _panels(rows: Sequence[SeriesRow]) -> list[str]:
    """The classes with a number; else those that were looked for; else the first."""
    numbered = {row.count.class_name for row in rows if row.count.seen is not None}
    modelled = {row.count.class_name for row in rows if row.count.status is not Status.NOT_MODELLED}
    return [class_name for class_name in CLASSES if class_name in (numbered or modelled)] or [CLASSES[0]]


def _set_time(axes: Axes, rows: Sequence[SeriesRow]) -> None:
    if not rows:
        axes.set_xticks([])
        return
    first, last = rows[0].time, rows[-1].time
    margin = max((last - first) * 0.04, timedelta(days=1)) if last > first else timedelta(days=4)
    axes.set_xlim(at(first - margin), at(last + margin))
    locator = mdates.AutoDateLocator(tz=UTC, minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    days_suffice = last - first + 2 * margin > timedelta(days=7)
    form = "%Y-%m-%d" if days_suffice else "%Y-%m-%d\n%H:%M"
    axes.xaxis.set_major_formatter(mdates.DateFormatter(form, tz=UTC))  # type: ignore[no-untyped-call]


def _draw_title(figure: Figure, rows: Sequence[SeriesRow], title: str, height: float) -> None:
    """The title, and how many of the pictures are synthetic."""
    plain(figure.text(_LEFT, 1 - 0.38 / height, drawable(title), fontsize=14, weight="bold", va="center"))
    looks = {row.run_id: row for row in rows}.values()
    synthetic = sum(look.synthetic for look in looks)
    if synthetic:
        some = f"{synthetic} of {len(looks)} looks are " if synthetic < len(looks) else ""
        said = f"{some}SYNTHETIC PICTURES: drawn, not taken"
        style: dict[str, Any] = {"fontsize": 10.5, "weight": "bold", "color": VERMILLION, "va": "center"}
        figure.text(_LEFT, 1 - 0.66 / height, said, **style)


def _draw_words(figure: Figure, lines: Sequence[str], height: float) -> None:
    """Lines at the bottom."""
    style: dict[str, Any] = {"fontsize": 8.5, "color": GREY, "va": "center"}
    for n, line in enumerate(reversed(lines)):
        plain(figure.text(_LEFT, (0.14 + _LINE_IN * n) / height, drawable(line, 170), **style))


def _words(rows: Sequence[SeriesRow]) -> list[str]:
    """What stands under the key: what the numbers are, what the bars hold for, and where both come from."""
    looks = list({row.run_id: row for row in rows}.values())
    lines = ["Numbers at the points are what the detector saw, not what was there. Times in UTC."]
    if any(row.count.high is not None for row in rows):
        lines.append(INTERVALS_HOLD)
    counts = [(row.run_id, row.count) for row in rows]
    notes = (sizes_note(counts), mask_note(counts))
    return [*lines, *(note for note in notes if note), _source(looks)]


def _source(looks: Sequence[SeriesRow]) -> str:
    models = dict.fromkeys(f"{look.model_name} ({look.model_sha256[:8]})" for look in looks)
    pictures = sum(look.frames for look in looks)
    source = f"{several(len(looks), 'look')} from {several(pictures, 'picture')}"
    return f"{source} · weights {listed(models)} · apronwatch {__version__}"
