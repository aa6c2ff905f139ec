"""The chart of a series: what was seen over time, with a gap where nothing was."""

import math
from collections.abc import Sequence
from datetime import UTC, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from apronwatch.archive import SeriesRow
from apronwatch.changes import Alarm
from apronwatch.counts import Status
from apronwatch.errors import OutputInvalid
from apronwatch.interchange.files import save
from apronwatch.report.panel import GREY, VERMILLION, at, draw_gaps, draw_numbers, key, plain
from apronwatch.report.words import drawable, listed, several, zone_label
from apronwatch.taxonomy import CLASSES
from apronwatch.version import __version__
from apronwatch.zone import ALL_ZONES

DPI = 160
FORMATS = (".png", ".svg", ".pdf")

_LEFT, _RIGHT = 0.075, 0.96
_TOP_IN, _PANEL_IN, _BOTTOM_IN = 0.85, 2.5, 1.2
"""Height in inches of the title, of a panel with its strip, and of what stands below apart from the key."""

_KEY_COLUMNS, _KEY_ROW_IN = 3, 0.22


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
    if out.suffix.lower() not in FORMATS:
        raise OutputInvalid(f"{out} has the suffix {out.suffix or '(none)'}; a chart is {', '.join(FORMATS)}")
    drawn = BytesIO()
    figure = series_figure(rows, title=title, zone=zone, classes=classes, alarms=alarms)
    figure.savefig(drawn, dpi=DPI, format=out.suffix.lower().lstrip("."))
    save(out, drawn.getvalue())


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
    entries = key(shown, marked)
    bottom = _BOTTOM_IN + _KEY_ROW_IN * math.ceil(len(entries) / _KEY_COLUMNS)
    height = _TOP_IN + _PANEL_IN * len(panels) + bottom
    figure = Figure(figsize=(11, height), facecolor="white")
    FigureCanvasAgg(figure)
    edges = {"left": _LEFT, "right": _RIGHT, "top": 1 - _TOP_IN / height, "bottom": bottom / height}
    grid = figure.add_gridspec(2 * len(panels), 1, height_ratios=[8, 1] * len(panels), hspace=0.12, **edges)
    first: Axes | None = None
    for n, class_name in enumerate(panels):
        looks = [row for row in chosen if row.count.class_name == class_name]
        numbers = figure.add_subplot(grid[2 * n], sharex=first)
        strip = figure.add_subplot(grid[2 * n + 1], sharex=numbers)
        first = first or numbers
        _set_time(numbers, chosen)
        draw_numbers(numbers, looks, class_name, [a for a in marked if _class_of(a) == class_name])
        draw_gaps(strip, looks, dates=n == len(panels) - 1)
    _draw_words(figure, shown, entries, f"{title} · {zone_label(zone)}", height)
    return figure


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


def _draw_words(
    figure: Figure, rows: Sequence[SeriesRow], entries: Sequence[Artist], title: str, height: float
) -> None:
    """Title, note of synthetic pictures, key of the markers that occur, and where the numbers come from."""
    plain(figure.text(_LEFT, 1 - 0.38 / height, drawable(title), fontsize=14, weight="bold", va="center"))
    looks = list({row.run_id: row for row in rows}.values())
    synthetic = sum(look.synthetic for look in looks)
    if synthetic:
        some = f"{synthetic} of {len(looks)} looks are " if synthetic < len(looks) else ""
        said = f"{some}SYNTHETIC PICTURES: drawn, not taken"
        style: dict[str, Any] = {"fontsize": 10.5, "weight": "bold", "color": VERMILLION, "va": "center"}
        figure.text(_LEFT, 1 - 0.66 / height, said, **style)
    if entries:
        corner = (_LEFT - 0.01, 0.47 / height)
        look: dict[str, Any] = {"frameon": False, "fontsize": 9, "borderpad": 0, "handletextpad": 0.3}
        figure.legend(
            handles=entries,
            loc="lower left",
            bbox_to_anchor=corner,
            ncols=min(len(entries), _KEY_COLUMNS),
            **look,
        )
    numbers_are = "Numbers are what the detector saw, not what was there. Times in UTC."
    for line, y in ((numbers_are, 0.33), (_source(looks), 0.14)):
        plain(figure.text(_LEFT, y / height, drawable(line, 170), fontsize=8.5, color=GREY, va="center"))


def _source(looks: Sequence[SeriesRow]) -> str:
    models = dict.fromkeys(f"{look.model_name} ({look.model_sha256[:8]})" for look in looks)
    pictures = sum(look.frames for look in looks)
    source = f"{several(len(looks), 'look')} from {several(pictures, 'picture')}"
    return f"{source} · weights {listed(models)} · apronwatch {__version__}"
