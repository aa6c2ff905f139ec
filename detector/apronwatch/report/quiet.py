"""What the alarm rule could have found in each series, and which looks it could not use, in sentences and lines."""

from collections.abc import Sequence

from apronwatch.activity import LEAST_BEFORE
from apronwatch.archive import SeriesRow
from apronwatch.changes import DROP_TO, Watched, rate
from apronwatch.report.missed import NO_ALARM, grain_sentence, looking_back_sentence, suspect_sentence
from apronwatch.report.sentences import (
    about,
    at_most,
    day,
    false_alarm_words,
    found_sentence,
    left_out_words,
    of_thousand,
    percent,
    probability,
    title,
)
from apronwatch.report.words import class_label, several, zone_label

HEADER = (
    "what",
    "looks",
    "a look",
    f"drop to {100 * DROP_TO:.0f}\u00a0%",
    "found within 3 looks",
    "false alarms in 1,000 looks",
    "any in 24 looks",
)

SHORT_HISTORIES = (
    "Short histories hide most drops: of about 30 objects, of which each look sees 60 to 100 %, a drop to 40 % "
    "raises an alarm at the first look after it in 0, 0, 0 and 16 % of cases with 1, 2, 3 and 5 looks before, and "
    "within three looks in 0, 11, 49 and 67 %; of about 10 objects within three looks in 0, 6, 8 and 14 % "
    "(simulation of 100 places with one test a day; the table stands in docs/changes.md)."
)
"""Measured by `benchmarks/false_alarms.py --short`."""


def quiet_sentences(watched: Watched) -> list[str]:
    """That a series raised no alarm since its last change, and what it could have found."""
    rows, of = watched.current, class_label(watched.stretch.class_name)
    if not rows:
        return ["No look gave a number that a test could rest on: nothing can be said of changes."]
    missed = looking_back_sentence(watched)
    said = [missed, NO_ALARM] if missed is not None else []
    looks = [*rows, *_newest(watched)]
    span = several(len(looks), "look")
    span += f" from {day(looks[0])} to {day(looks[-1])}" if len(looks) > 1 else f", of {day(looks[0])}"
    apart = f" before the newest {len(_newest(watched))}" if _newest(watched) else ""
    ahead = watched.outlook
    none = "No alarm that stands" if watched.suspect and watched.suspect.denied else "No alarm"
    if ahead is None:
        said.append(f"{none} in {span}: no {of} were seen at all{apart}, so there was no drop to find.")
    elif len(watched.window) == 1:
        said.append(f"{span}, with about {about(rate(rows))} {of}: nothing to compare with yet.")
    else:
        said.append(f"{none} in {span}, with about {about(rate(rows))} {of} a look{apart}.")
    begun = suspect_sentence(watched)
    said += [begun] if begun is not None else []
    if ahead is not None:
        said += [
            found_sentence(ahead, watched.stretch.class_name, watched.tests_of_day),
            f"{false_alarm_words(ahead)}.",
        ]
        said += [SHORT_HISTORIES] if short([watched]) else []
    grain = grain_sentence(watched)
    return said if grain is None else [*said, grain]


def short(watched: Sequence[Watched]) -> bool:
    """Whether any series that saw something has a history too short for most drops."""
    return any(0 < len(w.window) < LEAST_BEFORE and _saw_any(w) for w in watched)


def quiet_rows(watched: Sequence[Watched], *, whole: bool) -> list[tuple[str, ...]]:
    """The cells under `HEADER` of each series that saw anything: since its last alarm, or of all its looks."""
    return [_row(w, whole) for w in watched if w.current and _saw_any(w)]


def basis(watched: Sequence[Watched]) -> str:
    """Which looks the table goes by, and what is taken for found."""
    shown = [w for w in watched if w.current and _saw_any(w) and w.tests_of_day]
    said = (
        "By the looks since the last alarm or the change seen by looking back; by all where there was none. Newest "
        "looks that are lower or higher, though no alarm stands, are left out of it and named."
    )
    if not shown:
        return said
    fewest, most = (of(shown, key=lambda w: w.tests_of_day) for of in (min, max))
    among = several(most.tests_of_day, "test")
    needed = probability(most.level)
    if fewest.tests_of_day < most.tests_of_day:
        among = f"{fewest.tests_of_day} to {among}"
    if fewest.level > most.level:
        needed = f"{probability(fewest.level)} to {needed}"
    together = sum(ahead.any_in_24 for w in shown if (ahead := w.outlook) is not None)
    return (
        f"{said} Found, and a false alarm, is what is raised and stands alone among the tests of the newest day, or "
        f"among one of each series of the site where those are more ({among}: p of {needed} or less). Any false "
        f"alarm in 24 looks of all these series together: {at_most(together)}."
    )


def none_seen_lines(watched: Sequence[Watched]) -> list[str]:
    """The series whose looks saw none of their class: there is no drop to find."""
    without = [w for w in watched if w.current and not _saw_any(w)]
    return [_who(without)] if without else []


def left_out_lines(watched: Sequence[Watched]) -> list[str]:
    """The looks that no test rests on, by name; series that miss the same ones share a line."""
    alike: dict[str, list[Watched]] = {}
    for each in watched:
        if each.stretch.left_out:
            alike.setdefault(left_out_words(each.stretch), []).append(each)
    everything = len(alike) == 1 and sum(map(len, alike.values())) == len(watched)
    return [f"{'all series' if everything else _who(of)}: {words}" for words, of in alike.items()]


def _row(watched: Watched, whole: bool) -> tuple[str, ...]:
    rows, ahead = watched.current, watched.outlook
    level, newest = rate(rows), _newest(watched)
    said = f"{about(level)} (newest {len(newest)}: {about(rate(newest))})" if newest else about(level)
    known = (title(watched.stretch, whole=whole), str(len(rows)), said, about(DROP_TO * level))
    if ahead is None:
        return (*known, "–", "–", "–")
    return (*known, percent(ahead.found_by[-1]), of_thousand(ahead.alarms_per_look), percent(ahead.any_in_24))


def _newest(watched: Watched) -> tuple[SeriesRow, ...]:
    """The looks that may be of another level than the present one."""
    return watched.suspect.since if watched.suspect else ()


def _saw_any(watched: Watched) -> bool:
    return any(row.count.seen for row in (*watched.current, *_newest(watched)))


def _who(series: Sequence[Watched]) -> str:
    """`ships in whole site, north; helicopters in north`."""
    zones: dict[str, list[str]] = {}
    for each in series:
        zones.setdefault(each.stretch.class_name, []).append(zone_label(each.stretch.zone))
    same: dict[str, list[str]] = {}
    for name, of in zones.items():
        same.setdefault(", ".join(dict.fromkeys(of)), []).append(class_label(name))
    return "; ".join(f"{', '.join(names)} in {of}" for of, names in same.items())
