"""One class of a series: a panel of numbers over time, and under it a strip of the looks that gave none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from apronwatch.archive import SeriesRow
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.counts import Status
from apronwatch.report.words import STATUS_NAMES, class_label, drawable, number

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#595959"
"""From Okabe and Ito's palette, told apart with every common colour vision."""

MOST_LABELLED = 40
"""Looks in a panel beyond which numbers at the points would hide them."""

_WITH_NUMBER = {Status.COMPLETE: "o", Status.PARTIAL: "o", Status.SATURATED: "^"}
_WITHOUT = {Status.UNSEEN: "x", Status.FAILED: "X", Status.OUT_OF_RANGE: "v", Status.NOT_MODELLED: "_"}
_OTHER_OUTLINE = "D"
_LIFTS = (9, 21, 33, 45)
"""Heights in points at which a label may stand above its marker."""


def draw_numbers(axes: Axes, looks: Sequence[SeriesRow], class_name: str) -> None:
    """Points at their times, joined where complete looks of the same weights follow each other.

    Looks that share a time (parts of a place, pictured apart) stand alone: none of them is the next of another.
    So do numbers of another outline than the newest.
    """
    _style(axes, looks, class_name)
    shared = Counter(row.time for row in looks)

    def joinable(row: SeriesRow) -> bool:
        newest_outline = OTHER_OUTLINE not in row.count.reasons
        return row.count.status == Status.COMPLETE and shared[row.time] == 1 and newest_outline

    for before, after in pairwise(looks):
        if before.model_sha256 != after.model_sha256:
            _mark_model(axes, before, after)
        elif joinable(before) and joinable(after):
            ends = np.array([(at(row.time), row.count.seen) for row in (before, after)], dtype=float)
            axes.plot(*ends.T, color=BLUE, lw=1.4, zorder=2, gid="series")
    size = 8 if len(looks) <= MOST_LABELLED else 4.5
    for look in looks:
        if look.count.seen is None:
            axes.axvline(at(look.time), color="#d0d0d0", lw=1, ls=":", zorder=1, gid="gap")
        else:
            _draw_interval(axes, look)
            style = _style_of(look.count.status) | {"ms": size}
            if OTHER_OUTLINE in look.count.reasons:
                style["marker"] = _OTHER_OUTLINE
            axes.plot([at(look.time)], [look.count.seen], **style, zorder=4, clip_on=False, gid="seen")
    if len(looks) <= MOST_LABELLED:
        _label(axes, looks)


def draw_gaps(strip: Axes, looks: Iterable[SeriesRow], *, dates: bool) -> None:
    """A mark for each look without a number, and with `dates` the time axis."""
    strip.set_facecolor("#f1f1f1")
    for look in looks:
        if look.count.seen is None:
            strip.plot([at(look.time)], [0.5], **_style_of(look.count.status), gid="no number")
    strip.set_ylim(0, 1)
    strip.set_yticks([0.5], ["no number"], fontsize=8.5, color=GREY)
    strip.tick_params(axis="y", length=0)
    strip.tick_params(axis="x", which="both", labelbottom=dates, length=4 if dates else 0)
    for spine in strip.spines.values():
        spine.set_visible(False)


def key(rows: Iterable[SeriesRow]) -> list[Line2D]:
    """One entry for each kind of marker that occurs."""
    counts = [row.count for row in rows]
    found = {count.status for count in counts}
    entries = []
    for status in (*_WITH_NUMBER, *_WITHOUT):
        if status in found:
            floor = ": at least so many" if status in (Status.PARTIAL, Status.SATURATED) else ""
            entries.append(Line2D([], [], **_style_of(status), label=STATUS_NAMES[status] + floor))
    if any(OTHER_OUTLINE in count.reasons and count.seen is not None for count in counts):
        style = _style_of(Status.COMPLETE) | {"marker": _OTHER_OUTLINE}
        entries.append(Line2D([], [], **style, label="counted in another outline of the zone"))
    if any(count.low is not None for count in counts):
        entries.append(Line2D([], [], color=BLUE, lw=5, alpha=0.3, label="90 % interval"))
    return entries


def at(time: datetime) -> float:
    """A time as Matplotlib's days."""
    return float(mdates.date2num(time))  # type: ignore[no-untyped-call]


def plain(text: Text) -> None:
    """A `$` in a name is a dollar, not mathematics."""
    text.set_parse_math(False)


def _style(axes: Axes, looks: Sequence[SeriesRow], class_name: str) -> None:
    tops = [v for row in looks for v in (row.count.seen, row.count.high) if v is not None]
    axes.set_ylim(0, max(1.35 * max(tops, default=0), 2))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_ylabel(f"{class_label(class_name)} seen", fontsize=11)
    axes.grid(axis="y", color="#e3e3e3", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", which="both", labelbottom=False, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    if not tops:
        axes.set_yticks([])
        said: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "color": GREY, "fontsize": 13}
        axes.text(0.5, 0.5, "no look gave a number", **said)


def _style_of(status: Status) -> dict[str, Any]:
    """Full for complete looks, hollow for numbers that are a least one, grey for none."""
    colour = {Status.SATURATED: VERMILLION, Status.COMPLETE: BLUE, Status.PARTIAL: BLUE}.get(status, GREY)
    hollow = status in (Status.PARTIAL, Status.SATURATED)
    marker = (_WITH_NUMBER | _WITHOUT)[status]
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
    bar: dict[str, Any] = {"color": BLUE, "lw": 5, "alpha": 0.3, "solid_capstyle": "butt", "zorder": 2.5}
    axes.plot([at(look.time)] * 2, [count.low, count.high], **bar, gid="interval")
    if count.estimate is not None:
        axes.plot(
            [at(look.time)], [count.estimate], "_", color=BLUE, ms=12, mew=2, zorder=2.6, gid="estimate"
        )


def _label(axes: Axes, looks: Iterable[SeriesRow]) -> None:
    """Each number above its point or beside its interval, higher where another stands, or left out."""
    axes.get_figure(root=True).draw_without_rendering()  # type: ignore[union-attr]
    taken: list[Bbox] = []
    for look in looks:
        if look.count.seen is None:
            continue
        beside = look.count.low is not None
        for lift in _LIFTS:
            text = axes.annotate(
                number(look.count),
                (at(look.time), look.count.seen),
                xytext=(8, lift - 12) if beside else (0, lift),
                textcoords="offset points",
                ha="left" if beside else "center",
                fontsize=9.5,
                zorder=5,
                annotation_clip=False,
            )
            box = text.get_window_extent().padded(1)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _mark_model(axes: Axes, before: SeriesRow, after: SeriesRow) -> None:
    between = at(before.time + (after.time - before.time) / 2)
    axes.axvline(between, color=GREY, lw=1.2, ls=(0, (4, 3)), gid="model change")
    said = f" other weights: {drawable(after.model_name, 40)}"
    place: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "va": "top", "ha": "left"}
    plain(axes.text(between, 0.985, said, color=GREY, fontsize=8.5, **place))
