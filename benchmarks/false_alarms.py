"""How often a steady place raises an alarm, and how soon a drop is found, in simulation.

    python benchmarks/false_alarms.py [--series 100] [--seed 1] [--beside 0] [--short]

Each look sees 60 to 100 % of a zone and finds 92 % of what it sees; the rule knows what was seen. `ours` is the rule as
`apronwatch.changes.find_changes` has it: only alarms that stand among all tests of their day count, and the
comparison starts anew after each. `plain` is the same scan with the one dispersion that the looks show, alone and
without BH, from seven looks on; it starts anew too. `alarms/look` and `any in 24`: 34 looks without a change, of
which the last 24 count. Then the rate drops to 0.4 or 0.15 of itself after 14 looks: the share of series with an
alarm by the first, second and third look after the drop. Last, what `apronwatch.outlook` foretells from 14 looks of
the same place. Both rules see the same series. At the end a Poisson place of 28 that falls evenly to nothing over 16
looks, after 8: the share of series with any alarm.

`--beside N`: N steady Poisson zones of the same mean are looked at on the same days; an alarm has to stand among
their tests.

Places: Poisson; seasonal (a swing of 30 % over 24 looks); 60 % of stands occupied, each look anew (`stands`) or with
a memory of 0.8 (`markov`); variance 2, 4 or 16 times the mean (`nb2`, `nb4`, `nb16`); `week`: 1.2 times the mean on
five days of seven, 0.3 times on two, the looks on any.

`--short`: the same for histories of less than six looks: alarms at the second to the eighth look of a place, and
a drop to 0.4 after 1, 2, 3, 4 or 5 looks of a Poisson place.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from apronwatch.activity import RECENT, WINDOW, Look, is_alarm
from apronwatch.archive import SeriesRow
from apronwatch.changes import find_changes
from apronwatch.changes.alarms import level_among
from apronwatch.counts import Count, Status
from apronwatch.outlook import outlook
from apronwatch.scan import scan

PLACES = ("poisson", "seasonal", "stands", "markov", "nb2", "nb4", "nb16", "week")
MEANS = {"nb16": (20, 100), "week": (20, 100)}
USUAL_MEANS = (5, 20)
DROPS = (0.4, 0.15)
RECALL = 0.92
OCCUPIED = 0.6
MEMORY = 0.8
WARM_UP, WATCHED, BEFORE_DROP, AFTER_DROP = 10, 24, 14, 3
SHORT_BEFORE, SHORT_LOOKS, SHORT_MEANS = (1, 2, 3, 4, 5), 8, (10, 20, 30)
SLOW_MEAN = 28
DRAWS = 999
LEAST_PLAIN = 7

Rule = Callable[[list[Look], np.random.Generator], NDArray[np.bool_]]
"""(n,) whether each of some looks raises an alarm."""


def present(
    place: str, mean: float, factors: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(n,) objects at a place whose rate is the mean times the factors (n,)."""
    n, rate = len(factors), mean * factors
    if place == "seasonal":
        rate = rate * (1 + 0.3 * np.sin(2 * np.pi * (np.arange(n) / 24 + rng.random())))
    if place == "week":
        rate = rate * np.where(rng.random(n) < 5 / 7, 1.2, 0.3)
    if place in ("poisson", "seasonal", "week"):
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


def ours(watched: list[Look], rng: np.random.Generator, *, beside: int, mean: float) -> NDArray[np.bool_]:
    steady = [looks("poisson", mean, np.ones(len(watched)), rng) for _ in range(beside)]
    zones = {"own": watched, **{f"other {k}": other for k, other in enumerate(steady)}}
    rows = [row(zone, k, look) for zone, of in zones.items() for k, look in enumerate(of)]
    alarms = np.zeros(len(watched), dtype=np.bool_)
    for series in find_changes(rows).watched:
        if series.stretch.zone == "own":
            alarms[[series.stretch.looks.index(a.since[-1]) for a in series.alarms if a.stands]] = True
    return alarms


def plain(watched: list[Look], rng: np.random.Generator) -> NDArray[np.bool_]:
    alarms, start = np.zeros(len(watched), dtype=np.bool_), 0
    for end in range(1, len(watched) + 1):
        first = max(start, end - WINDOW)
        window = watched[first:end]
        if len(window) < LEAST_PLAIN:
            continue
        counts, exposures = [look.count or 0 for look in window], [look.exposure for look in window]
        measured = scan(counts, exposures, draws=1, dispersion=1.0).dispersion
        found = scan(counts, exposures, draws=DRAWS, dispersion=measured)
        if found.split >= len(window) - RECENT and is_alarm(found.p, found.ratio):
            alarms[end - 1], start = True, first + found.split
    return alarms


def row(zone: str, day: int, look: Look) -> SeriesRow:
    seen, fraction = look.count or 0, look.observed_fraction or 0.0
    count = Count("base", zone, "plane", seen, None, None, None, fraction, Status.PARTIAL, ("partial",))
    return SeriesRow(
        time=datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(days=day),
        time_precision="minute",
        count=count,
        scene_sha256=None,
        scene_identity=f"scene {day}",
        scene_path=f"{day}.tif",
        run_id=day,
        run_ids=(day,),
        model_name="made",
        model_sha256="0" * 64,
        geometry_sha256="0" * 64,
        gsd_m=0.5,
        synthetic=True,
        frames=1,
    )


def alarmed(
    rules: dict[str, Rule], place: str, mean: float, factors: NDArray[np.float64], series: int, key: list[int]
) -> dict[str, NDArray[np.bool_]]:
    """By rule, (series, n) whether each look of the same series raised an alarm."""
    found = {name: np.zeros((series, len(factors)), dtype=np.bool_) for name in rules}
    for s in range(series):
        watched = looks(place, mean, factors, np.random.default_rng([*key, s]))
        for name, rule in rules.items():
            found[name][s] = rule(watched, np.random.default_rng([*key, s, 1]))
    return found


def by_look(alarms: NDArray[np.bool_], before: int) -> str:
    shares = np.logical_or.accumulate(alarms[:, before:], axis=1).mean(axis=0)
    return "by look " + ", ".join(f"{k + 1} {share:.3f}" for k, share in enumerate(shares))


def dropped(drop: float, before: int = BEFORE_DROP) -> NDArray[np.float64]:
    return np.append(np.ones(before), np.full(AFTER_DROP, drop))


def whole(series: int, seed: int, beside: int) -> None:
    for place in PLACES:
        for mean in MEANS.get(place, USUAL_MEANS):
            key = [seed, PLACES.index(place), mean]
            rules: dict[str, Rule] = {"ours": partial(ours, beside=beside, mean=mean), "plain": plain}
            steady = alarmed(rules, place, mean, np.ones(WARM_UP + WATCHED), series, [*key, 0])
            drops = {
                drop: alarmed(rules, place, mean, dropped(drop), series, [*key, 1 + k])
                for k, drop in enumerate(DROPS)
            }
            for name in rules:
                last = steady[name][:, WARM_UP:]
                line = f"{place:8} mu={mean:3} {name:5} alarms/look {last.mean():.4f}"
                line += f"; any in 24 {last.any(axis=1).mean():.3f} | "
                line += "; ".join(f"x{drop}: {by_look(of[name], BEFORE_DROP)}" for drop, of in drops.items())
                print(line, flush=True)
            history = looks(place, mean, np.ones(BEFORE_DROP), np.random.default_rng([*key, 9]))
            ahead = outlook(history, DROPS[0], level=level_among(1 + beside))
            assert ahead is not None
            told = f"alarms/look {ahead.alarms_per_look:.4f}; any in 24 {ahead.any_in_24:.3f}"
            print(f"{'':8} {'':6} outlook {told}; x0.4 by look 3 {ahead.found_by[-1]:.3f}", flush=True)
    slow = np.append(np.ones(8), np.linspace(0.95, 0.02, 16))
    rules = {"ours": partial(ours, beside=beside, mean=SLOW_MEAN), "plain": plain}
    for name, alarms in alarmed(rules, "poisson", SLOW_MEAN, slow, series, [seed, 300]).items():
        print(f"poisson  mu={SLOW_MEAN:3} {name:5} falling to 0: any {alarms[:, 8:].any(axis=1).mean():.3f}")


def short_histories(series: int, seed: int, beside: int) -> None:
    for place in PLACES:
        for mean in MEANS.get(place, USUAL_MEANS):
            rules: dict[str, Rule] = {"ours": partial(ours, beside=beside, mean=mean)}
            key = [seed, 100 + PLACES.index(place), mean]
            alarms = alarmed(rules, place, mean, np.ones(SHORT_LOOKS), series, key)["ours"][:, 1:]
            line = f"{place:8} mu={mean:3} alarms/look {alarms.mean():.4f}"
            line += f"; any in 2 to 8 {alarms.any(axis=1).mean():.3f}"
            shown = ", ".join(f"{k + 2} {share:.4f}" for k, share in enumerate(alarms.mean(axis=0)))
            print(f"{line} | at look {shown}", flush=True)
    for mean in SHORT_MEANS:
        rules = {"ours": partial(ours, beside=beside, mean=mean)}
        for before in SHORT_BEFORE:
            key = [seed, 200 + before, mean]
            alarms = alarmed(rules, "poisson", mean, dropped(DROPS[0], before), series, key)["ours"]
            said = by_look(alarms, before)
            print(f"poisson  mu={mean:3} {before} before, x{DROPS[0]}: {said}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=100, help="per place, mean and case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beside", type=int, default=0, help="steady zones looked at on the same days")
    parser.add_argument("--short", action="store_true", help="histories of less than six looks")
    told = parser.parse_args()
    error = np.sqrt(4.75 / told.series) * 10
    print(f"{told.series} series; a share of 5 % has a standard error of {error:.1f} points")
    (short_histories if told.short else whole)(told.series, told.seed, told.beside)


if __name__ == "__main__":
    main()
