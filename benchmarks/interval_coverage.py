"""How often the 90 % interval of a count holds the truth, in simulation.

    python benchmarks/interval_coverage.py [--scenes 1000] [--seed 1]

A zone holds N objects; each is seen with the visibility and then found with the recall; false detections come at
the share that they have in the calibration set. Each scene is counted with a calibration of its own: 20 labelled
scenes of some 10 objects, Platt's curve, recall and dispersion fitted as training does. `cover` is how often
low <= N <= high (counts are discrete: it should be 90 % or more), `random` how often a randomised quantile of N in
its posterior lies within 5 to 95 % (on average 90 %). Each labelled scene is a place of its own.

Then what breaks the assumptions, at visibility 1: places that differ in recall (sd 0.05) and in how their scores
read, the calibration from 20, from 5 and from 3 of them (as many scenes and objects in all); the last two with a
calibration that keeps quiet about what places have of their own; twice the false detections of the calibration set.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from apronwatch.calibration import ClassCalibration, PlaceSpread
from apronwatch.intervals import interval, objects_pmf
from apronwatch_training.calibrate.measuring import class_calibration
from apronwatch_training.calibrate.samples import Sample

OBJECTS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 300)
VISIBILITIES = (0.5, 0.7, 0.85, 1.0)
RECALLS = (0.6, 0.8, 0.9, 0.98)
THRESHOLD = 0.25
LABELLED_SCENES = 20
OBJECTS_A_SCENE = 10
LENGTH_PX = 60.0


@dataclass(frozen=True)
class World:
    """How detections come about.

    Attributes:
        recall: mean over places.
        false_share: false detections per object that is seen.
        recall_sd: from place to place.
        score_sd: shift of the logit of the scores, from place to place.
    """

    recall: float
    false_share: float = 0.12
    recall_sd: float = 0.0
    score_sd: float = 0.0


@dataclass(frozen=True, eq=False)
class Shown:
    """One scene: which objects were found (N,), and the detections' scores and truth (D,)."""

    found: NDArray[np.bool_]
    scores: NDArray[np.float64]
    true: NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """What a place has of its own: its recall, and the shift of the logit of its scores."""

    recall: float
    shift: float

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> "Place":
        recall = float(np.clip(rng.normal(world.recall, world.recall_sd), 0.01, 0.995))
        return cls(recall, rng.normal(0, world.score_sd))


def show(world: World, objects: int, rng: np.random.Generator, place: Place | None = None) -> Shown:
    """A scene at a place; without one, at a new one."""
    place = place or Place.of(world, rng)
    found = rng.random(objects) < place.recall
    true = np.append(
        np.ones(int(found.sum()), bool), np.zeros(rng.poisson(world.false_share * max(1, objects)), bool)
    )
    raw = np.where(true, rng.beta(6, 1.5, len(true)), rng.beta(2, 4, len(true)))
    shifted = expit(logit(np.clip(raw, 1e-6, 1 - 1e-6)) + place.shift)
    return Shown(found, THRESHOLD + (1 - THRESHOLD) * shifted, true)


def calibrate(world: World, rng: np.random.Generator, places: int = LABELLED_SCENES) -> ClassCalibration:
    """From labelled scenes, as many as ever, of some places."""
    at = [Place.of(world, rng) for _ in range(places)]
    numbers = rng.poisson(OBJECTS_A_SCENE, LABELLED_SCENES)
    scenes = [show(world, n, rng, at[k % places]) for k, n in enumerate(numbers)]
    scores, true, found = (
        np.concatenate([getattr(s, part) for s in scenes]) for part in ("scores", "true", "found")
    )
    order = np.arange(LABELLED_SCENES)
    sample = Sample(
        class_name="plane",
        threshold=THRESHOLD,
        real=True,
        left_out=0,
        scene_places=tuple(str(k % places) for k in order),
        scores=scores,
        detected_px=np.full(len(scores), LENGTH_PX),
        true=true,
        scene_of=np.repeat(order, [len(s.scores) for s in scenes]),
        found=found,
        lengths_px=np.full(len(found), LENGTH_PX),
        object_scene_of=np.repeat(order, [len(s.found) for s in scenes]),
    )
    return class_calibration(sample)


def coverage(
    world: World,
    calibrations: list[ClassCalibration],
    objects: int,
    visibility: float,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Share covered, randomised share covered, mean width; one scene per calibration."""
    covered, randomised, width = 0, 0, 0
    for calibration in calibrations:
        scene = show(world, int(rng.binomial(objects, visibility)), rng)
        lengths = np.full(len(scene.scores), LENGTH_PX)
        got = interval(scene.scores, lengths, calibration, visibility, threshold=THRESHOLD, real_image=True)
        assert got.low is not None
        assert got.high is not None
        covered += got.low <= objects <= got.high
        width += got.high - got.low
        below = np.append(0.0, np.cumsum(objects_pmf(scene.scores, lengths, calibration, visibility)))
        at, above = below[min(objects, len(below) - 1)], below[min(objects + 1, len(below) - 1)]
        randomised += 0.05 <= at + rng.random() * (above - at) <= 0.95
    n = len(calibrations)
    return covered / n, randomised / n, width / n


def table(scenes: int, seed: int) -> Iterator[tuple[float, float, int, float, float, float]]:
    """Rows of recall, visibility, objects, covered, randomised, mean width."""
    for recall in RECALLS:
        rng = np.random.default_rng([seed, round(1000 * recall)])
        world = World(recall)
        calibrations = [calibrate(world, rng) for _ in range(scenes)]
        for visibility in VISIBILITIES:
            for objects in OBJECTS:
                yield recall, visibility, objects, *coverage(world, calibrations, objects, visibility, rng)


def broken(scenes: int, seed: int) -> Iterator[tuple[str, list[float]]]:
    """Rows of name and share covered for each number of objects."""
    rng = np.random.default_rng(seed)
    differing = World(0.85, recall_sd=0.05, score_sd=0.5)
    honest = {places: [calibrate(differing, rng, places) for _ in range(scenes)] for places in (20, 5, 3)}
    quiet = {n: [replace(c, places=PlaceSpread()) for c in made] for n, made in honest.items() if n < 20}
    plain = World(0.85)
    plainly = [calibrate(plain, rng) for _ in range(scenes)]
    for name, world, calibrations in (
        *((f"places differ, calibrated at {n}", differing, made) for n, made in honest.items()),
        *((f"the same at {n}, spread left out", differing, made) for n, made in quiet.items()),
        ("twice the false detections", replace(plain, false_share=0.24), plainly),
    ):
        yield name, [coverage(world, calibrations, n, 1.0, rng)[0] for n in OBJECTS]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=1000, help="per point")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    rows = list(table(told.scenes, told.seed))
    print(
        f"{told.scenes} scenes a point; standard error of 90 %: {100 * np.sqrt(0.09 / told.scenes):.1f} points"
    )
    print(
        "recall  visible |" + "".join(f"{f'N={n}':>14}" for n in OBJECTS) + "   (cover / random, mean width)"
    )
    for recall in RECALLS:
        for visibility in VISIBILITIES:
            line = [row for row in rows if row[:2] == (recall, visibility)]
            cells = "".join(f"{100 * c:5.0f}/{100 * r:3.0f} {w:4.0f}" for *_, c, r, w in line)
            print(f"{recall:6.2f} {visibility:8.2f} |{cells}")
    covered, randomised = np.array([row[3:5] for row in rows]).T
    print(
        f"least cover {covered.min():.3f}, mean cover {covered.mean():.3f}, mean randomised {randomised.mean():.3f}"
    )
    for name, shares in broken(told.scenes, told.seed):
        print(f"{name:38}" + "".join(f"{100 * share:5.0f}" for share in shares))


if __name__ == "__main__":
    main()
