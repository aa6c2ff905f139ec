"""The section of a report on changes: alarms in sentences and charts, what could have been found, what was left out."""

from collections.abc import Callable, Sequence

from apronwatch.changes import Alarm, Changes, Watched
from apronwatch.report import quiet, sentences
from apronwatch.report.markup import Markup, join, tag
from apronwatch.report.missed import grain_lines, looking_back_lines, suspect_lines
from apronwatch.report.tables import table
from apronwatch.zone import ALL_ZONES

ZoneChart = Callable[[str, Sequence[str]], Markup]
"""Draws the chart of a zone and some classes with their alarms."""


def standing(found: Changes) -> list[Alarm]:
    """The alarms that stand."""
    return [alarm for watched in found.watched for alarm in watched.alarms if alarm.stands]


def changes_section(found: Changes, zone_chart: ZoneChart) -> Markup:
    """What the alarm rule says of every series of one site; the chart of the whole site stands before it."""
    kept_apart = sentences.notes(found.watched)
    short = [quiet.SHORT_HISTORIES] if quiet.short(found.watched) else []
    notes = [tag("p", note, class_="soft") for note in [*kept_apart, *short, sentences.VARIABLE_PLACES]]
    parts = [
        tag("h2", "Changes"),
        tag("p", sentences.summary(found, found.watched)),
        *_alarms(found.watched),
        *_list(
            "Newest looks: lower or higher, but no alarm that stands",
            suspect_lines(found.watched, whole=bool(kept_apart)),
        ),
        *_list("Looking back: no alarm when it came", looking_back_lines(found.watched)),
        *_charts(found, zone_chart),
        *_quiet(found.watched),
        *_list("Never seen, so that there was no drop to find", quiet.none_seen_lines(found.watched)),
        *_list("Pictures of another grain", grain_lines(found.watched, whole=bool(kept_apart))),
        *_list("Left out of every test", quiet.left_out_lines(found.watched)),
        *notes,
    ]
    return join(parts)


def _alarms(watched: Sequence[Watched]) -> list[Markup]:
    whole = bool(sentences.notes(watched))
    shown = []
    for each in watched:
        for alarm in each.alarms:
            worth = "Alarm" if alarm.stands else "Does not stand"
            said = [tag("p", sentence) for sentence in sentences.alarm_sentences(alarm)]
            head = tag("h3", f"{worth}: {sentences.title(each.stretch, whole=whole)}")
            shown.append(tag("section", head, *said, class_="alarm" if alarm.stands else "no-alarm"))
    return shown


def _charts(found: Changes, zone_chart: ZoneChart) -> list[Markup]:
    """One for each zone but `*` that an alarm stands for."""
    classes: dict[str, dict[str, None]] = {}
    for alarm in standing(found):
        count = alarm.since[0].count
        classes.setdefault(count.zone, {})[count.class_name] = None
    return [zone_chart(zone, list(of)) for zone, of in classes.items() if zone != ALL_ZONES]


def _quiet(watched: Sequence[Watched]) -> list[Markup]:
    rows = quiet.quiet_rows(watched, whole=bool(sentences.notes(watched)))
    if not rows:
        return []
    cells = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows
    ]
    return [table("What could be found", quiet.HEADER, cells), tag("p", quiet.basis(watched), class_="soft")]


def _list(head: str, lines: Sequence[str]) -> list[Markup]:
    if not lines:
        return []
    return [tag("h3", head), tag("ul", *(tag("li", line) for line in lines))]
