"""Changes at a place: which looks differ from those before them, by a rule whose false alarms are known.

A look raises an alarm if the scan over the last 20 usable looks gives p <= 0.01 for a split within the last 3
looks, and the rate changed by more than a third down or a half up. Up to 6 looks in all, only the splits within the
last 3 are tried: the newest 1, 2 or 3 looks against all before, with a p that pays for the choice. After an alarm
that stands the baseline starts anew at the split, so that a return to the old level is a change again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control

from apronwatch.pairs import PairTest, pair_test
from apronwatch.scan import DRAWS, Scan, scan

WINDOW = 20
LEAST_BEFORE = 6
"""More looks than these are scanned as a whole; so many or fewer are a short history."""

RECENT = 3
"""Newest looks among which a change must have come to raise an alarm."""

P_ALARM = 0.01
RATIO_STEADY = (0.67, 1.5)
LEAST_FRACTION = 0.5
FALSE_DISCOVERIES = 0.05
"""Share of false ones among the alarms that are left after comparing many sites and classes."""


@dataclass(frozen=True)
class Look:
    """The count of one class in one zone at one time.

    Attributes:
        label: how people know it, such as its time.
        count: objects seen; None if nothing can be said.
        observed_fraction: share of the zone that was seen; None if unknown.
        recall: of the class at that look's GSD.
    """

    label: str
    count: int | None
    observed_fraction: float | None
    recall: float = 1.0

    @property
    def left_out(self) -> str | None:
        """Why it stays out of the tests, if it does."""
        if self.count is None or self.observed_fraction is None:
            return "no_count"
        return "seen_less_than_half" if self.observed_fraction < LEAST_FRACTION else None

    @property
    def exposure(self) -> float:
        """Share of the objects of the zone that the look was able to count."""
        return (self.observed_fraction or 0.0) * self.recall


@dataclass(frozen=True)
class Finding:
    """What the tests say at one look.

    Attributes:
        look: the newest look.
        alarm: it is unlike what was before.
        p: of the test that was made; None if there was nothing to compare with.
        before: labels of the looks compared with.
        after: labels of the looks from the split on, the newest included.
        ratio: rate after over rate before.
        scan: if there were looks enough.
        pair: otherwise, the looks after against those before, as if nothing had been chosen; `p` pays for that.
        possible: all but p is as an alarm has it: the split is recent, and the rate moved enough.
    """

    look: str
    alarm: bool
    p: float | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ratio: float | None = None
    scan: Scan | None = None
    pair: PairTest | None = None
    possible: bool = False


@dataclass(frozen=True)
class Watch:
    """Findings at every usable look, in order, and the looks that stayed out with the reason."""

    findings: tuple[Finding, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Findings that raised an alarm."""
        return tuple(finding for finding in self.findings if finding.alarm)


def watch(looks: Sequence[Look], *, draws: int = DRAWS) -> Watch:
    """Go through the looks of one series in order of time, as they came, and say at each whether things had changed.

    There is no other series, so every alarm stands.
    """
    usable = [look for look in looks if look.left_out is None]
    findings, start = [], 0
    for end in range(1, len(usable) + 1):
        first = max(start, end - WINDOW)
        finding = judge(usable[first:end], draws=draws)
        findings.append(finding)
        if finding.alarm:
            start = first + len(finding.before)
    left_out = tuple((look.label, look.left_out) for look in looks if look.left_out is not None)
    return Watch(tuple(findings), left_out)


def judge(looks: Sequence[Look], *, draws: int = DRAWS) -> Finding:
    """What the newest of some usable looks in order of time says, at most `WINDOW` of them being of use."""
    window = list(looks)[-WINDOW:]
    if len(window) > LEAST_BEFORE:
        return _by_scan(window, draws)
    return _by_pair(window, draws)


def adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """Benjamini-Hochberg adjusted p of findings made at the same time; those up to `FALSE_DISCOVERIES` stand."""
    if not p_values:
        return ()
    return tuple(false_discovery_control(np.asarray(p_values), method="bh").tolist())


def draws_for(tests: int, level: float = FALSE_DISCOVERIES) -> int:
    """Draws with which one strong change among so many tests can stand: ten times the least that could."""
    return max(DRAWS, math.ceil(10 * tests / level) - 1)


def is_alarm(p: float, ratio: float) -> bool:
    """Whether a p and a ratio of rates are enough for an alarm."""
    return p <= P_ALARM and moved(ratio)


def moved(ratio: float) -> bool:
    """Whether a ratio of rates is far enough from 1."""
    low, high = RATIO_STEADY
    return not low <= ratio <= high


def _by_scan(window: list[Look], draws: int) -> Finding:
    found = scan([look.count or 0 for look in window], [look.exposure for look in window], draws=draws)
    return _finding(window, found)


def _by_pair(window: list[Look], draws: int) -> Finding:
    newest = window[-1]
    if len(window) == 1:
        return Finding(newest.label, False, None, after=(newest.label,))
    counts, exposures = [look.count or 0 for look in window], [look.exposure for look in window]
    found = scan(counts, exposures, draws=draws, recent=RECENT)
    k = found.split
    pair = pair_test(sum(counts[k:]), sum(exposures[k:]), sum(counts[:k]), sum(exposures[:k]))
    return replace(_finding(window, found), scan=None, pair=pair)


def _finding(window: list[Look], found: Scan) -> Finding:
    k = found.split
    possible = k >= len(window) - RECENT and moved(found.ratio)
    return Finding(
        window[-1].label,
        possible and is_alarm(found.p, found.ratio),
        found.p,
        tuple(look.label for look in window[:k]),
        tuple(look.label for look in window[k:]),
        found.ratio,
        scan=found,
        possible=possible,
    )
