"""How long merging and suppression take.

    python benchmarks/merge_speed.py

Merging: a base repeated until its tiles give 1e5 boxes, at the share of repetitions that the overlap makes;
and 1e5 boxes of which each object has two, all of them in the guard between two cores (the worst case).
Suppression: 10 candidates for each object of a tile. Overlap of polygons: ours against shapely's, on the
same pairs.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.detector.ideal import Seen, Truth, air_base, look

from apronwatch.engines.suppression import suppress
from apronwatch.geometry import pair_iou, polygons_to_shapely, rotated_boxes
from apronwatch.lattice import Lattice
from apronwatch.merging import merge

REPEATS = 3


def report(what: str, call: Callable[[], object]) -> None:
    """Prints the least of a few wall-clock times."""
    took = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    print(f"{what:75}{min(took) * 1e3:9.1f} ms")


def whole_city(boxes: int, lattice: Lattice, rng: np.random.Generator) -> tuple[Truth, Seen]:
    """Air bases side by side until their tiles return about so many boxes."""
    base = air_base()
    side = int(np.ceil(np.sqrt(boxes / len(base) / 2)))
    at = np.stack(np.meshgrid(np.arange(side) * 720.0, np.arange(side) * 560.0), axis=-1).reshape(-1, 2)
    polygons = np.concatenate([base.polygons + offset for offset in at])
    truth = Truth(polygons, np.tile(base.classes, len(at)))
    return truth, look(truth, lattice, rng)


def all_twice(objects: int, lattice: Lattice, rng: np.random.Generator) -> Seen:
    """Rows of cars that lie along edges of cores: each is seen by the two tiles beside it."""
    edges = np.arange(1, 41)
    edge_m = (edges * lattice.stride_px + lattice.overlap_px / 2) * lattice.gsd_m
    row, place = np.divmod(np.arange(objects), objects // len(edges))
    x, y = edge_m[row % len(edges)], 20.0 + 3.0 * place
    boxes = rotated_boxes(x, y, 4.6, 1.9, np.zeros(objects))
    beside = np.concatenate([lattice.owner(np.stack([x - 1, y], 1)), lattice.owner(np.stack([x + 1, y], 1))])
    twice = np.tile(boxes, (2, 1, 1)) + rng.normal(0.0, 0.5 * lattice.gsd_m, (2 * objects, 1, 2))
    truth = np.tile(np.arange(objects), 2)
    return Seen(twice, rng.random(2 * objects), np.full(2 * objects, 2, dtype=np.int16), beside, truth)


def candidates(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten boxes for each object of a tile, before suppression; larger tiles for more than 3,000."""
    objects, side = count // 10, 1024.0 * max(1.0, (count / 3000) ** 0.5)
    centre, length = rng.uniform(0, side, (2, objects)), rng.uniform(15, 60, objects)
    width, angle = length * rng.uniform(0.3, 1, objects), rng.uniform(0, np.pi, objects)
    of = np.repeat(np.arange(objects), 10)
    boxes = rotated_boxes(
        *(centre[:, of] + rng.normal(0, 2, (2, count))),
        length[of] * rng.lognormal(0, 0.1, count),
        width[of] * rng.lognormal(0, 0.1, count),
        angle[of] + rng.normal(0, 0.1, count),
    )
    return boxes, rng.random(count), rng.integers(0, 5, objects)[of]


def by_shapely(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) overlap of pairs of polygons, by shapely."""
    first, second = polygons_to_shapely(a), polygons_to_shapely(b)
    shared = shapely.area(shapely.intersection(first, second))
    return shared / (shapely.area(first) + shapely.area(second) - shared)


def main() -> None:
    """Print one line for each timing."""
    rng = np.random.default_rng(1)
    lattice = Lattice(0.3, 1024, 288, (0.0, 0.0, 12000.0, 12000.0), "EPSG:32637")
    truth, seen = whole_city(100_000, lattice, rng)
    given = (seen.polygons, seen.scores, seen.classes, seen.tile_ij, lattice)
    report(
        f"merge {len(seen):,} boxes of {len(truth):,} objects -> {len(merge(*given)):,}",
        lambda: merge(*given),
    )
    seen = all_twice(50_000, lattice, rng)
    twice = (seen.polygons, seen.scores, seen.classes, seen.tile_ij, lattice)
    report(f"merge {len(seen):,} boxes, each object twice -> {len(merge(*twice)):,}", lambda: merge(*twice))
    for count in (300, 3_000, 30_000):
        tile = candidates(count, rng)
        report(
            f"suppress {count:,} candidates -> {len(suppress(*tile)):,}", lambda tile=tile: suppress(*tile)
        )
    first, second = (candidates(100_000, rng)[0] for _ in range(2))
    second = second + (first - second).mean(axis=1, keepdims=True) + rng.normal(0, 10, (100_000, 1, 2))
    report("pair_iou, 100,000 pairs", lambda: pair_iou(first, second))
    report("the same pairs by shapely", lambda: by_shapely(first, second))
    difference = np.abs(pair_iou(first, second) - by_shapely(first, second)).max()
    print(f"greatest difference between the two: {difference:.1e}")


if __name__ == "__main__":
    main()
