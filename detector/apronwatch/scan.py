"""When did a rate change? The conditional Poisson scan over a series of counts with exposures.

Under the null hypothesis counts y_t are Poisson (rate x e_t), the exposure e_t being the seen fraction times the
recall of look t. Every split into an earlier and a later part is tried; the largest likelihood ratio is compared
with that of series drawn under the null hypothesis with the same total, which makes p exact for any exposures.
Over-dispersed series are drawn as Dirichlet-multinomial (`overdispersion`): some of each dispersion, whose shares
above the observed one are then weighed by how likely that dispersion is.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from apronwatch.overdispersion import PHI, chi2_about, concentration, posterior

DRAWS = 9_999
KNOWN_TO = 0.06
"""Drawing stops once the standard error of p is so small a share of p (Besag and Clifford 1991)."""

LIMIT = 0.01
"""The p that decides on an alarm: within `NEAR` standard errors of it up to `MORE` times the draws are made."""

NEAR = 3.0
MORE = 10
SAME = 1e-9
"""Statistics no further apart are equal: they come from sums of logarithms, and rounding must not decide."""

_BATCH = 1_111


@dataclass(frozen=True)
class Scan:
    """The most likely split of a series.

    Attributes:
        split: index of the first look of the later part; of equally likely splits the first.
        statistic: likelihood ratio 2 ln(L1 / L0) there.
        dispersion: of the counts about the rates of the two parts, Pearson's chi2 / df, at least 1.
        p: probability of a statistic as high without any change.
        draws: series that p rests on.
        rate_before: objects per unit of exposure before the split.
        rate_after: and from it on.
    """

    split: int
    statistic: float
    dispersion: float
    p: float
    draws: int
    rate_before: float
    rate_after: float

    @property
    def ratio(self) -> float:
        """Rate after over rate before; infinite if nothing was there before."""
        return self.rate_after / self.rate_before if self.rate_before > 0 else float("inf")


def scan(
    counts: ArrayLike,
    exposures: ArrayLike,
    *,
    draws: int = DRAWS,
    dispersion: float | None = None,
    recent: int | None = None,
) -> Scan:
    """The scan of one series; the same series gives the same p, as the draws are seeded from it.

    Args:
        counts: (n,) counts, in order of time; at least 3, or 2 with `recent`.
        exposures: (n,) above 0.
        draws: series to draw, at most, but for a p that can't be told from `LIMIT`.
        dispersion: if it is known; otherwise p is averaged over what it may be.
        recent: if given, only splits that leave at most so many looks for the later part are tried, and p pays
            for those alone.
    """
    y, e = np.asarray(counts, dtype=np.int64), np.asarray(exposures, dtype=np.float64)
    least = 3 if recent is None else 2
    if len(y) != len(e) or len(y) < least or (e <= 0).any() or (y < 0).any():
        raise ValueError(
            f"{len(y)} counts and {len(e)} exposures: expected as many of both, at least {least}, e > 0"
        )
    return _scanned(tuple(y.tolist()), tuple(e.tolist()), draws, dispersion, recent)


@lru_cache(maxsize=4096)
def _scanned(
    counts: tuple[int, ...],
    exposures: tuple[float, ...],
    draws: int,
    dispersion: float | None,
    recent: int | None,
) -> Scan:
    """Zones, classes and whole sites often have the same counts."""
    y, e = np.array(counts, dtype=np.int64), np.array(exposures)
    first = 0 if recent is None else max(0, len(y) - 1 - recent)
    statistics = split_statistics(y[None], e)[0, first:]
    best = float(statistics.max())
    k = first + int(most_likely(statistics)) + 1
    chi2, df = float(chi2_about(y[:k], e[:k]) + chi2_about(y[k:], e[k:])), len(y) - 2
    phis, weights = (PHI, posterior(chi2, df)) if dispersion is None else (np.array([dispersion]), np.ones(1))
    null = _Null(int(y.sum()), e, phis, weights, first)
    p, drawn = _p_value(best, null, draws, seed_of(y, e))
    before, after = float(y[:k].sum() / e[:k].sum()), float(y[k:].sum() / e[k:].sum())
    return Scan(k, best, max(1.0, chi2 / max(df, 1)), p, drawn, before, after)


def split_statistics(counts: NDArray[np.int64], exposures: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, n-1) likelihood ratios 2 ln(L1 / L0) of every split of series (B, n).

    All series have the same exposures (n,) and the same total, as those drawn given their total do.
    """
    total, whole = int(counts[0].sum()), float(exposures.sum())
    early, e_early = np.cumsum(counts[:, :-1], axis=1), np.cumsum(exposures)[:-1]
    some = np.arange(total + 1)
    y_ln_y = xlogy(some, some)
    ln_early, ln_late = np.log(e_early), np.log(whole - e_early)
    ratio = (y_ln_y + y_ln_y[::-1])[early]
    ratio += early * (ln_late - ln_early) - (total * ln_late + float(xlogy(total, total / whole)))
    return np.asarray(np.maximum(2 * ratio, 0.0))


def most_likely(statistics: NDArray[np.float64]) -> NDArray[np.intp]:
    """(...,) index of the highest of statistics (..., n): of equal ones the first."""
    return np.asarray(np.argmax(statistics >= statistics.max(axis=-1, keepdims=True) - SAME, axis=-1))


def draw_null(
    total: int, exposures: NDArray[np.float64], phi: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(B, n) series without change and of this total, one for each dispersion (B,)."""
    shares = exposures / exposures.sum()
    wide = phi > 1
    series = np.empty((len(phi), len(shares)), dtype=np.int64)
    series[~wide] = rng.multinomial(total, shares, size=int((~wide).sum()))
    gamma = rng.standard_gamma(concentration(total, phi[wide])[:, None] * shares)
    series[wide] = rng.multinomial(total, gamma / gamma.sum(axis=1, keepdims=True))
    return series


def seed_of(counts: NDArray[np.int64], exposures: NDArray[np.float64]) -> int:
    """A seed that is the same for the same series."""
    told = np.asarray(counts, dtype="<i8").tobytes() + np.round(exposures, 9).astype("<f8").tobytes()
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "little")


@dataclass(frozen=True, eq=False)
class _Null:
    """Series without change: their total, exposures, dispersions with their weights, and the first split tried."""

    total: int
    exposures: NDArray[np.float64]
    phis: NDArray[np.float64]
    weights: NDArray[np.float64]
    first: int


def _p_value(statistic: float, null: _Null, draws: int, seed: int) -> tuple[float, int]:
    """Monte Carlo p, and how many series were drawn.

    Every batch holds the same number of each dispersion: half of it goes evenly to all that matter, half by how
    likely they are.
    """
    if null.total == 0:
        return 1.0, 0
    kept = _that_matter(null.weights, draws)
    phis, weights = null.phis[kept], null.weights[kept]
    each = np.ceil(_BATCH * (weights / weights.sum() + 1 / len(phis)) / 2).astype(np.intp)
    phi, starts = np.repeat(phis, each), np.append(0, np.cumsum(each)[:-1])
    rng, above, batches = np.random.default_rng(seed), np.zeros(len(phis)), 0
    while True:
        series = draw_null(null.total, null.exposures, phi, rng)
        highest = split_statistics(series, null.exposures)[:, null.first :].max(axis=1)
        above += np.add.reduceat(highest >= statistic - SAME, starts, dtype=np.float64)
        batches += 1
        drawn, share = batches * len(phi), above / (batches * each)
        p = float(weights @ share)
        error = math.sqrt(float(np.sum(weights**2 * share * (1 - share) / (batches * each))))
        known = drawn >= draws or error < KNOWN_TO * p
        if known and (abs(p - LIMIT) >= NEAR * error or drawn >= MORE * draws):
            return min(1.0, p + 1 - float(weights.sum()) + 1 / (drawn + 1)), drawn


def _that_matter(weights: NDArray[np.float64], draws: int) -> NDArray[np.bool_]:
    """The dispersions without which p is missing less than a hundredth of its least value."""
    order = np.argsort(weights)
    kept = np.empty(len(weights), dtype=np.bool_)
    kept[order] = np.cumsum(weights[order]) > 0.01 / (draws + 1)
    return kept
