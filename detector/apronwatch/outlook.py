"""What the alarm rule will do at a place with a given history: its false alarms, and the drops it would find.

Futures are simulated at the place's own rate, exposures and dispersion. The p of every simulated window comes from
scans drawn once for its exposures, at three totals and each dispersion, instead of once for each future; where it is
too small for so few draws, from an exponential tail. A short history leaves open what rate and dispersion are, and
so do its futures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from apronwatch.activity import LEAST_BEFORE, P_ALARM, RATIO_STEADY, RECENT, WINDOW, Look
from apronwatch.overdispersion import PHI, chi2_about, posterior
from apronwatch.scan import SAME, draw_null, most_likely, seed_of, split_statistics

AHEAD = 24
DROP_AHEAD = 3
FUTURES = 1_000
_DRAWS = 399
_TAIL = 40
"""Highest draws to which the tail is fitted."""

_UNLIKELY = 3e-4
"""A dispersion less likely than this in every window is not drawn."""


@dataclass(frozen=True)
class Outlook:
    """What to expect of the alarm rule at one place.

    Attributes:
        rate: objects per unit of exposure in the history.
        alarms_per_look: chance of an alarm at a look when nothing changes.
        any_in_24: chance of at least one in the next 24 looks.
        drop_to: share of the rate that is left after the drop.
        found_by: chance that the drop has raised an alarm by the first, second and third look after it.
        level: p that an alarm needs.
        futures: simulated futures that each figure rests on.
    """

    rate: float
    alarms_per_look: float
    any_in_24: float
    drop_to: float
    found_by: tuple[float, ...]
    level: float = P_ALARM
    futures: int = FUTURES


@dataclass(frozen=True, eq=False)
class _Place:
    """Counts (n,) and exposures (n,) that the rule looks at, and the first look of the present rate."""

    y: NDArray[np.int64]
    e: NDArray[np.float64]
    since: int


def outlook(
    history: Sequence[Look], drop_to: float, *, level: float = P_ALARM, since: int = 0
) -> Outlook | None:
    """The outlook from the usable looks of a history; None if there are none.

    Args:
        history: looks in order of time, as the rule goes on to compare with.
        drop_to: share of the rate, 0 to 1, that a drop leaves.
        level: p that an alarm needs, below `P_ALARM` where it must stand among many tests.
        since: usable looks at the start that had another rate, by a change that raised no alarm.
    """
    usable = [look for look in history if look.left_out is None]
    if not usable[since:]:
        return None
    window = usable[-WINDOW:]
    place = _Place(
        np.array([look.count or 0 for look in window], dtype=np.int64),
        np.array([look.exposure for look in window]),
        max(0, since - (len(usable) - len(window))),
    )
    rng = np.random.default_rng(seed_of(place.y, place.e))
    steady = _alarms(place, 1.0, AHEAD, level, rng)
    dropped = _alarms(place, drop_to, DROP_AHEAD, level, rng)
    found = np.logical_or.accumulate(dropped, axis=1).mean(axis=0)
    return Outlook(
        rate=float(place.y[place.since :].sum() / place.e[place.since :].sum()),
        alarms_per_look=float(steady.mean()),
        any_in_24=float(steady.any(axis=1).mean()),
        drop_to=drop_to,
        found_by=tuple(found.tolist()),
        level=level,
    )


def _alarms(
    place: _Place, factor: float, ahead: int, level: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(F, ahead) whether each of the next looks of each future raises an alarm, its rate the old one x factor."""
    y, e = place.y, place.e
    exposure = float(np.median(e))
    e_all = np.append(e, np.full(ahead, exposure))
    future = _counts(y[place.since :], e[place.since :], np.full(ahead, factor * exposure), rng)
    series = np.hstack([np.broadcast_to(y, (FUTURES, len(y))), future])
    alarms = np.zeros((FUTURES, ahead), dtype=np.bool_)
    for k in range(ahead):
        end = len(y) + k + 1
        first = max(0, end - WINDOW)
        alarms[:, k] = _judge_all(series[:, first:end], e_all[first:end], level, rng)
    return alarms


def _counts(
    y: NDArray[np.int64], e: NDArray[np.float64], exposures: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(F, n) counts to come: the rate and dispersion that the history leaves possible, one of each per future."""
    phi = rng.choice(PHI, size=FUTURES, p=posterior(chi2_about(y, e), len(y) - 1))[:, None]
    rate = rng.gamma((y.sum() + 0.5) / phi, phi / e.sum()) * exposures
    wide = np.maximum(phi - 1, 1e-9)
    mean = np.where(phi > 1, rng.standard_gamma(np.maximum(rate / wide, 1e-9)) * wide, rate)
    return np.asarray(rng.poisson(mean))


def _judge_all(
    series: NDArray[np.int64], e: NDArray[np.float64], level: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(F,) whether the last look of each series (F, n) of the same exposures raises an alarm, as `judge` has it."""
    n = series.shape[1]
    tried = max(0, n - 1 - RECENT) if n <= LEAST_BEFORE else 0
    early, e_early = np.cumsum(series, axis=1), np.cumsum(e)
    statistics = _statistics(early, e_early)[:, tried:]
    best, split = statistics.max(axis=1), most_likely(statistics) + tried + 1
    sums, exposed = early[np.arange(len(series)), split - 1], e_early[split - 1]
    before, after = sums / exposed, (early[:, -1] - sums) / (e_early[-1] - exposed)
    low, high = RATIO_STEADY
    moved = (after < low * before) | (after > high * before)
    suspect = np.flatnonzero(moved & (split >= n - RECENT))
    alarms = np.zeros(len(series), dtype=np.bool_)
    if len(suspect):
        chi2 = np.array([_chi2(series[s], e, int(split[s])) for s in suspect])
        weights = posterior(chi2, n - 2)
        alarms[suspect] = _p_values(best[suspect], early[suspect, -1], weights, e, tried, rng) <= level
    return alarms


def _statistics(early: NDArray[np.int64], e_early: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F, n-1) likelihood ratios as of `split_statistics`, of running sums (F, n) whose totals differ."""
    total, whole = early[:, -1:], e_early[-1]
    first, e_first = early[:, :-1], e_early[:-1]
    late, e_late = total - first, whole - e_first
    ratio = xlogy(first, first / e_first) + xlogy(late, late / e_late) - xlogy(total, total / whole)
    return np.asarray(np.maximum(2 * ratio, 0.0))


def _chi2(y: NDArray[np.int64], e: NDArray[np.float64], split: int) -> float:
    return float(chi2_about(y[:split], e[:split]) + chi2_about(y[split:], e[split:]))


def _p_values(
    statistics: NDArray[np.float64],
    totals: NDArray[np.int64],
    weights: NDArray[np.float64],
    e: NDArray[np.float64],
    tried: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """(S,) p of statistics (S,), given totals (S,) and probabilities of each dispersion (S, 15)."""
    likely = weights.max(axis=0) > _UNLIKELY
    phis, weights = PHI[likely], weights[:, likely]
    nodes = np.unique(np.quantile(totals, [0, 0.5, 1], method="nearest"))
    above = np.empty((len(nodes), len(phis), len(statistics)))
    for t, total in enumerate(nodes):
        drawn = draw_null(int(total), e, np.repeat(phis, _DRAWS), rng)
        highest = split_statistics(drawn, e)[:, tried:].max(axis=1).reshape(len(phis), _DRAWS)
        for f in range(len(phis)):
            above[t, f] = _share_above(statistics, np.sort(highest[f]))
    at = np.interp(totals, nodes, np.arange(len(nodes)))
    lower = np.floor(at).astype(np.intp)
    upper, share = np.minimum(lower + 1, len(nodes) - 1), at - lower
    every = np.arange(len(statistics))
    given = above[lower, :, every] * (1 - share)[:, None] + above[upper, :, every] * share[:, None]
    return np.asarray((weights * given).sum(axis=1))


def _share_above(statistics: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) share of the sorted draws that reach each statistic; among the highest, of their exponential tail."""
    counted = 1 - np.searchsorted(drawn, statistics - SAME) / len(drawn)
    start = drawn[-_TAIL]
    excess = max(float((drawn[-_TAIL:] - start).mean()), 1e-9)
    tail = _TAIL / len(drawn) * np.exp(-np.maximum(statistics - start, 0.0) / excess)
    return np.asarray(np.where(statistics > start, tail, counted))
