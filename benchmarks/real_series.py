"""Do counts tell of the changes that labels tell of? Pairs of looks at one airport, on real images.

    python benchmarks/real_series.py [--model NAME] [--quick]

Of every series of the Airbus sample (pictures of one footprint) with two labelled looks or more: each pair of looks
under the product's test for short histories, once with what `apronwatch count --undated --gsd 0.5` sees and once with
what is labelled (planes whole or cut), both with the share that was seen. p is the product's (`activity.judge`: the
pair test averaged over what the dispersion may be) and, in brackets, that of the pair test under Poisson's law alone.
An alarm is a p of 0.01 or less and a fall by a third or a rise by a half at least. Labels and counts agree where both
raise an alarm in the same direction, or neither does.

After a single look nothing is known of the dispersion, so the product's p raises few alarms and agrees cheaply; what
it takes is printed first. The p in brackets puts the counts to a harder test, and no alarm of the product rests on it.

The pictures are undated: A and B are in order of file names, not of time; a fall may have been a rise, and nothing is
scanned. A series of n looks gives n (n - 1) / 2 pairs that lean on the same counts: they are no independent trials.

Needs the real images, see `APRONWATCH_DATA`.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from airbus import GSD_M, HELD_OUT, OTHERS, Image, images

from apronwatch import Count, Scene, count, find_model, load_engine
from apronwatch.activity import Look, is_alarm, judge
from apronwatch.cli.output import print_table
from apronwatch.engines import Engine
from apronwatch.engines.specs import ModelSpec

DATASET = "airbus-aircraft"
TESTS = "the product's test", "Poisson's law alone"
EXAMPLE = 30
"""Planes at the first look for which the least change that raises an alarm is printed."""


@dataclass(frozen=True)
class Told:
    """p of two looks and the alarm (`fall`, `rise` or nothing), each by the product and by Poisson's law alone."""

    p: tuple[float, float]
    alarm: tuple[str, str]

    @classmethod
    def of(cls, first: Look, second: Look) -> "Told":
        finding = judge([first, second])
        if finding.p is None or finding.pair is None:
            raise ValueError(f"no pair test of {first} and {second}")
        towards = "fall" if finding.pair.ratio < 1 else "rise"
        alarms = finding.alarm, is_alarm(finding.pair.p, finding.pair.ratio)
        return cls((finding.p, finding.pair.p), (towards * alarms[0], towards * alarms[1]))

    def __str__(self) -> str:
        product, poisson = (f"{p:.4f} {a}".rstrip() for p, a in zip(self.p, self.alarm, strict=True))
        return f"{product} ({poisson})"


@dataclass(frozen=True)
class Pair:
    """Two looks of one series, with what labels and counts say of them."""

    first: Image
    second: Image
    seen: tuple[int | None, int | None]
    labels: Told
    counts: Told

    @property
    def agree(self) -> tuple[bool, bool]:
        """By the product and by Poisson's law alone."""
        product, poisson = (a == b for a, b in zip(self.labels.alarm, self.counts.alarm, strict=True))
        return product, poisson


def all_series() -> list[list[Image]]:
    """The labelled pictures of each series that has two or more, by file name; validation and calibration first."""
    labelled = [image for image in images() if image.series and image.labelled is not None]
    ordered = sorted(labelled, key=lambda image: (image.series, image.path.name))
    found = [list(looks) for _, looks in groupby(ordered, key=lambda image: image.series)]
    order = [*HELD_OUT, OTHERS]
    return sorted(
        (looks for looks in found if len(looks) > 1),
        key=lambda looks: (order.index(looks[0].part), looks[0].site, looks[0].series),
    )


def look_at(image: Image, engine: Engine) -> Count:
    """The planes of one whole picture by the product's pipeline, at the threshold of the registry."""
    with Scene.open(image.path, undated=True, gsd_m=GSD_M) as scene:
        [total] = [c for c in count(scene, engine, classes=["plane"]) if c.zone == "*"]
    if total.seen is None or not total.testable:
        raise SystemExit(f"{image.path.name}: no test may rest on it, {', '.join(total.reasons)}")
    return total


def pairs_of(looks: Sequence[Image], engine: Engine) -> list[Pair]:
    """Every pair of looks of one series."""
    seen = [(image, look_at(image, engine)) for image in looks]
    found = []
    for (first, a), (second, b) in combinations(seen, 2):
        shares = a.observed_fraction, b.observed_fraction
        labels = Told.of(Look("A", first.labelled, shares[0]), Look("B", second.labelled, shares[1]))
        counts = Told.of(Look("A", a.seen, shares[0]), Look("B", b.seen, shares[1]))
        found.append(Pair(first, second, (a.seen, b.seen), labels, counts))
    return found


def print_pairs(pairs: Sequence[Pair], model: ModelSpec) -> None:
    """The table of one series."""
    site, series = pairs[0].first.site, pairs[0].first.series
    print(f"\n{site}, {series}: {pairs[0].first.part}; {_taught(model, site)}\n")
    lines = []
    for pair in pairs:
        both = pair.first, pair.second
        numbers = *(image.labelled for image in both), *pair.seen
        agree = "{} ({})".format(*("yes" if same else "NO" for same in pair.agree))
        names = (image.path.stem[:8] for image in both)
        lines.append([*names, *map(str, numbers), str(pair.labels), str(pair.counts), agree])
    header = ("A", "B", "labelled A", "B", "seen A", "B", "p from labels", "p from counts", "agree")
    print_table(header, lines, right=range(2, 6))


def _taught(model: ModelSpec, site: str) -> str:
    told = {None: "not recorded whether the weights learned from it", False: "held out from the weights"}
    return told.get(model.learned_from(DATASET, site), "not held out from the weights")


def print_summary(pairs: Sequence[Pair], model: ModelSpec) -> None:
    """Both tests, a line for each part of the split and for the places that the weights never saw."""
    parts = [(name, [p for p in pairs if p.first.part == name]) for name in (*HELD_OUT, OTHERS)]
    for taught, name in (
        (False, "held out from the weights"),
        (True, "not held out"),
        (None, "not recorded"),
    ):
        parts.append((name, [p for p in pairs if model.learned_from(DATASET, p.first.site) is taught]))
    header = ("places", "series", "pairs", "agree", "alarms by labels", "by counts", "both alike")
    for test, title in enumerate(TESTS):
        print(f"\nBy {title}; unsupported: alarms by counts and not by labels; missed: the reverse\n")
        lines = [line for name, of in parts for line in _summary(name, of, test)]
        print_table((*header, "unsupported", "missed"), lines, right=range(1, 9))


def _summary(name: str, pairs: Sequence[Pair], test: int) -> Iterable[list[str]]:
    if not pairs:
        return
    told = [(pair.labels.alarm[test], pair.counts.alarm[test]) for pair in pairs]
    numbers = [len({pair.first.series for pair in pairs}), len(pairs), sum(a == b for a, b in told)]
    numbers += [
        sum(a != "" for a, _ in told),
        sum(b != "" for _, b in told),
        sum(a == b != "" for a, b in told),
    ]
    numbers += [sum(a != b != "" for a, b in told), sum("" != a != b for a, b in told)]
    yield [name, *map(str, numbers)]


def _least_changes() -> Iterator[str]:
    """The counts after `EXAMPLE` planes that are enough for an alarm, by the product and by Poisson's law."""
    told = {after: Told.of(Look("A", EXAMPLE, 1.0), Look("B", after, 1.0)) for after in range(20 * EXAMPLE)}
    for test, name in enumerate(TESTS):
        down = max((n for n, t in told.items() if t.alarm[test] == "fall"), default=None)
        up = min((n for n, t in told.items() if t.alarm[test] == "rise"), default=None)
        yield f"{down} or fewer, {up} or more, by {name}"


def main() -> None:
    """Print a table for each series, then the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", metavar="NAME", help="name in the registry, or a file that it pins")
    parser.add_argument("--quick", action="store_true", help="one series")
    options = parser.parse_args()
    engine = load_engine(find_model(options.model), "cpu")
    print(f"{engine.model.name}, threshold {engine.model.classes['plane'].threshold:.2f}")
    print("Undated pictures: pairs only, A and B in order of file names, not of time")
    print(f"After one look at {EXAMPLE} planes an alarm takes: {'; '.join(_least_changes())}")
    pairs: list[Pair] = []
    for looks in all_series()[:1] if options.quick else all_series():
        of_series = pairs_of(looks, engine)
        print_pairs(of_series, engine.model)
        pairs += of_series
    print_summary(pairs, engine.model)


if __name__ == "__main__":
    main()
