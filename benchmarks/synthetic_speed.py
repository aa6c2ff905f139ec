"""How long a synthetic scene takes: an air base of 4,000 by 4,000 px at 0.3 m, drawn and written as COG.

    python benchmarks/synthetic_speed.py [--runs 3] [--size 4000] [--gsd 0.3]

Prints the median and the spread of the runs, wall clock and processor time, with what else kept the machine busy.
"""

import argparse
import hashlib
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from apronwatch_datasets.synthetic import demo_scenario, draw
from apronwatch_datasets.synthetic.strips import WORKERS
from apronwatch_datasets.synthetic.writing import write_scene


def main() -> None:
    options = _options()
    scenario = demo_scenario()
    busiest = max(scenario.scenes, key=lambda scene: len(scene.parked))
    half = options.size * options.gsd / 2
    look = replace(busiest.look, gsd_m=options.gsd, bits=8, bands=3, extent_m=(-half, -half, half, half))
    drawn, written, busy, digests = [], [], [], set()
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            start, processor = time.perf_counter(), time.process_time()
            picture = draw(scenario.base, busiest.parked, look)
            middle = time.perf_counter()
            files = write_scene(picture, "scene", Path(folder), Path(folder), Path(folder))
            drawn.append(middle - start)
            written.append(time.perf_counter() - middle)
            busy.append(time.process_time() - processor)
            digests.add(hashlib.sha256(files.image.read_bytes()).hexdigest())
    height, width, bands = picture.pixels.shape
    print(f"{width} x {height} px, {bands} bands, {look.gsd_m} m, {len(busiest.parked)} objects")
    print(f"{WORKERS} threads, {os.cpu_count()} processors, load before: {os.getloadavg()[0]:.1f}")
    for name, seconds in (("drawn", drawn), ("written", written), ("processor time, both", busy)):
        print(
            f"{name:22} {median(seconds):6.2f} s  ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} runs)"
        )
    print(f"same bytes in each run: {'yes' if len(digests) == 1 else 'NO'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", type=int, default=4000, help="side of the scene in pixels")
    parser.add_argument("--gsd", type=float, default=0.3, help="metres per pixel")
    return parser.parse_args()


if __name__ == "__main__":
    main()
