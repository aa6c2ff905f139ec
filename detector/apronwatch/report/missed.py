"""What a series without an alarm may hide: changes that raised none or may have begun, pictures of another grain."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apronwatch.activity import P_ALARM
from apronwatch.archive import SeriesRow
from apronwatch.changes import LookBack, Watched
from apronwatch.report.sentences import (
    GSD_APART,
    about,
    apart,
    day,
    movement,
    place_label,
    probability,
    title,
)
from apronwatch.report.words import class_label, several

NO_ALARM = (
    "Looking back is a finding, no alarm: it asks of the last 20 usable looks, knowing how they went on, whether "
    "there was a change at any time. The rates of false alarms do not hold for it, and its own were not measured: "
    "over many series or months some will show such a change where nothing but chance moves the counts."
)
"""Goes with every sentence of `looking_back_sentence`."""


def looking_back_sentence(watched: Watched) -> str | None:
    """`Looking back, planes in north fell between A and B from about 37 to about 10 a look …`, and why no alarm."""
    change = watched.looking_back
    if change is None:
        return None
    start, end = apart(change.before[-1], change.since[0])
    verb, _, levels = movement(change).partition(" ")
    what = f"{class_label(watched.stretch.class_name)} in {place_label(watched.stretch)}"
    return (
        f"Looking back, {what} {verb} between {start} and {end} {levels} a look (p = {probability(change.p)}; "
        f"{several(len(change.before), 'look')} before, {len(change.since)} since); {_why(change)}."
    )


def looking_back_lines(watched: Sequence[Watched]) -> list[str]:
    """The sentences of all series that have one, and what they are worth."""
    said = [sentence for w in watched if (sentence := looking_back_sentence(w)) is not None]
    return [*said, NO_ALARM] if said else []


def suspect_sentence(watched: Watched) -> str | None:
    """`The newest 2 looks are lower (15, 5; about 10 against 29; p = 0.011, an alarm needs 0.01)`, if they are."""
    found = watched.suspect
    if found is None:
        return None
    newest = "The newest look is" if len(found.since) == 1 else f"The newest {len(found.since)} looks are"
    way = "lower" if found.rate_since < found.rate_before else "higher"
    counts = ", ".join(row.count.words for row in found.since)
    levels = f"about {about(found.rate_since)} against {about(found.rate_before)}"
    why = f"an alarm needs {P_ALARM:g}"
    if found.denied is not None:
        among = several(found.denied.tests, "test")
        why = f"its alarm does not stand: among {among} of that day q = {probability(found.denied.q)}"
    return f"{newest} {way} ({counts}; {levels}; p = {probability(found.p)}, {why})."


def suspect_lines(watched: Sequence[Watched], *, whole: bool) -> list[str]:
    """The sentences of all series that have one, with what they are of."""
    return [
        f"{title(w.stretch, whole=whole)}: {sentence[0].lower()}{sentence[1:]}"
        for w in watched
        if (sentence := suspect_sentence(w)) is not None
    ]


def grain_sentence(watched: Watched) -> str | None:
    """What pictures that became coarser or finer could hide in a series without alarms since."""
    gsd = np.array([row.gsd_m for row in watched.window])
    split = _grain_split(gsd)
    if split is None:
        return None
    before, since = float(np.median(gsd[:split])), float(np.median(gsd[split:]))
    coarser = since > before
    if not coarser and not any(row.count.seen for row in watched.window[:split]):
        return None
    start, end = (day(row) for row in (watched.window[split - 1], watched.window[split]))
    return (
        f"The looks up to {start} have {before:.2f} m a pixel, those from {end} on {since:.2f} m: "
        f"{'coarser pictures show fewer' if coarser else 'finer pictures show more'} objects, which could hide a "
        f"{'rise' if coarser else 'drop'}, and the tests do not allow for it."
    )


def grain_lines(watched: Sequence[Watched], *, whole: bool) -> list[str]:
    """The sentences of `grain_sentence`, once for all series that they hold for."""
    alike: dict[str, list[str]] = {}
    for each in watched:
        sentence = grain_sentence(each)
        if sentence is not None:
            alike.setdefault(sentence, []).append(title(each.stretch, whole=whole))
    return [f"{'; '.join(names)}: {sentence}" for sentence, names in alike.items()]


def _why(change: LookBack) -> str:
    if change.denied is not None:
        return (
            f"the alarm of {day(change.denied.since[-1])} did not stand, because among "
            f"{several(change.denied.tests, 'test')} of that day its q was {probability(change.denied.q)}"
        )
    looks = _first_looks(change.since)
    because = f"at {looks} the most likely change lay elsewhere, or was too small"
    if change.least_p is None:
        because = f"nothing could be tested at {looks}"
    elif change.least_p > P_ALARM:
        p = probability(change.least_p)
        because = f"{looks} left p at {p} or more, and an alarm needs {P_ALARM:g}"
    return f"no alarm was raised at the time, because {because}"


def _first_looks(since: Sequence[SeriesRow]) -> str:
    return {1: "the one look since", 2: "the two looks since"}.get(len(since), "the first three looks since")


def _grain_split(gsd: NDArray[np.float64]) -> int | None:
    """Where the median before and since differ most, in the middle rather than at the ends; None below a quarter."""
    apart_by = {
        k: float(np.exp(abs(np.log(np.median(gsd[:k]) / np.median(gsd[k:]))))) for k in range(1, len(gsd))
    }
    best = max(apart_by, key=lambda k: (round(apart_by[k], 3), min(k, len(gsd) - k)), default=None)
    return best if best is not None and apart_by[best] >= GSD_APART else None
