"""Killed, out of disk, done twice: the archive holds each run whole or not at all, and the numbers stay the same."""

import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine

from tests.e2e.conftest import Command
from tests.rasters import make_raster

APRONWATCH = Path(sys.executable).parent / "apronwatch"
PLACE = Affine(1.0, 0.0, 300_000.0, 0.0, -1.0, 3_920_000.0)


def scenes(folder: Path, number: int, side: int = 700) -> list[Path]:
    rng = np.random.default_rng(7)
    return [
        make_raster(
            folder / f"202412{k + 1:02d}.tif",
            pixels=rng.integers(60, 200, (side, side, 3), dtype=np.uint8),
            crs="EPSG:32637",
            transform=PLACE,
        )
        for k in range(number)
    ]


def numbers(series: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a series says, without the ids that a retry may change."""
    return [
        (r["time"], r["zone"], r["class"], r["seen"], r["status"], r["observed_fraction"])
        for r in series["rows"]
    ]


def test_killed_at_any_moment_and_run_again(apronwatch: Command, folder: Path) -> None:
    images = scenes(folder, 4)
    command = [APRONWATCH, "count", *images, "--site", "base", "--archive", folder / "killed.sqlite"]
    clean = apronwatch("count", *images, "--site", "base", "--json")
    rng = random.Random(3)
    for _ in range(4):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_the_archive(child, folder / "killed.sqlite")
        time.sleep(rng.uniform(0.0, 0.8))
        child.kill()
        assert child.wait() in (-signal.SIGKILL, 0)
    again = apronwatch("count", *images, "--site", "base", "--archive", folder / "killed.sqlite", "--json")
    assert again.status == 0
    assert again.document["scenes"] == clean.document["scenes"]
    runs = apronwatch("archive", "runs", "--archive", folder / "killed.sqlite", "--json").document["runs"]
    assert len(runs) == len(images)
    assert {run["status"] for run in runs} == {"done"}
    killed = apronwatch("series", "base", "--archive", folder / "killed.sqlite", "--json").document
    assert numbers(killed) == numbers(apronwatch("series", "base", "--json").document)


def test_ctrl_c_in_the_midst_of_a_scene_keeps_those_before_it(apronwatch: Command, folder: Path) -> None:
    small, large = scenes(folder, 1, side=200)[0], folder / "20241209.tif"
    noise = np.random.default_rng(1).integers(60, 200, (6000, 6000, 3), dtype=np.uint8)
    make_raster(large, pixels=noise, crs="EPSG:32637", transform=PLACE)
    words = [APRONWATCH, "count", small, large, "--site", "base"]
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c
    )
    end = time.monotonic() + 60
    while _runs(folder / "apronwatch.sqlite") == 0 and child.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert err.startswith("apronwatch: interrupted")
    assert err.count("\n") == 1
    listed = apronwatch("archive", "runs", "--json").document["runs"]
    assert [(run["scene"]["path"], run["status"]) for run in listed] == [(str(small), "done")]


def _heed_ctrl_c() -> None:
    """A shell that runs the tests in the background has them, and their children, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _runs(path: Path) -> int:
    """How many an archive holds that another process may be making."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone()
        return int(connection.execute("SELECT count(*) FROM run").fetchone()[0]) if made else 0


def _wait_for_the_archive(child: subprocess.Popen[bytes], path: Path) -> None:
    """The archive is opened once all inputs are checked: the work begins there."""
    end = time.monotonic() + 60
    while not path.exists() and child.poll() is None and time.monotonic() < end:
        time.sleep(0.02)


def test_the_same_scene_twice_or_under_two_names_is_one_run(apronwatch: Command, folder: Path) -> None:
    image = scenes(folder, 1)[0]
    copy = folder / "copy_20241201.tif"
    copy.write_bytes(image.read_bytes())
    first = apronwatch("count", image, "--site", "base", "--json")
    second = apronwatch("count", image, copy, "--site", "base", "--json")
    assert second.document["scenes"][0]["counts"] == first.document["scenes"][0]["counts"]
    assert len(apronwatch("archive", "runs", "--json").document["runs"]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files by setrlimit")
def test_a_full_disk_loses_nothing_that_was_stored(apronwatch: Command, folder: Path) -> None:
    first, second = scenes(folder, 2)
    assert apronwatch("count", first, "--site", "base").status == 0
    before = apronwatch("series", "base", "--json").out
    room = 33 * 1024  # enough for the index of the write-ahead log, not for the log of one more run

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    words = [APRONWATCH, "count", second, "--site", "base", "--json"]
    full = subprocess.run(words, capture_output=True, text=True, preexec_fn=no_room, check=False)
    assert full.returncode == 1
    assert "not_archived" in full.stderr
    counts = json.loads(full.stdout)["scenes"][0]["counts"]
    assert [c["status"] for c in counts if c["class"] == "plane"] == ["complete", "complete"]
    assert apronwatch("series", "base", "--json").out == before
    assert apronwatch("count", second, "--site", "base").status == 0
    times = {row["time"] for row in apronwatch("series", "base", "--json").document["rows"]}
    assert times == {"2024-12-01T00:00:00Z", "2024-12-02T00:00:00Z"}


def test_an_interrupted_report_leaves_the_old_one(apronwatch: Command, folder: Path) -> None:
    assert apronwatch("count", scenes(folder, 1)[0], "--site", "base").status == 0
    page = folder / "base.html"
    page.write_text("the old one")
    assert apronwatch("report", "nowhere", "--out", page).status == 2
    assert page.read_text() == "the old one"
    assert apronwatch("report", "base", "--out", page).status == 0
    assert "<!doctype html>" in page.read_text().lower()
