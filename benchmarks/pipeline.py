"""Memory and speed of the main path, as one table.

    python benchmarks/pipeline.py [memory] [stages] [sahi] [startup] [--quick]

All four without a name. Timings are taken in turn (A B C A B C …) in one process and given as the median of the
rounds' ratios with the least and the greatest. All pictures are drawn. `--quick` only shows that the script works.
Stages and SAHI are timed with `plane-26n-obb-seed`, memory with the weights that count by default.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from measure import HEADER, ROUNDS, WEIGHTS, Row, figure_row, in_turn, ratio_row
from numpy.typing import NDArray
from pictures import air_base, write_cog

from apronwatch import Scene, Site, detect, find_model, load_engine
from apronwatch.cli.output import print_table
from apronwatch.counting import count_run
from apronwatch.engines import ModelSpec
from apronwatch.engines.devices import usable_cores
from apronwatch_datasets.synthetic import Picture

APRONWATCH = Path(sys.executable).with_name("apronwatch")

# The peak of a process counts what its parent held when it was started: so a small parent starts it.
_PEAK_OF = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[2:], check=True, stdout=open(sys.argv[1], 'w')); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def memory(folder: Path, quick: bool) -> list[Row]:
    """Peak memory of `apronwatch count` on a large COG against a small one, both at 0.3 m."""
    picture = air_base(0.3)
    rows, peaks = [], []
    sides = (2_000, 4_000) if quick else (5_000, 30_000)
    for side in sides:
        peak_mib, seconds, seen = _count_in_a_process(folder, picture, side)
        peaks.append(peak_mib)
        of = f"memory, {side:,}² COG at 0.3 m"
        rows.append((of, f"{peak_mib:.0f} MiB", "", ""))
        pace = f"{seconds:.1f} s, {side**2 / seconds / 1e6:.1f} Mpx/s, {seen} planes seen"
        rows.append((of.replace("memory", "time"), pace, "", ""))
    times = (sides[1] / sides[0]) ** 2
    rows.append((f"memory, for {times:.0f} times the pixels", f"{peaks[1] / peaks[0]:.2f} times", "", "1"))
    return rows


def _count_in_a_process(folder: Path, picture: Picture, side_px: int) -> tuple[float, float, int]:
    """Peak resident memory [MiB], seconds and planes of `apronwatch count` on a COG that is then removed."""
    scene = write_cog(folder / f"{side_px}_20241201.tif", picture, side_px)
    answer = folder / f"{side_px}.json"
    command = [
        APRONWATCH,
        "count",
        scene,
        "--site",
        "bench",
        "--json",
        "--archive",
        folder / f"{side_px}.sqlite",
    ]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _PEAK_OF, answer, *command], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - start
    scene.unlink()
    [shown] = json.loads(answer.read_text())["scenes"]
    seen = next(c["seen"] for c in shown["counts"] if c["zone"] == "*" and c["class"] == "plane")
    return int(done.stdout) / 1024, seconds, seen


class _Recorder:
    """An engine that keeps the tiles that it was shown."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.tiles: list[NDArray[np.uint8]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def detect(self, batch: NDArray[np.uint8], score_floor: float) -> Any:
        self.tiles += list(batch)
        return self._engine.detect(batch, score_floor)


def stages(folder: Path, quick: bool) -> list[Row]:
    """From the file to its counts, over the forward passes alone: same tiles, same model, prepared beforehand."""
    rows = []
    side_m = 1_600 if quick else 3_200
    for title, gsd_m, aim in (("on the lattice", 1.0, "1.15"), ("resampled from 0.5 m", 0.5, "1.25")):
        path = write_cog(folder / f"stages_{gsd_m}_20241201.tif", air_base(gsd_m), round(side_m / gsd_m))
        rows += _stages(path, title, aim, 2 if quick else ROUNDS)
    return rows


def _stages(path: Path, title: str, aim: str, rounds: int) -> list[Row]:
    engine = load_engine(find_model(WEIGHTS), "cpu")
    recorder = _Recorder(engine)
    _whole(path, recorder)
    raw = _raw_forwards(engine.model, recorder.tiles)
    spent: list[dict[str, float]] = []
    seconds = in_turn({"whole": lambda: spent.append(_whole(path, engine)), **raw}, rounds)
    whole = seconds["whole"]
    rows = [figure_row(f"{title}: end to end, {len(recorder.tiles)} tiles, s", whole, "{:.2f}")]
    for stage in spent[-1]:
        values = [of_round[stage] for of_round in spent[-rounds:]]
        rows.append(figure_row(f"  of which {stage}, s", values, "{:.2f}"))
    for how in raw:
        rows.append(figure_row(f"  raw forwards, {how}, s", seconds[how], "{:.2f}"))
        rows.append(ratio_row(f"  end to end / raw forwards, {how}", whole, seconds[how], aim))
    return rows


def _whole(path: Path, engine: Any) -> dict[str, float]:
    """From a file to its counts; seconds by stage."""
    start = time.perf_counter()
    with Scene.open(path) as scene:
        site = Site.whole_picture("bench", scene.info)
        opened = time.perf_counter()
        run = detect(scene, engine, site)
        detected = time.perf_counter()
        count_run(run, site, engine.model)
    return {"open": opened - start, **run.stage_s, "count": time.perf_counter() - detected}


def _raw_forwards(model: ModelSpec, tiles: list[NDArray[np.uint8]]) -> dict[str, Callable[[], object]]:
    """The forward passes alone, over prepared tiles, by either way to use all cores."""
    cores = usable_cores()
    pixels = np.ascontiguousarray(np.stack(tiles).transpose(0, 3, 1, 2)) / np.float32(255)
    together, alone = _session(model, cores), _session(model, 1)
    name = together.get_inputs()[0].name

    def one_at_a_time() -> None:
        for k in range(0, len(pixels), model.batch):
            together.run(None, {name: pixels[k : k + model.batch]})

    def side_by_side() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda k: alone.run(None, {name: pixels[k : k + 1]}), range(len(pixels))))

    return {f"one run on {cores} threads": one_at_a_time, f"{cores} runs of one thread": side_by_side}


def _session(model: ModelSpec, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(model.path, options, providers=["CPUExecutionProvider"])


def startup(folder: Path, quick: bool) -> list[Row]:
    """`apronwatch --help`, as a shell starts it."""
    call = [APRONWATCH, "--help"]
    seconds = in_turn(
        {"": lambda: subprocess.run(call, check=True, capture_output=True)}, 2 if quick else ROUNDS
    )
    return [figure_row("`apronwatch --help`, s", seconds[""], "{:.2f}", "below 0.5")]


def sahi(folder: Path, quick: bool) -> list[Row]:
    """Against SAHI: see `against_sahi.py`."""
    from against_sahi import compare

    return compare(folder, 2 if quick else 3, 2 if quick else ROUNDS)


PARTS: dict[str, Callable[[Path, bool], list[Row]]] = {
    "startup": startup,
    "stages": stages,
    "sahi": sahi,
    "memory": memory,
}


def main() -> None:
    """Print the table of the parts asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="memory|stages|sahi|startup")
    parser.add_argument("--quick", action="store_true", help="small pictures and two rounds")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}: there are {', '.join(PARTS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.parts or PARTS:
            rows += PARTS[name](Path(folder), options.quick)
    print_table(HEADER, rows, right=(1,))


if __name__ == "__main__":
    main()
