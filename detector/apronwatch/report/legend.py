"""The key of a chart: one entry for each kind of mark that occurs in it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.legend_handler import HandlerLine2D
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Transform

from apronwatch.archive import SeriesRow
from apronwatch.archive.outlines import OTHER_OUTLINE
from apronwatch.changes import Alarm
from apronwatch.counts import NO_MASK, Count, Status
from apronwatch.report.doubts import doubtful
from apronwatch.report.panel import (
    DOUBTFUL_MARKER,
    ESTIMATE,
    INTERVAL,
    NO_NUMBER_LINE,
    OUTLINE_LINE,
    OUTLINE_MARKER,
    VEILED_MARKER,
    VERMILLION,
    WEIGHTS_LINE,
    WITH_NUMBER,
    WITHOUT,
    breaks,
    is_least,
    other_weights,
    style_of,
    style_of_count,
)
from apronwatch.report.words import STATUS_NAMES

MOST_COLUMNS = 3

_UPRIGHT = "upright"
_WIDTH_IN, _LETTER_IN, _MARK_IN = 9.7, 0.066, 0.65
"""The room for the key, the width of a letter in it, and of a mark with the space around it."""


def key(rows: Sequence[SeriesRow], alarms: Sequence[Alarm] = ()) -> list[Artist]:
    """One entry for each kind of mark that occurs in the panels of these rows."""
    counts = [row.count for row in rows]
    return [*_numbers(counts), *_there(counts), *_gaps(counts), *_breaks(rows), *_alarm(alarms)]


def columns(entries: Sequence[Artist]) -> int:
    """In how many columns the entries fit."""
    letters = [len(str(entry.get_label())) for entry in entries]
    for n in range(min(MOST_COLUMNS, len(entries)), 1, -1):
        widest = sum(int(part.max()) for part in np.array_split(letters, n))
        if widest * _LETTER_IN + n * _MARK_IN <= _WIDTH_IN:
            return n
    return 1


def draw_key(figure: Figure, entries: Sequence[Artist], corner: tuple[float, float]) -> None:
    """Lay the entries out with their lower left corner there, a share of the figure."""
    look: dict[str, Any] = {"frameon": False, "fontsize": 9, "borderpad": 0, "handletextpad": 0.5}
    figure.legend(
        handles=list(entries),
        loc="lower left",
        bbox_to_anchor=corner,
        ncols=columns(entries),
        handler_map={entry: _Upright() for entry in entries if entry.get_gid() == _UPRIGHT},
        **look,
    )


class _Upright(HandlerLine2D):
    """An entry whose line stands, as it does in the panels."""

    def create_artists(
        self,
        legend: Legend,
        orig_handle: Artist,
        xdescent: float,
        ydescent: float,
        width: float,
        height: float,
        fontsize: float,
        trans: Transform,
    ) -> list[Artist]:
        line = Line2D([width / 2] * 2, [-0.25 * height, 1.2 * height])
        line.update_from(orig_handle)
        line.set_transform(trans)
        return [line]


def _numbers(counts: Iterable[Count]) -> list[Artist]:
    """What was seen, by how much of the zone was."""
    numbered = [count for count in counts if count.seen is not None]
    found = {count.status for count in numbered if not is_least(count)}
    entries: list[Artist] = []
    for status in WITH_NUMBER:
        if status in found:
            worth = _unmasked(numbered) if status is Status.COMPLETE else ": at least so many"
            entries.append(Line2D([], [], **style_of(status), label=f"seen, {STATUS_NAMES[status]}{worth}"))
    least = next((count for count in numbered if is_least(count)), None)
    if least is not None:
        said = "seen, less than half observed: at least so many, in no test"
        entries.append(Line2D([], [], **style_of_count(least), label=said))
    if any(OTHER_OUTLINE in count.reasons for count in numbered):
        style = style_of(Status.COMPLETE) | {"marker": OUTLINE_MARKER}
        entries.append(Line2D([], [], **style, label="seen, in another outline of the zone"))
    return [*entries, *_doubtful(numbered)]


def _unmasked(numbered: Iterable[Count]) -> str:
    """What `fully observed` leaves open where no mask lay over the looks, or over some of them."""
    found = {NO_MASK in count.reasons for count in numbered if count.status is Status.COMPLETE}
    if True not in found:
        return ""
    return f" ({'some without a mask' if False in found else 'no mask'}: clouds not looked for)"


def _doubtful(numbered: Sequence[Count]) -> list[Artist]:
    """Numbers that something is known against, by the marks that they bear."""
    said = {
        VEILED_MARKER: "seen, in part through haze or under snow: some may be missed",
        DOUBTFUL_MARKER: f"seen, but doubtful: {', '.join(dict.fromkeys(w for c in numbered for w in doubtful(c)))}",
    }
    styles = {style["marker"]: style for style in map(style_of_count, numbered)}
    return [Line2D([], [], **styles[mark], label=words) for mark, words in said.items() if mark in styles]


def _there(counts: Sequence[Count]) -> list[Artist]:
    """What was there, as far as the calibration tells."""
    entries: list[Artist] = []
    if any(count.high is not None for count in counts):
        entries.append(Line2D([], [], **INTERVAL, label="was there, 90 %"))
        entries.append(Line2D([], [], **ESTIMATE, label="was there, estimate (median)"))
    return entries


def _gaps(counts: Iterable[Count]) -> list[Artist]:
    """Why there is no number, and the line that marks it."""
    without = {count.status for count in counts if count.seen is None}
    entries: list[Artist] = [
        Line2D([], [], **style_of(status), label=f"no number: {STATUS_NAMES[status]}")
        for status in WITHOUT
        if status in without
    ]
    return [*entries, _upright(NO_NUMBER_LINE, "time of a look without a number")] if without else []


def _breaks(rows: Sequence[SeriesRow]) -> list[Artist]:
    """The lines between looks that cannot be compared."""
    classes = {row.count.class_name for row in rows}
    pairs = [pair for name in classes for pair in breaks([r for r in rows if r.count.class_name == name])]
    found = {other_weights(before, after) for before, after, _ in pairs}
    kinds = ((True, WEIGHTS_LINE, "other weights"), (False, OUTLINE_LINE, "other outline of the zone"))
    return [_upright(style, f"{said}: not compared across") for of, style, said in kinds if of in found]


def _alarm(alarms: Sequence[Alarm]) -> list[Artist]:
    said = "it changed between these looks; alarm: the day it was found"
    return [Patch(color=VERMILLION, alpha=0.2, label=said)] if alarms else []


def _upright(style: dict[str, Any], said: str) -> Line2D:
    return Line2D([], [], **style, label=said, gid=_UPRIGHT)
