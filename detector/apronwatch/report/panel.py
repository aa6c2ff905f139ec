"""One class of a series: a panel of numbers over time, and under it a strip of the looks that gave none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from apronwatch.archive import SeriesRow
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.changes import Alarm
from apronwatch.counts import Count, Status
from apronwatch.report.doubts import doubtful, doubts, is_veiled
from apronwatch.report.sentences import about
from apronwatch.report.words import class_label, drawable, moment, number

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#595959"
"""From Okabe and Ito's palette, told apart with every common colour vision."""

NO_NUMBER_LINE: dict[str, Any] = {"color": "#bdbdbd", "lw": 1, "ls": ":"}
WEIGHTS_LINE: dict[str, Any] = {"color": "#303030", "lw": 2.4, "ls": "-"}
OUTLINE_LINE: dict[str, Any] = {"color": "#303030", "lw": 2.4, "ls": (0, (1.3, 0.7))}
"""Upright lines: pale dots through a look without a number; bold between looks that cannot be compared."""
ESTIMATE: dict[str, Any] = {"marker": "_", "ls": "", "color": BLUE, "ms": 12, "mew": 2}
INTERVAL: dict[str, Any] = {"color": BLUE, "lw": 5, "alpha": 0.3, "solid_capstyle": "butt"}

MOST_LABELLED = 40
"""Looks in a panel beyond which numbers at the points would hide them."""

Break = tuple[SeriesRow, SeriesRow, str]
"""Two looks in turn that cannot be compared, and why."""

WITH_NUMBER = {Status.COMPLETE: "o", Status.PARTIAL: "o", Status.SATURATED: "^"}
WITHOUT = {Status.UNSEEN: "x", Status.FAILED: "X", Status.OUT_OF_RANGE: "v", Status.NOT_MODELLED: "_"}
OUTLINE_MARKER = "D"
DOUBTFUL_MARKER, VEILED_MARKER = "P", "s"
"""Hollow: of a number that may be of another look; of one from a zone seen in part through haze or under snow."""
_LEAST = "^"
"""Of a number from less than half of a zone: it says hardly more than that something stood there."""

_ABOVE = tuple(((0, lift), "center") for lift in (9, 21, 33, 45))
_BESIDE = (((9, 3), "left"), ((-9, 3), "right"), ((9, -12), "left"), ((-9, -12), "right"))
"""Offsets in points at which a label may stand, and the side on which it begins; beside, where a bar is above."""

_LINES, _LINE_PT, _LETTER = 5, 12.5, 0.0073
"""Of the words about alarms and breaks at the top of a panel: so many under another, so many points each; the width of
a letter as a share of the panel's."""
_LINE_HEIGHT = 0.085
"""The room of such a line as a share of the height of a full panel."""


def draw_numbers(
    axes: Axes, looks: Sequence[SeriesRow], class_name: str, alarms: Sequence[Alarm] = ()
) -> None:
    """Points at their times, joined where complete looks of the same weights follow each other.

    Looks that share a time (parts of a place, pictured apart) stand alone: none of them is the next of another.
    So do numbers of another outline than the newest, and those that something is known against. Each alarm is a band
    over the time of the change.
    """
    apart = breaks(looks)
    _style(axes, looks, class_name, len(alarms) + len(apart))
    shared = Counter(row.time for row in looks)

    def joinable(row: SeriesRow) -> bool:
        sound = OTHER_OUTLINE not in row.count.reasons and not doubts(row.count)
        return row.count.status == Status.COMPLETE and shared[row.time] == 1 and sound

    for before, after in pairwise(looks):
        if not _break(before, after) and joinable(before) and joinable(after):
            ends = np.array([(at(row.time), row.count.seen) for row in (before, after)], dtype=float)
            axes.plot(*ends.T, color=BLUE, lw=1.4, zorder=2, gid="series")
    size = 8 if len(looks) <= MOST_LABELLED else 4.5
    for look in looks:
        if look.count.seen is None:
            axes.axvline(at(look.time), **NO_NUMBER_LINE, zorder=1, gid="gap")
        else:
            _draw_interval(axes, look)
            style = style_of_count(look.count) | {"ms": size}
            axes.plot([at(look.time)], [look.count.seen], **style, zorder=4, clip_on=False, gid="seen")
    _mark_alarms(axes, alarms)
    _mark_breaks(axes, apart, len(alarms))
    if len(looks) <= MOST_LABELLED:
        _label(axes, looks)


def only_zeros(looks: Sequence[SeriesRow]) -> bool:
    """Whether every number of a class is 0: its panel is a low one."""
    return {row.count.seen for row in looks} - {None} == {0}


def draw_gaps(strip: Axes, looks: Iterable[SeriesRow], *, dates: bool) -> None:
    """A mark for each look without a number, and with `dates` the time axis."""
    strip.set_facecolor("#f1f1f1")
    for look in looks:
        if look.count.seen is None:
            strip.plot([at(look.time)], [0.5], **style_of(look.count.status), gid="no number")
    strip.set_ylim(0, 1)
    strip.set_yticks([0.5], ["no number"], fontsize=8.5, color=GREY)
    strip.tick_params(axis="y", length=0)
    strip.tick_params(axis="x", which="both", labelbottom=dates, length=4 if dates else 0)
    for spine in strip.spines.values():
        spine.set_visible(False)


def breaks(looks: Sequence[SeriesRow]) -> list[Break]:
    """Where looks of one class in turn cannot be compared."""
    return [(before, after, said) for before, after in pairwise(looks) if (said := _break(before, after))]


def other_weights(before: SeriesRow, after: SeriesRow) -> bool:
    """Whether two looks were counted with different weights."""
    return before.model_sha256 != after.model_sha256


def at(time: datetime) -> float:
    """A time as Matplotlib's days."""
    return float(mdates.date2num(time))  # type: ignore[no-untyped-call]


def plain(text: Text) -> None:
    """A `$` in a name is a dollar, not mathematics."""
    text.set_parse_math(False)


def _break(before: SeriesRow, after: SeriesRow) -> str:
    """Why two looks in turn cannot be compared, in words; empty if they can."""
    said = []
    if other_weights(before, after):
        said.append(f"other weights: {drawable(after.model_name, 40)}")
    if _outline(before) != _outline(after):
        said.append("other outline of the zone")
    return ", ".join(said)


def _outline(row: SeriesRow) -> str:
    return row.geometry_sha256 if OTHER_OUTLINE in row.count.reasons else "newest"


def is_least(count: Count) -> bool:
    """Whether a number comes from less than half of its zone."""
    return count.status is Status.PARTIAL and not count.testable


def style_of_count(count: Count) -> dict[str, Any]:
    """As `style_of`, with a marker of its own for what stands in no test, for another outline, and for doubts."""
    style = style_of(count.status)
    if is_least(count):
        style |= {"marker": _LEAST, "mec": GREY}
    elif is_veiled(count) and count.status is not Status.SATURATED:
        style |= {"marker": VEILED_MARKER, "mfc": "white"}
    if OTHER_OUTLINE in count.reasons:
        style["marker"] = OUTLINE_MARKER
    elif doubtful(count):
        style |= {"marker": DOUBTFUL_MARKER, "mfc": "white"}
    return style


def _style(axes: Axes, looks: Sequence[SeriesRow], class_name: str, lines: int) -> None:
    """Axes and room for so many lines of words above the numbers."""
    tops = [v for row in looks for v in (row.count.seen, row.count.high) if v is not None]
    room = 0.74 - _LINE_HEIGHT * max(0, min(lines, _LINES) - 1)
    axes.set_ylim(0, max(max(tops, default=0) / room, 2))
    low = only_zeros(looks)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2 if low else 6, integer=True))
    name = class_label(class_name)
    axes.set_ylabel(name.replace(" ", "\n") if low else name, fontsize=8.5 if low else 11)
    axes.grid(axis="y", color="#e3e3e3", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", which="both", labelbottom=False, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    if not tops:
        axes.set_yticks([])
        said: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "color": GREY, "fontsize": 13}
        axes.text(0.5, 0.5, "no look gave a number", **said)


def style_of(status: Status) -> dict[str, Any]:
    """Full for complete looks, hollow for numbers that are a least one, grey for none."""
    colour = {Status.SATURATED: VERMILLION, Status.COMPLETE: BLUE, Status.PARTIAL: BLUE}.get(status, GREY)
    hollow = status in (Status.PARTIAL, Status.SATURATED)
    marker = (WITH_NUMBER | WITHOUT)[status]
    return {
        "marker": marker,
        "ls": "",
        "ms": 7,
        "mew": 1.8,
        "mec": colour,
        "mfc": "white" if hollow else colour,
    }


def _draw_interval(axes: Axes, look: SeriesRow) -> None:
    count = look.count
    if count.low is None or count.high is None:
        return
    axes.plot([at(look.time)] * 2, [count.low, count.high], **INTERVAL, zorder=2.5, gid="interval")
    if count.estimate is not None:
        axes.plot([at(look.time)], [count.estimate], **ESTIMATE, zorder=2.6, gid="estimate")


def _label(axes: Axes, looks: Iterable[SeriesRow]) -> None:
    """Each number above its point or beside its interval, higher where another stands, or left out."""
    axes.get_figure(root=True).draw_without_rendering()  # type: ignore[union-attr]
    taken = [_marker_box(axes, look) for look in looks if look.count.seen is not None]
    for look in looks:
        if look.count.seen is None:
            continue
        for offset, side in _BESIDE + _ABOVE if look.count.low is not None else _ABOVE:
            text = axes.annotate(
                number(look.count),
                (at(look.time), look.count.seen),
                xytext=offset,
                textcoords="offset points",
                ha=side,
                fontsize=9.5,
                zorder=5,
                annotation_clip=False,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
            box = text.get_window_extent().padded(1)
            if box.y0 >= axes.bbox.y0 and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _marker_box(axes: Axes, look: SeriesRow) -> Bbox:
    """What a look's marker covers, in pixels; a label stands clear of every one."""
    x, y = axes.transData.transform((at(look.time), look.count.seen or 0))
    radius = 5 * axes.get_figure(root=True).dpi / 72  # type: ignore[union-attr]
    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)


def _mark_alarms(axes: Axes, alarms: Sequence[Alarm]) -> None:
    """A band from the last look before each change to the first look since, and what it says."""
    for line, alarm in enumerate(alarms):
        start, end = at(alarm.before[-1].time), at(alarm.since[0].time)
        axes.axvspan(start, end, color=VERMILLION, alpha=0.2, lw=0, zorder=0.5, gid="alarm")
        _say(axes, (start, end), _alarm_words(alarm), line, color=VERMILLION, weight="bold")


def _alarm_words(alarm: Alarm) -> str:
    """When it changed, how, and when that was known: `fell 2024-12-07 to 12-11: about 14 to about 3; alarm 12-19`."""
    start, end, raised = (
        moment(row.time, "day") for row in (alarm.before[-1], alarm.since[0], alarm.since[-1])
    )
    verb = "fell" if alarm.rate_since < alarm.rate_before else "rose"
    when = f"on {start}" if start == end else f"{start} to {_short(end, start)}"
    levels = f"about {about(alarm.rate_before)} to about {about(alarm.rate_since)}"
    return f"{verb} {when}: {levels}; alarm {_short(raised, start)}"


def _short(day: str, after: str) -> str:
    """A day without its year where that is the year of another."""
    return day[5:] if day[:4] == after[:4] else day


def _mark_breaks(axes: Axes, apart: Sequence[Break], taken: int) -> None:
    """A line between two looks that cannot be compared, and why; `taken` lines of words stand above it."""
    for line, (before, after, said) in enumerate(apart, start=taken):
        between = at(before.time + (after.time - before.time) / 2)
        weights = other_weights(before, after)
        style = WEIGHTS_LINE if weights else OUTLINE_LINE
        axes.axvline(between, **style, zorder=1.5, gid="model change" if weights else "outline change")
        _say(axes, (between, between), said, line, color=GREY)


def _say(axes: Axes, span: tuple[float, float], said: str, line: int, **style: Any) -> None:
    """Words at the top of a panel, on the side of a span of time with more room, or from that end if it lacks room."""
    first, last = axes.get_xlim()
    left, right = span[0] - first, last - span[1]
    side = "right" if left > right else "left"
    fits = bool(len(said) * _LETTER * (last - first) < max(left, right))
    x = {"right": (last, span[0]), "left": (first, span[1])}[side][fits]
    height = axes.bbox.height * 72 / axes.figure.dpi
    row = line % max(1, min(_LINES, int(height / _LINE_PT) - 2))
    text = axes.annotate(
        said,
        (x, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-3 if side == "right" else 3, -2 - _LINE_PT * row),
        textcoords="offset points",
        ha=side,
        va="top",
        fontsize=8.5,
        annotation_clip=False,
        zorder=3,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        **style,
    )
    plain(text)
