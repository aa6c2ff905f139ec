"""What the alarm rule will do at a place with a given history: its false alarms, and the drops it would find.

Futures are simulated at the place's own rate, exposures and dispersion. The p of every simulated window comes from
scans drawn once for its exposures, at three totals and each dispersion, instead of once for each future.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apronwatch.activity import LEAST_BEFORE, P_ALARM, RATIO_STEADY, RECENT, WINDOW, Look
from apronwatch.overdispersion import PHI, chi2_about, posterior
from apronwatch.scan import draw_null, seed_of, split_statistics

AHEAD = 24
DROP_AHEAD = 3
FUTURES = 1_000
_DRAWS = 399


@dataclass(frozen=True)
class Outlook:
    """What to expect of the alarm rule at one place.

    Attributes:
        rate: objects per unit of exposure in the history.
        alarms_per_look: chance of an alarm at a look when nothing changes.
        any_in_24: chance of at least one in the next 24 looks.
        drop_to: share of the rate that is left after the drop.
        found_by: chance that the drop has raised an alarm by the first, second and third look after it.
        futures: simulated futures that each figure rests on.
    """

    rate: float
    alarms_per_look: float
    any_in_24: float
    drop_to: float
    found_by: tuple[float, ...]
    futures: int = FUTURES


def outlook(history: Sequence[Look], drop_to: float) -> Outlook | None:
    """The outlook from the usable looks of a history without a change; None below `LEAST_BEFORE` of them.

    Args:
        history: looks in order of time.
        drop_to: share of the rate, 0 to 1, that a drop leaves.
    """
    usable = [look for look in history if look.left_out is None][-WINDOW:]
    if len(usable) < LEAST_BEFORE:
        return None
    y = np.array([look.count or 0 for look in usable], dtype=np.int64)
    e = np.array([look.exposure for look in usable])
    rng = np.random.default_rng(seed_of(y, e))
    steady = _alarms(y, e, 1.0, AHEAD, rng)
    dropped = _alarms(y, e, drop_to, DROP_AHEAD, rng)
    found = np.logical_or.accumulate(dropped, axis=1).mean(axis=0)
    return Outlook(
        rate=float(y.sum() / e.sum()),
        alarms_per_look=float(steady.mean()),
        any_in_24=float(steady.any(axis=1).mean()),
        drop_to=drop_to,
        found_by=tuple(found.tolist()),
    )


def _alarms(
    y: NDArray[np.int64], e: NDArray[np.float64], factor: float, ahead: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(F, ahead) whether each of the next looks of each future raises an alarm, its rate the old one x factor."""
    exposure = float(np.median(e))
    e_all = np.append(e, np.full(ahead, exposure))
    future = _counts(y, e, np.full(ahead, factor * exposure), rng)
    series = np.hstack([np.broadcast_to(y, (FUTURES, len(y))), future])
    alarms = np.zeros((FUTURES, ahead), dtype=np.bool_)
    for k in range(ahead):
        end = len(y) + k + 1
        first = max(0, end - WINDOW)
        if end - first > LEAST_BEFORE:
            alarms[:, k] = _judge_all(series[:, first:end], e_all[first:end], rng)
    return alarms


def _counts(
    y: NDArray[np.int64], e: NDArray[np.float64], exposures: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(F, n) counts to come: the rate and dispersion that the history leaves possible, one of each per future."""
    rate = rng.gamma(y.sum() + 0.5, 1 / e.sum(), size=FUTURES)[:, None] * exposures
    phi = rng.choice(PHI, size=FUTURES, p=posterior(chi2_about(y, e), len(y) - 1))[:, None]
    wide = np.maximum(phi - 1, 1e-9)
    mean = np.where(phi > 1, rng.standard_gamma(np.maximum(rate / wide, 1e-9)) * wide, rate)
    return np.asarray(rng.poisson(mean))


def _judge_all(
    series: NDArray[np.int64], e: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(F,) whether the last look of each series (F, n) of the same exposures raises an alarm."""
    n = series.shape[1]
    early = np.cumsum(series, axis=1)
    best = np.zeros(len(series))
    split = np.zeros(len(series), dtype=np.intp)
    for total in np.unique(early[:, -1]):
        same = early[:, -1] == total
        statistics = split_statistics(series[same], e)
        best[same], split[same] = statistics.max(axis=1), statistics.argmax(axis=1) + 1
    sums, exposed = early[np.arange(len(series)), split - 1], np.cumsum(e)[split - 1]
    before, after = sums / exposed, (early[:, -1] - sums) / (e.sum() - exposed)
    low, high = RATIO_STEADY
    moved = (after < low * before) | (after > high * before)
    suspect = np.flatnonzero(moved & (split >= max(LEAST_BEFORE, n - RECENT)))
    alarms = np.zeros(len(series), dtype=np.bool_)
    if len(suspect):
        chi2 = np.array([_chi2(series[s], e, int(split[s])) for s in suspect])
        p = _p_values(best[suspect], early[suspect, -1], posterior(chi2, n - 2), e, rng)
        alarms[suspect] = p <= P_ALARM
    return alarms


def _chi2(y: NDArray[np.int64], e: NDArray[np.float64], split: int) -> float:
    return float(chi2_about(y[:split], e[:split]) + chi2_about(y[split:], e[split:]))


def _p_values(
    statistics: NDArray[np.float64],
    totals: NDArray[np.int64],
    weights: NDArray[np.float64],
    e: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """(S,) p of statistics (S,), given totals (S,) and probabilities of each dispersion (S, 8)."""
    nodes = np.unique(np.quantile(totals, [0, 0.5, 1], method="nearest"))
    above = np.empty((len(nodes), len(PHI), len(statistics)))
    for t, total in enumerate(nodes):
        drawn = draw_null(int(total), e, np.repeat(PHI, _DRAWS), rng)
        highest = np.sort(split_statistics(drawn, e).max(axis=1).reshape(len(PHI), _DRAWS), axis=1)
        for f in range(len(PHI)):
            above[t, f] = 1 - np.searchsorted(highest[f], statistics - 1e-9) / _DRAWS
    at = np.interp(totals, nodes, np.arange(len(nodes)))
    lower = np.floor(at).astype(np.intp)
    upper, share = np.minimum(lower + 1, len(nodes) - 1), at - lower
    every = np.arange(len(statistics))
    given = above[lower, :, every] * (1 - share)[:, None] + above[upper, :, every] * share[:, None]
    return np.asarray((weights * given).sum(axis=1))
