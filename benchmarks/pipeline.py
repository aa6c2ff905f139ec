"""Memory and speed of the main path, as one table. `python benchmarks/pipeline.py [memory|stages|sahi|startup]`.

Each timing is a ratio of two things measured in turn in the same process (`A B A B …`), given as the median with the
least and the greatest, because a shared machine's speed drifts.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import rasterio
from rasterio.windows import Window

ROUNDS = 5
UTM37 = "EPSG:32637"


def write_scene(path: Path, side_px: int, gsd_m: float) -> Path:
    """A textured RGB COG of `side_px` squared, written block by block."""
    profile = {
        "driver": "GTiff", "width": side_px, "height": side_px, "count": 3, "dtype": "uint8", "crs": UTM37,
        "transform": rasterio.Affine(gsd_m, 0, 350_000, 0, -gsd_m, 3_900_000), "tiled": True, "blockxsize": 512,
        "blockysize": 512, "compress": "jpeg", "photometric": "ycbcr", "jpeg_quality": 80, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    rng = np.random.default_rng(1)
    base = rng.integers(60, 180, (3, 64, 64), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    block = (base // 2 + rng.integers(0, 60, (3, 512, 512), dtype=np.uint8)).astype(np.uint8)
    with rasterio.open(path, "w", **profile) as out:
        for top in range(0, side_px, 512):
            for left in range(0, side_px, 512):
                window = Window(left, top, min(512, side_px - left), min(512, side_px - top))
                out.write(block[:, : int(window.height), : int(window.width)], window=window)
        out.build_overviews([2, 4, 8, 16, 32], rasterio.enums.Resampling.average)
    return path


def memory(folder: Path) -> None:
    """Peak memory of `apronwatch count` on a large scene against a small one."""
    print("\npeak resident memory of `apronwatch count` (0.3 m RGB COG, whole picture)")
    peaks = []
    for side in (5_000, 30_000):
        scene = write_scene(folder / f"{side}_20241201.tif", side, 0.3)
        command = [
            Path(sys.executable).parent / "apronwatch", "count", scene, "--site", "bench", "--json",
            "--archive", folder / f"{side}.sqlite",
        ]  # fmt: skip
        before = time.perf_counter()
        with (folder / "out.json").open("w") as out:
            child = subprocess.Popen(command, stdout=out)
            _, status, usage = os.wait4(child.pid, 0)
        spent = time.perf_counter() - before
        if status:
            raise SystemExit(f"count failed with status {status}")
        peaks.append(usage.ru_maxrss / 1024)
        net = side * side * 0.09 / 1e6
        print(f"  {side:6d}²  {peaks[-1]:7.0f} MiB   {spent:6.1f} s   {net / spent:6.3f} km²/s")
        scene.unlink()
    print(f"  ratio {peaks[1] / peaks[0]:.2f} for {30_000**2 / 5_000**2:.0f} times the pixels")


def in_turn(first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Ratios first/second, measured in turn after one warm-up of each."""
    first(), second()
    ratios = []
    for _ in range(rounds):
        times = []
        for call in (first, second):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    return ratios


def spread(ratios: list[float]) -> str:
    """Median with the least and greatest."""
    return f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


class _Recorder:
    """An engine that keeps the tiles it was shown."""

    def __init__(self, engine) -> None:
        self.model, self.device, self._engine = engine.model, engine.device, engine
        self.batches: list[np.ndarray] = []

    def detect(self, batch, score_floor):
        self.batches.append(batch.copy())
        return self._engine.detect(batch, score_floor)


def stages(folder: Path) -> None:
    """The whole pass over the raw forward time of the same tiles, same model, same session."""
    from apronwatch.pipeline import detect
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.scene import Scene

    engine = load_engine(find_model(None), "cpu")
    print("\nend to end over the raw forward of the same tiles (aim: 1.15; with resampling 1.25)")
    for title, side, gsd in (("on the lattice", 3_000, 1.0), ("resampled from 0.5 m", 6_000, 0.5)):
        path = write_scene(folder / f"stages_{side}_20241201.tif", side, gsd)
        with Scene.open(path) as scene:
            _ = scene.info
            recorder = _Recorder(engine)
            run = detect(scene, recorder)
            prepared = [
                np.ascontiguousarray(b.transpose(0, 3, 1, 2)) / np.float32(255) for b in recorder.batches
            ]

            def forward(prepared: list[np.ndarray] = prepared) -> None:
                for pixels in prepared:
                    engine._session.run(None, {engine._input: pixels})

            ratios = in_turn(lambda scene=scene: detect(scene, engine), forward)
            shares = "  ".join(f"{k} {v:.2f} s" for k, v in run.stage_s.items())
        print(f"  {title:22s} {spread(ratios)}   tiles {run.tiles}   waited: {shares}")


def startup() -> None:
    """`apronwatch --help`, from the shell."""
    command = [Path(sys.executable).parent / "apronwatch", "--help"]
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    print(
        f"\n`apronwatch --help`: {median(times[1:]):.2f} s ({min(times[1:]):.2f} to {max(times[1:]):.2f}; aim: 0.5)"
    )


def main(what: list[str]) -> None:
    """Print the rows asked for, all of them by default."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not what or "startup" in what:
            startup()
        if not what or "stages" in what:
            stages(folder)
        if not what or "sahi" in what:
            from against_sahi import compare

            compare(folder)
        if not what or "memory" in what:
            memory(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
