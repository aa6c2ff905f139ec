"""Alarms and their absence in plain sentences: what changed, what that is worth, what could not have been seen."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from apronwatch.activity import FALSE_DISCOVERIES, P_ALARM
from apronwatch.archive import SeriesRow
from apronwatch.changes import (
    USUAL_PLACES_HIDDEN,
    Alarm,
    Changes,
    LeftOut,
    Shift,
    Stretch,
    Watched,
    expected,
    exposure,
)
from apronwatch.counts import COMPLETE_FROM, NO_MASK, SEEN_LESS_THAN_HALF
from apronwatch.outlook import Outlook
from apronwatch.report.doubts import doubts
from apronwatch.report.words import class_label, listed, moment, reason_label, several, share

VARIABLE_PLACES = (
    "These rates hold for places whose counts vary by chance alone. Others alarm more often and hide more: in "
    "simulation (benchmarks/false_alarms.py: 80 places of about 20 objects, 24 looks each) none of the steady places "
    "raised an alarm, 10 % of those whose variance is four times the mean, and 32 % of those whose level swings by "
    "30 % with the season; a drop to 40 % was found within three looks at 75 %, 14 % and 44 % of them (standard "
    "errors 2 to 6 points)."
)
"""The whole table stands in docs/changes.md."""

GSD_APART = 1.25
"""Metres of one pixel before over those since, or the reverse, from which a reader must be told."""


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def title(stretch: Stretch, *, whole: bool = False) -> str:
    """`planes in main-apron`; with `whole` also the weights and whether the outline is an older one."""
    said = f"{class_label(stretch.class_name)} in {place_label(stretch)}"
    if whole:
        said += f", weights {_weights(stretch.any_row)}"
        said += "" if stretch.newest_outline else ", an older outline"
    return said


def alarm_sentences(alarm: Alarm) -> list[str]:
    """What changed and on which looks that rests; what such an alarm is worth; what it could not have seen."""
    said = [_what(alarm), _worth(alarm)]
    ahead = expected(alarm.before, level=alarm.level)
    if ahead is None:
        of = class_label(alarm.before[0].count.class_name)
        said.append(f"No {of} were seen before, so there was no drop to find.")
    else:
        said.append(found_sentence(ahead, alarm.before[0].count.class_name, alarm.tests))
    return [*said, *_unmasked(alarm), *_weekdays(alarm), *_grain(alarm), *_defects(alarm)]


def found_sentence(ahead: Outlook, class_name: str, tests: int) -> str:
    """How a drop would fare: `With about 5 planes a look, a sudden drop to about 2 is found in 7 % of cases …`."""
    now, then = about(ahead.rate), about(ahead.rate * ahead.drop_to)
    said = (
        f"With about {now} {class_label(class_name)} a look, a sudden drop to about {then} is found in "
        f"{percent(ahead.found_by[-1])} of cases within three looks"
    )
    if ahead.level < P_ALARM:
        said += (
            f" by an alarm that stands alone among {several(tests, 'test')} a day "
            f"(p of {probability(ahead.level)} or less)"
        )
    return f"{said}."


def false_alarm_words(ahead: Outlook) -> str:
    """How often nothing raises such an alarm: `A steady place raises such an alarm in …`."""
    return (
        f"A steady place raises such an alarm in {of_thousand(ahead.alarms_per_look)} of 1,000 looks "
        f"({percent(ahead.any_in_24)} of series of 24 looks)"
    )


def together_words(ahead: Outlook, tests: int) -> str:
    """What that comes to over all series of a day: `; any in 24 looks of 11 such series: 22 % at most`."""
    if tests < 2:
        return ""
    return f"; any in 24 looks of {tests} such series: {at_most(tests * ahead.any_in_24)}"


def at_most(chance: float) -> str:
    """A sum of chances, which is no less than the chance of any of them."""
    return f"{percent(chance)} at most" if chance < 0.995 else "perhaps in every case"


def left_out_words(stretch: Stretch) -> str:
    """`2026-03-12 (31 % seen), 2026-04-02 (not observed)`, or `all 9 looks (not looked for)`."""
    left_out = stretch.left_out
    reasons = {left.reason for left in left_out}
    if not stretch.looks and len(left_out) > 1 and len(reasons) == 1 and SEEN_LESS_THAN_HALF not in reasons:
        return f"all {several(len(left_out), 'look')} ({_why(left_out[0])})"
    return ", ".join(f"{day(left.row)} ({_why(left)})" for left in left_out)


def notes(watched: Sequence[Watched]) -> list[str]:
    """What keeps the looks of one site apart."""
    said = []
    models = {w.stretch.any_row.model_sha256: _weights(w.stretch.any_row) for w in watched if w.stretch.looks}
    if len(models) > 1:
        said.append(
            f"Counts of different weights are not compared: looks of {listed(models.values())} are watched apart. "
            "With --model only the runs of one are used."
        )
    older = sorted(
        {place_label(w.stretch) for w in watched if w.stretch.looks and not w.stretch.newest_outline}
    )
    if older:
        said.append(
            f"Counts in an older outline of {listed(older)} are watched apart from those in the newest."
        )
    return said


def summary(changes: Changes, watched: Sequence[Watched]) -> str:
    """How many alarms stand, and among how many tests."""
    alarms = [alarm for w in watched for alarm in w.alarms]
    standing, rest = sum(a.stands for a in alarms), sum(not a.stands for a in alarms)
    tests = several(sum(w.tests for w in watched), "test")
    said = f"{several(standing, 'alarm') if standing else 'No alarm'} among {tests}"
    if rest:
        said += f", and {several(rest, 'more that does', 'more that do')} not stand"
    return f"{said} (share of false ones accepted among the alarms of a day: {percent(changes.false_discoveries)})."


def about(value: float) -> str:
    """A mean number of objects no finer than anyone should read it."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def percent(value: float) -> str:
    """A chance as a percentage; never 0 or 100, which a simulation cannot tell."""
    hundredths = round(100 * value)
    if hundredths < 1:
        return "less than 1 %"
    return f"{hundredths} %" if hundredths < 100 else "more than 99 %"


def of_thousand(value: float) -> str:
    """A rate per look as looks of 1,000."""
    return f"about {1000 * value:.0f}" if value >= 0.0005 else "fewer than 1"


def probability(value: float) -> str:
    """Two digits, without an exponent; more where two would put it on the other side of 0.01 or 0.05."""
    for digits in range(2, 17):
        said = str(np.format_float_positional(value, precision=digits, fractional=False, trim="-"))
        if all((float(said) <= limit) == (value <= limit) for limit in (P_ALARM, FALSE_DISCOVERIES)):
            break
    return said


def movement(shift: Shift) -> str:
    """`fell from about 14 to about 5`."""
    verb = "fell" if shift.rate_since < shift.rate_before else "rose"
    return f"{verb} from about {about(shift.rate_before)} to about {about(shift.rate_since)}"


def _what(alarm: Alarm) -> str:
    last, first, raised = alarm.before[-1], alarm.since[0], alarm.since[-1]
    start, end = apart(last, first)
    count = last.count
    rests = f"{several(len(alarm.before), 'look')} before, {len(alarm.since)} since"
    if raised is not first:
        rests += f", of which {day(raised)} raised the alarm"
    place = "the whole site" if count.zone == "*" else count.zone
    said = f"Between {start} and {end} {class_label(count.class_name)} in {place} {movement(alarm)} a look ({rests})."
    return f"{said}{_in_part([*alarm.before, *alarm.since])}"


def _in_part(rows: Sequence[SeriesRow]) -> str:
    """` Seen in part, which is allowed for: 2026-03-31 (74 %).`, or nothing."""
    shown = [f"{day(row)} ({share(exposure(row))})" for row in rows if exposure(row) < COMPLETE_FROM]
    if not shown:
        return ""
    of = class_label(rows[0].count.class_name)
    by = f", by where {of} usually are" if any(row.exposed is not None for row in rows) else ""
    return f" Seen in part, which is allowed for{by}: {', '.join(shown)}."


def _worth(alarm: Alarm) -> str:
    told = f"p = {probability(alarm.p)}, after accounting for {several(alarm.tests, 'test')} of that day "
    told += f"q = {probability(alarm.q)}."
    if not alarm.stands:
        told += " Of so many tests that may well be chance: the alarm does not stand."
    alone = alarm.stands and alarm.p <= alarm.level
    ahead = expected(alarm.before, level=alarm.level if alone else P_ALARM)
    if ahead is not None:
        told = f"{false_alarm_words(ahead)}{together_words(ahead, alarm.tests)}; {told}"
    return told[0].upper() + told[1:] if alarm.by_scan else f"{_pair(alarm)}. {told}"


def _pair(alarm: Alarm) -> str:
    newest = "the newest was" if len(alarm.since) == 1 else f"the newest {len(alarm.since)} together were"
    few = several(len(alarm.before), "look")
    return (
        f"With only {few} before, {newest} tested against {'it' if few == '1 look' else 'them'} (pair test)"
    )


def _unmasked(alarm: Alarm) -> list[str]:
    """A warning where no mask lay over the looks with fewer objects: clouds would show fewer, too."""
    fell = alarm.rate_since < alarm.rate_before
    rows, when = (alarm.since, "since") if fell else (alarm.before, "before")
    bare = [row for row in rows if NO_MASK in row.count.reasons]
    if not bare:
        return []
    looks = "the look" if len(rows) == 1 else f"the {len(rows)} looks"
    which = f"{looks} {when}"
    if len(bare) < len(rows):
        which = f"{len(bare)} of {which} ({', '.join(map(day, bare))})"
    return [
        f"No mask lay over {which}: a cloud there would look like a {'drop' if fell else 'rise'}, and the test does "
        "not allow for it."
    ]


def _weekdays(alarm: Alarm) -> list[str]:
    """A warning where the looks since fall on days of the week that no look before saw; by the date in UTC."""
    before, since = ({row.time.weekday() for row in rows} for rows in (alarm.before, alarm.since))
    if before & since:
        return []
    fall = (
        f"look since falls on {WEEKDAYS[min(since)]}"
        if len(alarm.since) == 1
        else (f"looks since fall on {listed([WEEKDAYS[number] for number in sorted(since)])}")
    )
    return [
        f"The {fall} (UTC) and no look before does: a place that follows the week would show the same, and the test "
        "does not allow for it."
    ]


def _grain(alarm: Alarm) -> list[str]:
    """A warning where the pictures before and since differ in grain: what they could show does too."""
    before, since = (float(np.median([row.gsd_m for row in rows])) for rows in (alarm.before, alarm.since))
    if max(before, since) < GSD_APART * min(before, since):
        return []
    return [
        f"The looks before have {before:.2f} m a pixel, those since {since:.2f} m: coarser pictures show fewer "
        "objects, and the test does not allow for it."
    ]


def _defects(alarm: Alarm) -> list[str]:
    """What is known against single looks."""
    told = [
        f"{day(row)} ({', '.join(words)})"
        for row in (*alarm.before, *alarm.since)
        if (words := doubts(row.count))
    ]
    return [f"Known of its looks, and not allowed for: {', '.join(told)}."] if told else []


def _why(left: LeftOut) -> str:
    if left.reason == SEEN_LESS_THAN_HALF:
        return f"{share(left.row.count.observed_fraction)} seen"
    if left.reason == USUAL_PLACES_HIDDEN:
        return f"{share(exposure(left.row))} seen of where they usually are"
    return reason_label(left.reason)


def apart(one: SeriesRow, other: SeriesRow) -> tuple[str, str]:
    """Two days, or two times where the looks are hours apart."""
    if other.time - one.time < timedelta(days=1):
        return moment(one.time, one.time_precision), moment(other.time, other.time_precision)
    return day(one), day(other)


def day(row: SeriesRow) -> str:
    """The day of a look."""
    return moment(row.time, "day")


def place_label(stretch: Stretch) -> str:
    """The zone's id, or `the whole site`."""
    return "the whole site" if stretch.zone == "*" else stretch.zone


def _weights(row: SeriesRow) -> str:
    return f"{row.model_name} ({row.model_sha256[:8]})"
