"""How often a steady place raises an alarm, and how soon a drop is found, in simulation.

    python benchmarks/false_alarms.py [--series 100] [--seed 1] [--short]

Each look sees 60 to 100 % of a zone and finds 92 % of what it sees; the rule knows both. `alarms/look` and
`any in 24`: 34 looks without a change, judged at each of the last 24, as `apronwatch.activity.judge` does. Then
the rate drops to 0.4 or 0.15 of itself after 14 looks: the share of series with an alarm by the first, second and
third look after the drop. Last, what `apronwatch.outlook` foretells from 14 looks of the same place.

Places: Poisson; seasonal (a swing of 30 % over 24 looks); 60 % of stands occupied, each look anew (`stands`) or with
a memory of 0.8 (`markov`); variance 2 or 4 times the mean (`nb2`, `nb4`).

`--short`: the same for histories of less than six looks: alarms at the second to the eighth look of a place, and
a drop to 0.4 after 1, 2, 3, 4 or 5 looks of a Poisson place.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from apronwatch.activity import Look, judge
from apronwatch.outlook import outlook

PLACES = ("poisson", "seasonal", "stands", "markov", "nb2", "nb4")
MEANS = (5, 20)
DROPS = (0.4, 0.15)
RECALL = 0.92
OCCUPIED = 0.6
MEMORY = 0.8
WARM_UP, WATCHED, BEFORE_DROP, AFTER_DROP = 10, 24, 14, 3
SHORT_BEFORE, SHORT_LOOKS, SHORT_MEANS = (1, 2, 3, 4, 5), 8, (10, 20, 30)
DRAWS = 999


def present(
    place: str, mean: float, factors: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(n,) objects at a place whose rate is the mean times the factors (n,)."""
    n, rate = len(factors), mean * factors
    if place == "seasonal":
        rate = rate * (1 + 0.3 * np.sin(2 * np.pi * (np.arange(n) / 24 + rng.random())))
    if place in ("poisson", "seasonal"):
        return rng.poisson(rate)
    if place.startswith("nb"):
        dispersion = float(place[2:])
        return rng.negative_binomial(rate / (dispersion - 1), 1 / dispersion)
    stands = round(mean / OCCUPIED)
    memory = MEMORY if place == "markov" else 0.0
    occupied = rng.random(stands) < OCCUPIED
    counts = []
    for k in range(n):
        anew = rng.random(stands) >= (memory if k == 0 or factors[k] == factors[k - 1] else 0.0)
        occupied = np.where(anew, rng.random(stands) < OCCUPIED * factors[k], occupied)
        counts.append(int(occupied.sum()))
    return np.array(counts, dtype=np.int64)


def looks(place: str, mean: float, factors: NDArray[np.float64], rng: np.random.Generator) -> list[Look]:
    there = present(place, mean, factors, rng)
    seen = rng.uniform(0.6, 1.0, len(factors))
    counts = rng.binomial(there, seen * RECALL)
    return [
        Look(str(k), int(count), float(fraction), RECALL)
        for k, (count, fraction) in enumerate(zip(counts, seen, strict=True))
    ]


def false_alarms(place: str, mean: float, series: int, rng: np.random.Generator) -> tuple[float, float]:
    """Alarms per look, and share of series with any alarm in 24 looks."""
    alarms = np.zeros((series, WATCHED), dtype=np.bool_)
    for s in range(series):
        steady = looks(place, mean, np.ones(WARM_UP + WATCHED), rng)
        alarms[s] = [judge(steady[: WARM_UP + k + 1], draws=DRAWS).alarm for k in range(WATCHED)]
    return float(alarms.mean()), float(alarms.any(axis=1).mean())


def power(
    place: str, mean: float, drop: float, series: int, rng: np.random.Generator, before: int = BEFORE_DROP
) -> NDArray[np.float64]:
    """(3,) share of series with an alarm by the first, second, third look after the drop."""
    factors = np.append(np.ones(before), np.full(AFTER_DROP, drop))
    found = np.zeros((series, AFTER_DROP), dtype=np.bool_)
    for s in range(series):
        dropped = looks(place, mean, factors, rng)
        found[s] = [judge(dropped[: before + k + 1], draws=DRAWS).alarm for k in range(AFTER_DROP)]
    return np.asarray(np.logical_or.accumulate(found, axis=1).mean(axis=0))


def short_false_alarms(
    place: str, mean: float, series: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """(7,) alarms at the second to the eighth look of a steady place, and share of series with any."""
    alarms = np.zeros((series, SHORT_LOOKS - 1), dtype=np.bool_)
    for s in range(series):
        steady = looks(place, mean, np.ones(SHORT_LOOKS), rng)
        alarms[s] = [judge(steady[: k + 2], draws=DRAWS).alarm for k in range(SHORT_LOOKS - 1)]
    return alarms.mean(axis=0), float(alarms.any(axis=1).mean())


def short_histories(series: int, seed: int) -> None:
    for place in PLACES:
        for mean in MEANS:
            rng = np.random.default_rng([seed, 100 + PLACES.index(place), mean])
            per_look, any_of = short_false_alarms(place, mean, series, rng)
            shown = ", ".join(f"{k + 2} {share:.4f}" for k, share in enumerate(per_look))
            line = f"{place:8} mu={mean:2} alarms/look {per_look.mean():.4f}; any in 2 to 8 {any_of:.3f}"
            print(f"{line} | at look {shown}", flush=True)
    for mean in SHORT_MEANS:
        for before in SHORT_BEFORE:
            rng = np.random.default_rng([seed, 200 + before, mean])
            found = power("poisson", mean, DROPS[0], series, rng, before)
            by_look = ", ".join(f"{k + 1} {share:.3f}" for k, share in enumerate(found))
            print(f"poisson  mu={mean:2} {before} before, x{DROPS[0]}: by look {by_look}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=100, help="per place, mean and case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="histories of less than six looks")
    told = parser.parse_args()
    print(
        f"{told.series} series; a share of 5 % has a standard error of {np.sqrt(4.75 / told.series) * 10:.1f} points"
    )
    if told.short:
        short_histories(told.series, told.seed)
        return
    for place in PLACES:
        for mean in MEANS:
            rng = np.random.default_rng([told.seed, PLACES.index(place), mean])
            per_look, per_24 = false_alarms(place, mean, told.series, rng)
            cells = []
            for drop in DROPS:
                by_look = ", ".join(
                    f"{k + 1} {p:.2f}" for k, p in enumerate(power(place, mean, drop, told.series, rng))
                )
                cells.append(f"x{drop}: by look {by_look}")
            history = looks(place, mean, np.ones(BEFORE_DROP), rng)
            told_by = outlook(history, DROPS[0])
            cells.append(
                f"outlook {told_by.alarms_per_look:.4f}, {told_by.any_in_24:.2f}, x0.4 {told_by.found_by[-1]:.2f}"
            )
            line = f"{place:8} mu={mean:2} alarms/look {per_look:.4f}; any in 24 {per_24:.3f} | "
            print(line + "; ".join(cells), flush=True)


if __name__ == "__main__":
    main()
