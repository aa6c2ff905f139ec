"""How fast training tiles are made, with one worker and with two.

    python benchmarks/preparing_speed.py [--images 8] [--side 2560] [--rounds 3]

Drawn images of 0.5 m GSD with 40 boxes each are cut into 1024 px tiles at 0.3 m: read, checked, resampled, hashed for
the leak check, written as PNG. Given are the median of the rounds, and the least and the greatest.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import HEADER, Row, figure_row
from tests.datasets.preparing.made import Made, boxes, scenery, write

from apronwatch.cli.output import print_table
from apronwatch_datasets.preparing import Options, Source, prepare
from apronwatch_datasets.source import SourceImage, SourceObjects

BOXES = 40


def drawn(root: Path, number: int, side: int) -> Source:
    """`number` images of places of their own."""
    images = []
    for n in range(number):
        path = write(root / f"{n:02}.png", scenery(n, side, side))
        objects = SourceObjects.of(boxes(n, BOXES, side, side), ["plane"] * BOXES)
        images.append(SourceImage(f"{n:02}", path, None, objects, f"place{n}", gsd_m=0.5))
    return Source("made", root, Made(tuple(images)))


def timed(source: Source, out: Path, options: Options) -> tuple[float, float, int]:
    """Seconds to check the images, seconds for the rest, and the number of tiles."""
    checked = []

    def watch(what: str, done: int, total: int) -> None:
        if what.startswith("checking") and done == total:
            checked.append(time.perf_counter())

    start = time.perf_counter()
    made = prepare([source], out, options, watch)
    end = time.perf_counter()
    return checked[0] - start, end - checked[0], len(made.rows())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--side", type=int, default=2560)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        source = drawn(Path(scratch) / "in", told.images, told.side)
        megapixels = told.images * told.side**2 / 1e6
        runs: dict[int, list[tuple[float, float, int]]] = {1: [], 2: []}
        for n in range(told.rounds):
            # In turn: a shared machine drifts.
            for workers, taken in runs.items():
                options = replace(Options(), workers=workers)
                taken.append(timed(source, Path(scratch) / f"out-{workers}-{n}", options))
        for workers, taken in runs.items():
            what = f"{workers} worker{'s' if workers > 1 else ''}"
            checking, cutting, tiles = (np.array(column) for column in zip(*taken, strict=True))
            speeds = {
                "checking, source Mpx/s": megapixels / checking,
                "cutting, source Mpx/s": megapixels / cutting,
                "cutting, tiles/s": tiles / cutting,
                "all, source Mpx/s": megapixels / (checking + cutting),
            }
            rows += [figure_row(f"{what}: {name}", list(v), "{:.1f}") for name, v in speeds.items()]
    print_table(HEADER, rows, right=(1, 2))


if __name__ == "__main__":
    main()
