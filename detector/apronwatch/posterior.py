"""Distributions of the number of objects behind a set of detections; pure arithmetic on probabilities.

A distribution is an array: entry n is the probability of n objects. Where it has rows, each row is a
distribution of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len
from scipy.optimize import brentq
from scipy.special import betaln, gammaln, ndtr, ndtri, xlog1py

Pmf = NDArray[np.float64]
Curve = Callable[[Pmf], Pmf]

NODES = 40
"""Gauss-Hermite nodes of a scene's common factor; dispersions up to 20 leave no ripple between them."""

_NEGLIGIBLE = 1e-13
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


def convolve(first: Pmf, second: Pmf) -> Pmf:
    """Distribution of the sum of two independent numbers, along the last axis."""
    size = first.shape[-1] + second.shape[-1] - 1
    length = next_fast_len(size, real=True)
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


def _spread(p: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Variance of the number of successes, mixed over rows."""
    mean = p.sum(axis=1)
    return float(weights @ (p * (1 - p)).sum(axis=1) + weights @ (mean - weights @ mean) ** 2)


def add_missed(pmf: Pmf, found: float, missed: float, prior: float = 1.0) -> Pmf:
    """Distribution of objects where `pmf` is that of the objects found, at a recall ~ Beta(found, missed).

    With N uniform a priori (`prior` 1), N - K given K is negative binomial (K+1, recall); its mixture over the
    recall is beta-negative-binomial. A prior proportional to 1/N has `prior` 0.

    Args:
        pmf: (…, K+1) of objects found.
        found: first parameter of the Beta distribution.
        missed: the second.
        prior: added to K.
    """
    norm = betaln(found, missed)
    terms = _Terms(
        found=lambda k: gammaln(found + k) - gammaln(k) - norm,
        more=lambda m: gammaln(missed + m) - gammaln(m + 1),
        both=lambda n: gammaln(n) - gammaln(found + missed + n),
    )
    most = pmf.shape[-1] + prior
    mean = most * missed / max(found - 1, 0.5)
    variance = mean * (most + found - 1) * (found + missed - 1) / max(found - 2, 0.5) / max(found - 1, 0.5)
    return _add(pmf, terms, mean + 12 * math.sqrt(variance) + 30, prior)


def add_unseen(pmf: Pmf, fraction: float, prior: float = 1.0) -> Pmf:
    """Distribution of objects in a zone where `pmf` is that of the part that was seen, a share of its area.

    The unseen part is taken to be as dense as the seen one: N - K given K is negative binomial (K+1, fraction).
    """
    if fraction >= 1:
        return pmf
    terms = _Terms(
        found=lambda k: k * math.log(fraction) - gammaln(k),
        more=lambda m: xlog1py(m, -fraction) - gammaln(m + 1),
        both=gammaln,
    )
    most = pmf.shape[-1] + prior
    mean, sd = most * (1 - fraction) / fraction, math.sqrt(most * (1 - fraction)) / fraction
    return _add(pmf, terms, mean + 9 * sd + 30 / fraction, prior)


def quantile(pmf: Pmf, level: float) -> int:
    """Least n with P(N <= n) >= level."""
    return int(np.searchsorted(np.cumsum(pmf), level - 1e-12))


@dataclass(frozen=True)
class _Terms:
    """log P(M = m | K = k) as a sum of terms in k, m and k + m: each is computed once, not for every pair."""

    found: Curve
    more: Curve
    both: Curve


def _add(pmf: Pmf, terms: _Terms, reach: float, prior: float) -> Pmf:
    """Distribution of K + M, with M given by K + prior, up to `reach` more objects."""
    held = np.flatnonzero(pmf.reshape(-1, pmf.shape[-1]).max(axis=0) > _NEGLIGIBLE)
    first, last = int(held[0]), int(held[-1])
    k, n = np.arange(first, last + 1), np.arange(first, last + 1 + math.ceil(reach))
    more = n - k[:, None]
    logs = terms.more(np.arange(float(len(n))))[np.maximum(more, 0)]
    logs += terms.found(np.maximum(k + prior, _NO_PRIOR))[:, None]
    logs += terms.both(np.maximum(n + prior, _NO_PRIOR))
    result = np.zeros((*pmf.shape[:-1], first + len(n)))
    result[..., first:] = pmf[..., first : last + 1] @ np.where(more >= 0, np.exp(np.minimum(logs, 0)), 0.0)
    return result
