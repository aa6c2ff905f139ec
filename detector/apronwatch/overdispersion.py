"""Counts of a place that vary more than Poisson's: how much, and how sure one can be of it.

Dispersion is the factor phi of the variance. A handful of looks measures it badly, and a test that takes the
measured value for true raises too many alarms where phi is above 1. So a test averages its p over what phi may be,
given Pearson's chi2 of the looks: even odds for Poisson's law beforehand, else phi log-uniform from 1 to 64. A park
that is full on weekdays and empty on Sundays has a phi of 20 and more.
"""

import numpy as np
from numpy.typing import NDArray

PHI = np.geomspace(1.0, 64.0, 15)
_PRIOR = np.array([0.5, *np.full(len(PHI) - 1, 0.5 / (len(PHI) - 1))])

LEAST_CONCENTRATION = 1.0
"""Of the Dirichlet distribution: totals hardly above phi cannot be told apart from a single lucky look."""


def chi2_about(counts: NDArray[np.int64], exposures: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…,) Pearson's chi2 of counts (…, n) about one rate, n-1 degrees of freedom: (E / Y) sum(y^2 / e) - Y."""
    total = counts.sum(axis=-1)
    chi2 = (counts**2 / exposures).sum(axis=-1) * exposures.sum(axis=-1) / np.maximum(total, 1) - total
    return np.asarray(np.maximum(chi2, 0.0))


def posterior(chi2: NDArray[np.float64] | float, df: int) -> NDArray[np.float64]:
    """(…, 15) probabilities of the values of `PHI`; chi2 / phi is chi-squared with df degrees of freedom."""
    logs = -df / 2 * np.log(PHI) - np.asarray(chi2, dtype=np.float64)[..., None] / (2 * PHI)
    weights = _PRIOR * np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def concentration(total: int, phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a Dirichlet-multinomial of this total whose variance is phi times the multinomial's; phi above 1."""
    return np.asarray(np.maximum((total - phi) / (phi - 1), LEAST_CONCENTRATION))
