"""Distributions of the number of objects behind a set of detections; pure arithmetic on probabilities.

A distribution is an array: entry n is the probability of n objects. Where it has rows, each row is a
distribution of its own. It may end at a `limit`: what is said up to there is exact, and the rest of its mass lies
beyond. Where objects are added that holds of any limit; `scaled` ends earlier.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len
from scipy.optimize import brentq
from scipy.special import betaincinv, betaln, gammaln, ndtr, ndtri, xlog1py

Pmf = NDArray[np.float64]
Curve = Callable[[Pmf], Pmf]
Span = Callable[[int], tuple[float, float]]

NODES = 40
"""Gauss-Hermite nodes of a scene's common factor; dispersions up to 20 leave no ripple between them."""

EVENNESS = 8.0
"""How evenly aircraft stand. Of 92 pictures of the Airbus Aircraft sample, cut straight at 50 to 95 % of their ground,
7.3 to 9.4 tell best how many stand on one side (`benchmarks/partly_seen.py`)."""

MIX_SURE = 1.0
"""So many detections' worth, at least, is what a calibration says of the share of true ones among those of a site. With
1 lower limits hold where next to nothing stands amid the clutter of busy places (`benchmarks/interval_coverage.py`)."""

_MIXES = 200
"""Equally likely shares of true detections, before those of a site are looked at."""
_CERTAIN = 1e-9
"""Nearer to 0 and 1 no probability of truth is taken."""

_NEGLIGIBLE = 1e-13
_ROWS = 64
"""Numbers of found objects that are added to at a time; bounds the memory."""
_LOGS = 600.0
"""Powers of e that a product of two numbers may span, of which each is held by itself."""
_NO_PRIOR = 1e-12
"""Stands for a prior weight of 0, where the gamma function has its pole."""
_MOST_CORRELATED = 0.9
"""Beyond it each trial turns from failure to success between two nodes of the factor."""

_FACTOR, _FACTOR_WEIGHTS = np.polynomial.hermite_e.hermegauss(NODES)
_FACTOR_WEIGHTS = _FACTOR_WEIGHTS / _FACTOR_WEIGHTS.sum()


def poisson_binomial(p: ArrayLike) -> Pmf:
    """(…, n+1) distribution of the number of successes in n independent trials of probabilities p (…, n).

    Exact but for rounding: generating polynomials are multiplied pairwise, by FFT. 5,000 trials take some ms.
    """
    probabilities = np.asarray(p, dtype=np.float64)
    n = probabilities.shape[-1]
    leaves = 1 << max(0, n - 1).bit_length()
    padded = np.zeros((*probabilities.shape[:-1], leaves))
    padded[..., :n] = probabilities
    pmf: Pmf = np.stack([1 - padded, padded], axis=-1)
    while pmf.shape[-2] > 1:
        pmf = convolve(pmf[..., 0::2, :], pmf[..., 1::2, :])
    return pmf[..., 0, : n + 1]


def convolve(first: Pmf, second: Pmf, limit: int | None = None) -> Pmf:
    """Distribution of the sum of two independent numbers, along the last axis, up to `limit`."""
    whole = first.shape[-1] + second.shape[-1] - 1
    size = whole if limit is None else min(whole, limit + 1)
    length = next_fast_len(whole, real=True)
    product = np.fft.rfft(first, length) * np.fft.rfft(second, length)
    return np.clip(np.fft.irfft(product, length)[..., :size], 0.0, 1.0)


def correlated(p: NDArray[np.float64], variance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Trials that share a scene's luck, so that the number of successes varies as much as told.

    One-factor Gaussian copula (Vasicek 1987): given a common normal factor z, trial i succeeds with probability
    Phi((Phi^-1(p_i) - sqrt(rho) z) / sqrt(1 - rho)). Each p_i keeps its mean, certain trials stay certain, and
    the number stays between 0 and n; rho is solved for the variance, up to 0.9 (few trials cannot vary as told).

    Args:
        p: (n,) probabilities.
        variance: wanted of the number of successes; what independent trials have is the least.

    Returns:
        (Q, n) probabilities given each of Q values of the factor, and the (Q,) probabilities of those values.
    """
    if len(p) < 2 or variance <= _spread(p[None], np.ones(1)) * (1 + 1e-9):
        return p[None], np.ones(1)
    z, weights = _FACTOR, _FACTOR_WEIGHTS
    quantiles = ndtri(p)

    def given(rho: float) -> NDArray[np.float64]:
        conditional: NDArray[np.float64] = ndtr((quantiles - np.sqrt(rho) * z[:, None]) / np.sqrt(1 - rho))
        return conditional

    def lacking(rho: float) -> float:
        return _spread(given(rho), weights) - variance

    if lacking(_MOST_CORRELATED) <= 0:
        return given(_MOST_CORRELATED), weights
    return given(float(brentq(lacking, 0.0, _MOST_CORRELATED, xtol=1e-5))), weights


def remixed(
    p: NDArray[np.float64], share: float, sure: float, kinds: ArrayLike = 1.0
) -> tuple[NDArray[np.float64], float]:
    """What scores are worth at a site where another share of the detections is true.

    p is the probability of truth where `share` of the detections is true, and p / (1 - p) over share / (1 - share) what
    the score says by itself. The share at a site is taken to be Beta(sure share, sure (1 - share)) before its own
    detections are looked at, and they tell of it (Saerens et al. 2002, doi:10.1162/089976602753284446), but all of them
    no more than one does: what lowers one score of a scene (haze, say) lowers all, and is no clutter. So each is worth
    next to what it was, and all are true together, or false, more often.

    Args:
        p: (n,) probabilities of truth.
        share: of the true ones among the detections that p was fitted to, above 0 and below 1.
        sure: how sure the share is, in detections; `math.inf`: it is that everywhere.
        kinds: (n,) probability of each to be of the kind that is counted.

    Returns:
        (n,) probabilities that each is true and of the kind, and the variance of their sum that comes of the share.
    """
    of_kind = np.broadcast_to(np.asarray(kinds, dtype=np.float64), p.shape)
    if not len(p) or math.isinf(sure):
        return p * of_kind, 0.0
    levels = (np.arange(_MIXES) + 0.5) / _MIXES
    mix = np.clip(betaincinv(sure * share, sure * (1 - share), levels), _CERTAIN, 1 - _CERTAIN)
    sure_of = np.clip(p, _CERTAIN, 1 - _CERTAIN)
    said = sure_of / (1 - sure_of) * ((1 - share) / share)
    either = np.multiply.outer(mix, said) + (1 - mix)[:, None]
    weights = np.exp(np.log(either).mean(axis=1))
    weights /= weights.sum()
    given = np.multiply.outer(mix, said) / either * of_kind
    return weights @ given, _moved(given.sum(axis=1), weights)


def _moved(means: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(weights @ (means - weights @ means) ** 2)


def _spread(p: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Variance of the number of successes, mixed over rows."""
    return float(weights @ (p * (1 - p)).sum(axis=1)) + _moved(p.sum(axis=1), weights)


def add_missed(pmf: Pmf, found: float, missed: float, prior: float = 1.0, limit: int | None = None) -> Pmf:
    """Distribution of objects where `pmf` is that of the objects found, at a recall ~ Beta(found, missed).

    With N uniform a priori (`prior` 1), N - K given K is negative binomial (K+1, recall); its mixture over the
    recall is beta-negative-binomial. A prior proportional to 1/N has `prior` 0.

    Args:
        pmf: (…, K+1) of objects found.
        found: first parameter of the Beta distribution, above 2: else their number has no variance.
        missed: the second.
        prior: added to K.
        limit: greatest number of objects that is asked for; None: to where next to nothing is left.
    """
    norm = betaln(found, missed)
    terms = _Terms(
        found=lambda k: gammaln(found + k) - gammaln(k) - norm,
        more=lambda m: gammaln(missed + m) - gammaln(m + 1),
        both=lambda n: gammaln(n) - gammaln(found + missed + n),
    )

    def span(k: int) -> tuple[float, float]:
        most = k + 1 + prior
        mean = most * missed / (found - 1)
        variance = mean * (most + found - 1) * (found + missed - 1) / (found - 2) / (found - 1)
        return 0.0, mean + 12 * math.sqrt(variance) + 30

    return _add(pmf, terms, span, prior, limit)


def add_unseen(
    pmf: Pmf, fraction: float, prior: float = 1.0, limit: int | None = None, evenness: float = EVENNESS
) -> Pmf:
    """Distribution of objects in a zone where `pmf` is that of the part that was seen, a share of its area.

    Objects stand in rows and groups: the share of them that stands on a share f of the ground is taken to be
    Beta(evenness f, evenness (1 - f)). Where it is f itself (`math.inf`), N - K given K is negative binomial (K+1, f).

    Args:
        pmf: (…, K+1) of objects on the part that was seen.
        fraction: the share of the ground that was seen, at least 0.5.
        prior: added to K, as for `add_missed`.
        limit: greatest number of objects that is asked for, if any.
        evenness: how closely shares of objects follow shares of ground.
    """
    if fraction >= 1:
        return pmf
    if math.isfinite(evenness):
        return add_missed(pmf, evenness * fraction, evenness * (1 - fraction), prior, limit)
    terms = _Terms(
        found=lambda k: k * math.log(fraction) - gammaln(k),
        more=lambda m: xlog1py(m, -fraction) - gammaln(m + 1),
        both=gammaln,
    )

    def span(k: int) -> tuple[float, float]:
        most = k + 1 + prior
        greatest = (most * (1 - fraction) + 9 * math.sqrt(most * (1 - fraction)) + 30) / fraction
        return max(0.0, 2 * most * (1 - fraction) / fraction - greatest), greatest

    return _add(pmf, terms, span, prior, limit)


def scaled(pmf: Pmf, factors: ArrayLike, *, whole: bool = True) -> Pmf:
    """Distribution of a number N times a factor that is one of several, equally likely ones, to the nearest integer.

    Args:
        pmf: (N+1,).
        factors: (Q,) above 0, the least first.
        whole: nothing lies beyond the end of `pmf`. Else the result ends where that could matter.
    """
    f = np.asarray(factors, dtype=np.float64)
    below = np.append(0.0, np.cumsum(pmf))
    end = math.ceil((len(pmf) - 1) * f[-1]) + 1 if whole else max(0, math.floor((len(pmf) - 1) * f[0]))
    upper = np.arange(end) + 0.5
    cumulated = np.zeros(end)
    for factor in f:  # round(N factor) <= n where N < (n + 0.5) / factor
        least = np.minimum(np.ceil(upper / factor), len(pmf)).astype(np.intp)
        cumulated += below[least]
    return np.diff(cumulated / len(f), prepend=0.0)


def quantile(pmf: Pmf, level: float) -> int:
    """Least n with P(N <= n) >= level; raises `ValueError` where the array ends before it."""
    n = int(np.searchsorted(np.cumsum(pmf), level - 1e-12))
    if n == len(pmf):
        raise ValueError(f"numbers up to {n - 1} hold {pmf.sum()}, and the quantile at {level} is asked for")
    return n


@dataclass(frozen=True)
class _Terms:
    """log P(M = m | K = k) as a sum of terms in k, m and k + m: each is computed once, not for every pair."""

    found: Curve
    more: Curve
    both: Curve


def _add(pmf: Pmf, terms: _Terms, span: Span, prior: float, limit: int | None) -> Pmf:
    """Distribution of K + M, with M given by K + prior.

    log P(M = m | K = k) is a sum of terms in k, m and k + m, so that the distribution is a convolution: all at once,
    where every product is a number that can be held, else row by row within `span`.

    Args:
        pmf: (…, K+1) of K.
        terms: of M given K.
        span: least and greatest M that matter at a K, both rising with K.
        prior: added to K.
        limit: greatest K + M that is asked for, if any.
    """
    held = np.flatnonzero(pmf.reshape(-1, pmf.shape[-1]).max(axis=0) > _NEGLIGIBLE)
    first, last = int(held[0]), int(held[-1])
    end = last + math.ceil(span(last)[1])
    if limit is not None:
        end, last = min(end, limit), min(last, limit)
    result = np.zeros((*pmf.shape[:-1], end + 1))
    if first > end:
        return result
    found = terms.found(np.maximum(np.arange(first, last + 1) + prior, _NO_PRIOR))
    more = terms.more(np.arange(float(end - first + 1)))
    both = terms.both(np.maximum(np.arange(first, end + 1) + prior, _NO_PRIOR))
    if np.ptp(found) + np.ptp(more) < _LOGS:
        weights, steps = np.exp(found - found.max()), np.exp(more - more.max())
        for row in np.ndindex(pmf.shape[:-1]):
            result[row][first:] = _convolved(pmf[row][first : last + 1], weights, steps)
        result[..., first:] *= np.exp(both + found.max() + more.max())
        return result
    for start in range(first, last + 1, _ROWS):
        k = np.arange(start, min(start + _ROWS, last + 1))
        least, greatest = start + math.floor(span(start)[0]), int(k[-1]) + math.ceil(span(int(k[-1]))[1])
        n = np.arange(least, min(greatest, end) + 1)
        if not len(n):
            break
        added = n - k[:, None]
        logs = more[np.maximum(added, 0)] + found[k - first, None] + both[n - first]
        given = np.where(added >= 0, np.exp(np.minimum(logs, 0)), 0.0)
        result[..., n] += pmf[..., k] @ given
    return result


def _convolved(pmf: Pmf, weights: Pmf, steps: Pmf) -> Pmf:
    """The weighted `pmf` convolved with `steps`, as long as these; what is next to nothing takes no time."""
    held = np.flatnonzero(pmf > _NEGLIGIBLE)
    result = np.zeros(len(steps))
    if len(held):
        own = slice(int(held[0]), int(held[-1]) + 1)
        result[own.start :] = np.convolve(steps, pmf[own] * weights[own])[: len(steps) - own.start]
    return result
