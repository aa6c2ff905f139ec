"""`apronwatch changes`."""

from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apronwatch.cli import output
from apronwatch.cli.archive import ArchiveOption
from apronwatch.cli.count import SYNTHETIC
from apronwatch.errors import CallInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apronwatch.archive import SeriesRow
    from apronwatch.changes import Alarm, Changes, LeftOut, Watched

_WIDTH = 100


def changes(
    site: Annotated[
        str | None, typer.Argument(metavar="SITE", help="Show only this site, by its id; all if left out.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Show only this zone; * is the whole site.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Show only this class.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of these weights, by name or SHA-256.")] = None,
    false_alarms: Annotated[
        float, typer.Option(help="Share of false ones to accept among the alarms of a day, above 0, below 1.")
    ] = 0.05,
    archive: ArchiveOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Which looks differ from those before them, how surely, and what could not have been seen."""
    from apronwatch.archive import Archive
    from apronwatch.changes import family_rows, find_changes
    from apronwatch.counts import checked_classes

    if not 0 < false_alarms < 1:
        raise CallInvalid(f"--false-alarms {false_alarms:g}: expected a share above 0 and below 1, as 0.05")
    if class_name is not None:
        checked_classes([class_name])
    with Archive.open(archive, create=False) as opened:
        rows, without = family_rows(opened, model, site=site)
        if site is not None and zone is not None:
            opened.series(site, zone=zone)  # refuses a zone that the site has not
    if without and site is None:
        output.print_warning(f"no runs of model {model}: {', '.join(without)}")
    found = find_changes(rows, false_discoveries=false_alarms)
    found = found if site is None else found.of_site(site)
    shown = {name: [w for w in of if _wanted(w, zone, class_name)] for name, of in found.by_site().items()}
    if json:
        output.print_json(_document(found, shown))
        return
    if not shown:
        output.print_warning("no look here has a time; `apronwatch archive redate` gives it one")
    for name, watched in shown.items():
        _print_site(name, found, watched)


def _wanted(watched: "Watched", zone: str | None, class_name: str | None) -> bool:
    stretch = watched.stretch
    return zone in (None, stretch.zone) and class_name in (None, stretch.class_name)


def _print_site(name: str, found: "Changes", watched: "Sequence[Watched]") -> None:
    from apronwatch.report import quiet, sentences
    from apronwatch.report.missed import grain_lines, looking_back_lines, suspect_lines
    from apronwatch.report.words import mask_note

    output.say(f"{name}: {sentences.summary(found, watched)}")
    several = bool(sentences.notes(watched))
    for each in watched:
        for alarm in each.alarms:
            worth = "ALARM" if alarm.stands else "does not stand"
            output.say(f"\n{worth}: {sentences.title(each.stretch, whole=several)}")
            for sentence in sentences.alarm_sentences(alarm):
                _paragraph(sentence)
    _list("NEWEST LOOKS: lower or higher, but no alarm that stands", suspect_lines(watched, whole=several))
    _list("LOOKING BACK: no alarm when it came", looking_back_lines(watched))
    _print_quiet(watched, several)
    _list("Pictures of another grain:", grain_lines(watched, whole=several))
    output.say("")
    short = [quiet.SHORT_HISTORIES] if quiet.short(watched) else []
    drawn = [SYNTHETIC] if any(_drawn(each) for each in watched) else []
    unmasked = mask_note((row.run_id, row.count) for each in watched for row in _rows(each))
    below = [*sentences.notes(watched), *drawn, *([unmasked] if unmasked else []), *short]
    for note in [*below, sentences.VARIABLE_PLACES]:
        _paragraph(note)
    output.say("")


def _drawn(watched: "Watched") -> bool:
    """Whether any look of a series was drawn, not taken."""
    return any(row.synthetic for row in _rows(watched))


def _rows(watched: "Watched") -> "list[SeriesRow]":
    stretch = watched.stretch
    return [*stretch.looks, *(left.row for left in stretch.left_out)]


def _print_quiet(watched: "Sequence[Watched]", several: bool) -> None:
    """What each series could have found: since its last alarm, where it had one."""
    from apronwatch.report import quiet

    rows = quiet.quiet_rows(watched, whole=several)
    if rows:
        output.say("\nWhat could be found:")
        output.print_table(quiet.HEADER, rows, right=(1, 2, 3, 4, 5, 6))
        _paragraph(quiet.basis(watched))
    _list("Never seen, so that there was no drop to find:", quiet.none_seen_lines(watched))
    _list("Left out of every test:", quiet.left_out_lines(watched))


def _list(head: str, lines: "Sequence[str]") -> None:
    if lines:
        output.say(f"\n{head}")
    for line in lines:
        _paragraph(line)


def _paragraph(text: str) -> None:
    """Wrapped, but never between a number and its sign."""
    tied = text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")
    lines = fill(tied, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    output.say(lines.replace("\u00a0", " "))


def _document(found: "Changes", shown: "dict[str, list[Watched]]") -> dict[str, Any]:
    from apronwatch.report.sentences import notes
    from apronwatch.version import __version__

    return {
        "apronwatch": __version__,
        "false_discoveries": found.false_discoveries,
        "tests": found.tests,
        "sites": [
            {"site": name, "notes": notes(watched), "series": [_series(w) for w in watched]}
            for name, watched in shown.items()
        ],
    }


def _series(watched: "Watched") -> dict[str, Any]:
    from apronwatch.changes import rate
    from apronwatch.counts import NO_MASK
    from apronwatch.report.quiet import quiet_sentences

    row, ahead = watched.stretch.any_row, watched.outlook
    return {
        "zone": watched.stretch.zone,
        "class": watched.stretch.class_name,
        "model": {"name": row.model_name, "sha256": row.model_sha256},
        "newest_outline": watched.stretch.newest_outline,
        "looks": len(watched.stretch.looks),
        "looks_without_mask": sum(NO_MASK in row.count.reasons for row in watched.stretch.looks),
        "tests": watched.tests,
        "alarms": [_alarm(alarm) for alarm in watched.alarms],
        "current": {
            "looks": len(watched.current),
            "since": output.iso(watched.current[0].time) if watched.current else None,
            "rate": rate(watched.current) if watched.current else None,
            "said": quiet_sentences(watched),
        },
        "looking_back": _looking_back(watched),
        "suspect": _suspect(watched),
        "outlook": None
        if ahead is None
        else {
            "level": ahead.level,
            "tests_of_day": watched.tests_of_day,
            "alarms_per_look": ahead.alarms_per_look,
            "any_in_24": ahead.any_in_24,
            "drop_to": ahead.drop_to,
            "found_by": list(ahead.found_by),
        },
        "left_out": [_left_out(left) for left in watched.stretch.left_out],
    }


def _looking_back(watched: "Watched") -> dict[str, Any] | None:
    from apronwatch.report.missed import NO_ALARM, looking_back_sentence

    change = watched.looking_back
    if change is None:
        return None
    return {
        "between": [output.iso(change.before[-1].time), output.iso(change.since[0].time)],
        "p": change.p,
        "rate_before": change.rate_before,
        "rate_since": change.rate_since,
        "before": [_look(row) for row in change.before],
        "since": [_look(row) for row in change.since],
        "said": [looking_back_sentence(watched), NO_ALARM],
    }


def _suspect(watched: "Watched") -> dict[str, Any] | None:
    from apronwatch.report.missed import suspect_sentence

    found = watched.suspect
    if found is None:
        return None
    return {
        "p": found.p,
        "rate_before": found.rate_before,
        "rate_since": found.rate_since,
        "since": [_look(row) for row in found.since],
        "said": [suspect_sentence(watched)],
    }


def _alarm(alarm: "Alarm") -> dict[str, Any]:
    from apronwatch.report.sentences import alarm_sentences

    return {
        "raised_at": output.iso(alarm.since[-1].time),
        "between": [output.iso(alarm.before[-1].time), output.iso(alarm.since[0].time)],
        "stands": alarm.stands,
        "test": "scan" if alarm.by_scan else "pair",
        "p": alarm.p,
        "q": alarm.q,
        "tests_of_day": alarm.tests,
        "rate_before": alarm.rate_before,
        "rate_since": alarm.rate_since,
        "before": [_look(row) for row in alarm.before],
        "since": [_look(row) for row in alarm.since],
        "said": alarm_sentences(alarm),
    }


def _look(row: "SeriesRow") -> dict[str, Any]:
    from apronwatch.changes import exposure

    return {
        "time": output.iso(row.time),
        "run": row.run_id,
        "seen": row.count.seen,
        "observed_fraction": row.count.observed_fraction,
        "exposure": exposure(row),
        "reasons": list(row.count.reasons),
    }


def _left_out(left: "LeftOut") -> dict[str, Any]:
    return {**_look(left.row), "reason": left.reason}
