"""The founding scenario by what the weights see: are the alarms those that the truth would raise?

    python benchmarks/founding.py [--model NAME] [--work FOLDER]

Draws `drawdown` (a base and its port), and `steady` and `boneyard` (where nothing happens), counts every look by the
command line, and lists the alarms that stand, by site, zone and class: those of the counts, and those that the true
numbers would raise under the same rule and the same visibility. An alarm agrees if the other side has one of the same
zone, class and direction within two looks. The looks are drawn: they say what the chain does with these weights' real
misses, nothing of real places.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from apronwatch import find_model
from apronwatch.archive import Archive, SeriesRow
from apronwatch.changes import find_changes
from apronwatch.cli.output import print_table

SCENARIOS = ("drawdown", "steady", "boneyard")
NEAR = 2
"""Looks by which two alarms of one change may differ: a missed object delays one."""


@dataclass(frozen=True)
class Raised:
    """An alarm: the number of the look that raised it, the first being 1, and rates before and since."""

    site: str
    zone: str
    class_name: str
    look: int
    before: float
    since: float

    def like(self, other: "Raised") -> bool:
        """Whether both tell of one change."""
        same = (self.site, self.zone, self.class_name) == (other.site, other.zone, other.class_name)
        return (
            same
            and (self.since < self.before) == (other.since < other.before)
            and abs(self.look - other.look) <= NEAR
        )


def apronwatch(*words: object) -> str:
    """Run the command line; what it prints."""
    command = [str(Path(sys.executable).with_name("apronwatch")), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def counted(work: Path, model: str) -> list[SeriesRow]:
    """Every count of every look, as archived."""
    rows = []
    for name in SCENARIOS:
        folder, archive = work / name, work / f"{name}.sqlite"
        if not (folder / "manifest.csv").is_file():
            apronwatch("data", "synthesize", name, "--out", folder)
        told = ("--manifest", folder / "manifest.csv", "--sites", folder / "sites.geojson")
        apronwatch("count", *told, "--archive", archive, "--model", model)
        with Archive.open(archive) as opened:
            rows += [row for site in opened.sites() for row in opened.series(site, model=model)]
    return rows


def as_it_was(rows: Sequence[SeriesRow], work: Path) -> list[SeriesRow]:
    """The same looks with the numbers that were there to be seen; where there is no number, none."""
    there: dict[tuple[str, datetime], dict[str, dict[str, dict[str, int]]]] = {}
    for path in work.glob("*/truth/*_counts.json"):
        told = json.loads(path.read_text())
        there[told["site"], datetime.fromisoformat(told["time"])] = told["zones"]
    made = []
    for row in rows:
        count = row.count
        zone = there[count.site, row.time][count.zone]
        number = None if count.seen is None else zone[count.class_name]["shown"]
        made.append(replace(row, count=replace(count, seen=number)))
    return made


def raised(rows: Sequence[SeriesRow]) -> list[Raised]:
    """The alarms that stand."""
    days = {
        site: sorted({row.time for row in rows if row.count.site == site})
        for site in sorted({row.count.site for row in rows})
    }
    return [
        Raised(
            watched.stretch.site,
            watched.stretch.zone,
            watched.stretch.class_name,
            days[watched.stretch.site].index(alarm.since[-1].time) + 1,
            alarm.rate_before,
            alarm.rate_since,
        )
        for watched in find_changes(rows).watched
        for alarm in watched.alarms
        if alarm.stands
    ]


def print_errors(rows: Sequence[SeriesRow], truth: Sequence[SeriesRow]) -> None:
    """How far the counts of whole sites are off, by class."""
    print("Counts of whole sites where there is a number, all looks together\n")
    lines = []
    for name in sorted({row.count.class_name for row in rows}):
        pairs = [
            (row.count.seen, was.count.seen)
            for row, was in zip(rows, truth, strict=True)
            if row.count.class_name == name and row.count.zone == "*"
        ]
        known = [(seen, was) for seen, was in pairs if seen is not None and was is not None]
        there = sum(was for _, was in known)
        off = sum(abs(seen - was) for seen, was in known)
        bias = sum(seen - was for seen, was in known)
        share = (f"{off / there:.1%}", f"{bias / there:+.1%}") if there else ("-", "-")
        lines.append([name, str(len(known)), str(len(pairs) - len(known)), str(there), *share])
    print_table(("class", "looks", "no number", "there", "WAPE", "bias"), lines, right=range(1, 6))


def print_alarms(by_counts: Sequence[Raised], by_truth: Sequence[Raised]) -> None:
    """Both lists side by side, then how many agree."""
    lines = []
    for one in by_counts:
        agrees = any(one.like(other) for other in by_truth)
        lines.append([*_words(one), "counts", "yes" if agrees else "NO: the truth raises none"])
    for one in by_truth:
        agrees = any(one.like(other) for other in by_counts)
        lines.append([*_words(one), "truth", "yes" if agrees else "NO: the counts raise none"])
    print("\nAlarms that stand\n")
    if lines:
        header = ("site", "zone", "class", "look", "before", "since", "by", "the other agrees")
        print_table(header, sorted(lines), right=range(3, 6))
    found = sum(any(one.like(other) for other in by_counts) for one in by_truth)
    false = sum(not any(one.like(other) for other in by_truth) for one in by_counts)
    print(f"\n{len(by_truth)} alarms by the truth, {found} of them found; {false} by the counts alone")


def _words(one: Raised) -> list[str]:
    return [
        one.site,
        one.zone,
        one.class_name,
        f"{one.look:2d}",
        f"{one.before:.1f}",
        f"{one.since:.1f}",
    ]


def main() -> None:
    """Count, then print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name in the registry (default: the bundled one)")
    parser.add_argument("--work", type=Path, help="keep scenes and archives here; goes on where it was")
    options = parser.parse_args()
    model = find_model(options.model)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        rows = counted(work, model.name)
        truth = as_it_was(rows, work)
        print(f"{model.name}, {len({(r.count.site, r.time) for r in rows})} looks\n")
        print_errors(rows, truth)
        print_alarms(raised(rows), raised(truth))


if __name__ == "__main__":
    main()
