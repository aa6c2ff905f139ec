"""What tiling and merging do to a count: an ideal detector under random tile grids, joined in several ways.

    python benchmarks/exactly_once.py --grids 300

The detector returns all that a tile shows of 417 known objects (whole, or the visible part where the tile
cuts it), its centres off by a Gaussian of 1 px on each axis, with random scores; `--recall` makes it miss
boxes, tile by tile. Every grid has another origin and another tile size (640 to 1536 px). The error of a
grid is the joined count less the number of objects that counted in some tile.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.detector.ideal import Seen, air_base, lattice_over, look, tally

from apronwatch.engines.suppression import suppress
from apronwatch.geometry import envelopes, pair_iou
from apronwatch.lattice import GUARD_PX, Lattice
from apronwatch.merging import merge
from apronwatch.taxonomy import superclass_ids

Join = Callable[[Seen, Lattice], NDArray[np.intp]]


def concatenate(seen: Seen, lattice: Lattice) -> NDArray[np.intp]:
    """All boxes of all tiles."""
    return np.arange(len(seen))


def polygon_nms(seen: Seen, lattice: Lattice) -> NDArray[np.intp]:
    """The best-scored of boxes whose polygons overlap, whatever their tile."""
    return suppress(seen.polygons, seen.scores, seen.classes, 0.5)


def axis_aligned_nms(seen: Seen, lattice: Lattice) -> NDArray[np.intp]:
    """The same, by their upright hulls."""
    west, south, east, north = envelopes(seen.polygons).T
    hulls = np.stack([west, south, east, south, east, north, west, north], axis=1).reshape(-1, 4, 2)
    return suppress(hulls, seen.scores, seen.classes, 0.5)


def greedy_guard(seen: Seen, lattice: Lattice) -> NDArray[np.intp]:
    """Owner first, then score; a later box of another tile goes: IoU > 0.1, centres within 6 px or L/4."""
    centres = seen.polygons.mean(axis=1)
    owned = (lattice.owner(centres) == seen.tile_ij).all(axis=1)
    order = np.lexsort((-seen.scores, ~owned))
    order = order[heeded(seen, lattice)[order]]
    group, kept = superclass_ids(seen.classes), np.zeros(0, dtype=np.intp)
    for box in order:
        apart = np.linalg.norm(centres[kept] - centres[box], axis=1)
        longest = np.linalg.norm(np.diff(seen.polygons[box], axis=0), axis=1).max()
        near = kept[apart <= max(6 * lattice.gsd_m, 0.25 * longest)]
        near = near[(group[near] == group[box]) & (seen.tile_ij[near] != seen.tile_ij[box]).any(axis=1)]
        if not (pair_iou(seen.polygons[near], seen.polygons[np.full(len(near), box)]) > 0.1).any():
            kept = np.append(kept, box)
    return kept


def assignment(seen: Seen, lattice: Lattice) -> NDArray[np.intp]:
    """What the product does."""
    return merge(seen.polygons, seen.scores, seen.classes, seen.tile_ij, lattice)


def heeded(seen: Seen, lattice: Lattice) -> NDArray[np.bool_]:
    """(N,) whether a box lies in its tile's core grown by the guard."""
    centres, guard_m = seen.polygons.mean(axis=1), GUARD_PX * lattice.gsd_m
    low, high = lattice.owner(centres - guard_m), lattice.owner(centres + guard_m)
    return ((low <= seen.tile_ij) & (seen.tile_ij <= high)).all(axis=1)


JOINS: dict[str, Join] = {
    "concatenation": concatenate,
    "axis-aligned NMS 0.5": axis_aligned_nms,
    "polygon NMS 0.5": polygon_nms,
    "guard, greedy": greedy_guard,
    "guard, assignment (ours)": assignment,
}


def measure(gsd_m: float, grids: int, recall: float, seed: int) -> None:
    """Print one line for each way to join: exact grids, error, doubles and losses."""
    rng = np.random.default_rng(seed)
    base = air_base()
    rows: dict[str, list[tuple[int, int, int]]] = {name: [] for name in JOINS}
    for _ in range(grids):
        truth = base.shifted(rng.uniform(0.0, 5000.0, 2))
        lattice = lattice_over(truth, gsd_m, int(rng.integers(640, 1537)), rng.uniform(0.0, 60.0))
        seen = look(truth, lattice, rng)
        found = np.flatnonzero(rng.random(len(seen)) < recall)
        seen = seen.select(rng.permutation(found))
        there = len(np.unique(seen.truth[heeded(seen, lattice)]))
        for name, join in JOINS.items():
            result = tally(truth, seen, join(seen, lattice))
            rows[name].append((result.count - there, result.duplicates, result.losses - (len(truth) - there)))
    for name, row in rows.items():
        error, double, lost = np.array(row).T
        print(
            f"{gsd_m:4.1f}  {name:25}{(error == 0).sum():6d}/{grids:<6d}{error.min():+6d}{error.mean():+9.3f}"
            f"{error.max():+6d}{double.mean():10.3f}{lost.mean():8.3f}"
        )


def main() -> None:
    """Print the table for each GSD."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grids", type=int, default=200)
    parser.add_argument("--recall", type=float, default=1.0, help="share of boxes found, tile by tile")
    parser.add_argument("--gsd", type=float, nargs="+", default=[0.3, 0.5, 1.0])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{len(air_base())} objects, jitter 1 px, recall {options.recall:g}; error = count - objects")
    print("GSD m joined by                  exact grids   min     mean   max   doubled    lost")
    for gsd_m in options.gsd:
        start = time.perf_counter()
        measure(gsd_m, options.grids, options.recall, options.seed)
        print(f"      ({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
