"""What the alarm rule could have found in each series, and which looks it could not use, as lines of a table."""

from collections.abc import Sequence

from apronwatch.changes import DROP_TO, Watched, expected
from apronwatch.changes.watching import rate
from apronwatch.report.sentences import about, left_out_words, of_thousand, percent, title
from apronwatch.report.words import class_label, zone_label

HEADER = (
    "what",
    "looks",
    "a look",
    f"drop to {100 * DROP_TO:.0f}\u00a0%",
    "found within 3 looks",
    "false alarms in 1,000 looks",
)

_NOT_KNOWN = "–"


def quiet_rows(watched: Sequence[Watched], *, whole: bool) -> list[tuple[str, ...]]:
    """The cells under `HEADER` of each series that saw anything: since its last alarm, or of all its looks."""
    return [_row(w, whole) for w in watched if w.current and _saw_any(w)]


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
    rows = watched.current
    name, level = title(watched.stretch, whole=whole), rate(rows)
    if len(rows) == 1:
        return name, "1", about(level), _NOT_KNOWN, "nothing to compare with", _NOT_KNOWN
    ahead = expected(rows)
    found, false = ("pair test only", _NOT_KNOWN)
    if ahead is not None:
        found, false = percent(ahead.found_by[-1]), of_thousand(ahead.alarms_per_look)
    return name, str(len(rows)), about(level), about(DROP_TO * level), found, false


def _saw_any(watched: Watched) -> bool:
    return any(row.count.seen for row in watched.current)


def _who(series: Sequence[Watched]) -> str:
    """`ships in whole site, north; helicopters in north`."""
    zones: dict[str, list[str]] = {}
    for each in series:
        zones.setdefault(each.stretch.class_name, []).append(zone_label(each.stretch.zone))
    same: dict[str, list[str]] = {}
    for name, of in zones.items():
        same.setdefault(", ".join(dict.fromkeys(of)), []).append(class_label(name))
    return "; ".join(f"{', '.join(names)} in {of}" for of, names in same.items())
