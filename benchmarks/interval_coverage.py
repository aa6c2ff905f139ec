"""How often the 90 % interval of a count holds the truth, in simulation.

    python benchmarks/interval_coverage.py [--scenes 400] [--seed 1]

A zone holds N objects; some stand on the part that is seen and are found with the recall of its place; false detections
come at the share that they have in the calibration set. Each scene is counted with a calibration of its own: 20
labelled places of some 10 objects, fitted as `apronwatch train calibrate` fits. `cover` is how often low <= N <= high
(counts are discrete: it should be 90 % or more), `random` how often a randomised quantile of N in its posterior lies
within 5 to 95 % (on average 90 %).

Places differ as calibrations hold them to before they have seen any (`PLACE_DEVIATION`): in recall by a standard
deviation of 0.05, in the logit of their scores by 0.3; objects stand as unevenly as aircraft do (`EVENNESS`), so that a
share of the ground holds more of them or fewer. Then the same table where places are all alike and objects stand by
chance, which nobody can know; and, at visibility 1 and a recall of 0.85, what makes it harder: places that differ more
(recall by 0.1, scores by 0.5) or as above, the calibration from 20, from 5 and from 3 of them (as many scenes and
objects in all); a calibration that keeps quiet about what places have of their own; twice the false detections of the
calibration set; as many false detections as among the 10 or 30 objects of a calibration scene, whatever stands there.
"""

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from apronwatch.calibration import ClassCalibration, PlaceSpread
from apronwatch.intervals import interval, objects_pmf
from apronwatch.posterior import EVENNESS
from apronwatch_training.calibrate.measuring import class_calibration
from apronwatch_training.calibrate.samples import Sample

OBJECTS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 300)
VISIBILITIES = (0.5, 0.7, 0.85, 1.0)
RECALLS = (0.6, 0.8, 0.9, 0.98)
THRESHOLD = 0.25
LABELLED_SCENES = 20
LENGTH_PX = 60.0


@dataclass(frozen=True)
class World:
    """How detections come about.

    Attributes:
        recall: mean over places.
        false_share: false detections per object that is seen.
        recall_sd: from place to place, by a Beta law.
        score_sd: shift of the logit of the scores, from place to place.
        evenness: how closely shares of objects follow shares of ground.
        labelled: objects of a calibration scene, on the mean.
        clutter: a scene has as many false detections as one of the calibration, whatever stands there.
    """

    recall: float
    false_share: float = 0.12
    recall_sd: float = 0.0
    score_sd: float = 0.0
    evenness: float = math.inf
    labelled: int = 10
    clutter: bool = False


ALIKE = World(0.9)
HELD = World(0.9, recall_sd=0.05, score_sd=0.3, evenness=EVENNESS)
MORE = World(0.9, recall_sd=0.1, score_sd=0.5)


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
        recall = world.recall
        if world.recall_sd:
            size = recall * (1 - recall) / world.recall_sd**2 - 1
            recall = float(rng.beta(recall * size, (1 - recall) * size))
        return cls(recall, rng.normal(0, world.score_sd))


def show(world: World, objects: int, rng: np.random.Generator, place: Place | None = None) -> Shown:
    """A scene at a place; without one, at a new one."""
    place = place or Place.of(world, rng)
    found = rng.random(objects) < place.recall
    among = world.labelled if world.clutter else max(1, objects)
    true = np.append(np.ones(int(found.sum()), bool), np.zeros(rng.poisson(world.false_share * among), bool))
    raw = np.where(true, rng.beta(6, 1.5, len(true)), rng.beta(2, 4, len(true)))
    shifted = expit(logit(np.clip(raw, 1e-6, 1 - 1e-6)) + place.shift)
    return Shown(found, THRESHOLD + (1 - THRESHOLD) * shifted, true)


def calibrate(world: World, rng: np.random.Generator, places: int = LABELLED_SCENES) -> ClassCalibration:
    """From labelled scenes, as many as ever, of some places."""
    at = [Place.of(world, rng) for _ in range(places)]
    numbers = rng.poisson(world.labelled, LABELLED_SCENES)
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
        share = visibility
        if visibility < 1 and math.isfinite(world.evenness):
            share = rng.beta(world.evenness * visibility, world.evenness * (1 - visibility))
        scene = show(world, int(rng.binomial(objects, share)), rng)
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


Row = tuple[float, float, float]


def of_recall(scenes: int, seed: int, world: World) -> list[list[Row]]:
    """Covered, randomised and width, by visibility and number of objects."""
    rng = np.random.default_rng([seed, round(1000 * world.recall)])
    calibrations = [calibrate(world, rng) for _ in range(scenes)]
    return [[coverage(world, calibrations, n, v, rng) for n in OBJECTS] for v in VISIBILITIES]


def of_places(scenes: int, seed: int, case: tuple[str, World, World, int, bool]) -> tuple[str, list[Row]]:
    """Covered, randomised and width by number of objects: of a name, the world that is counted, the world and the
    number of places of the calibrations, and whether these tell how places differ."""
    name, world, labelled, places, told = case
    rng = np.random.default_rng([seed, places])
    calibrations = [calibrate(labelled, rng, places) for _ in range(scenes)]
    if not told:
        calibrations = [replace(c, places=PlaceSpread()) for c in calibrations]
    return name, [coverage(world, calibrations, n, 1.0, rng) for n in OBJECTS]


def cases() -> list[tuple[str, World, World, int, bool]]:
    """What makes it harder, or easier, than the table."""
    alike, held, more = (replace(world, recall=0.85) for world in (ALIKE, HELD, MORE))
    twice = replace(held, false_share=2 * held.false_share)
    cluttered = [replace(held, clutter=True, labelled=n) for n in (10, 30)]
    return [
        ("places alike, 20 of them", alike, alike, 20, True),
        *((f"they differ as held, {n}", held, held, n, True) for n in (20, 5, 3)),
        *((f"they differ more, {n}", more, more, n, True) for n in (20, 5, 3)),
        *((f"the same, {n}, spread left out", more, more, n, False) for n in (20, 5, 3)),
        ("twice the false detections, 20", twice, held, 20, True),
        *((f"false detections as among {w.labelled}, 20", w, w, 20, True) for w in cluttered),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=1000, help="per point")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    error = 100 * np.sqrt(0.09 / told.scenes)
    print(
        f"{told.scenes} scenes a point; standard error of 90 %: {error:.1f} points; cover / random, mean width"
    )
    with ProcessPoolExecutor() as pool:
        for name, world in (("places differ as held", HELD), ("places alike", ALIKE)):
            worlds = [replace(world, recall=recall) for recall in RECALLS]
            found = list(pool.map(partial(of_recall, told.scenes, told.seed), worlds))
            print(f"\n{name}\nrecall  visible |" + "".join(f"{f'N={n}':>14}" for n in OBJECTS))
            for recall, rows in zip(RECALLS, found, strict=True):
                for visibility, row in zip(VISIBILITIES, rows, strict=True):
                    print(f"{recall:6.2f} {visibility:8.2f} |{cells(row)}")
            covered, randomised, _ = np.moveaxis(np.array(found), -1, 0)
            print(
                f"least cover {covered.min():.3f}, mean cover {covered.mean():.3f}, "
                f"mean randomised {randomised.mean():.3f}"
            )
        print(
            f"\nvisibility 1, recall 0.85; places of the calibration{'':>5}"
            + "".join(f"{f'N={n}':>14}" for n in OBJECTS)
        )
        for name, row in pool.map(partial(of_places, told.scenes, told.seed), cases()):
            print(f"{name:56}{cells(row)}")


def cells(row: list[Row]) -> str:
    """Numbers of one line."""
    return "".join(f"{100 * c:5.0f}/{100 * r:3.0f} {w:4.0f}" for c, r, w in row)


if __name__ == "__main__":
    main()
