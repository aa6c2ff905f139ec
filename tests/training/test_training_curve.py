"""The benchmark of a run's epochs, on weights drawn at random."""

import csv
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.fakes.synthetic import write_fake
from tests.conftest import REPOSITORY
from tests.detector.engines.conftest import write_random_weights
from tests.extras import need
from tests.training.prepared import row, write_prepared

need("ultralytics", "train")


@pytest.fixture
def a_run(tmp_path: Path) -> Callable[[str], Path]:
    """The folder of a run that kept two epochs, the first of them done twice, with tiles of one dataset."""

    def write(dataset: str) -> Path:
        tiles = write_prepared(tmp_path / "tiles", [row("train", dataset, "synthetic", plane=200)])
        weights = tmp_path / "own" / "weights"
        weights.mkdir(parents=True)
        for epoch in (0, 10):
            write_random_weights(weights / f"epoch{epoch}.pt", CLASSES)
        (weights / "last.pt").write_bytes(b"not looked at")
        (tmp_path / "own" / "config.json").write_text(json.dumps({"data": {"tiles": str(tiles)}}))
        with (tmp_path / "own" / "results.csv").open("w", newline="") as file:
            lines = [["epoch", "time", "train/box_loss", "lr/pg0"], [1, 9, 4.5, 0.1], [1, 9, 2.25, 0.1]]
            csv.writer(file).writerows(lines)
        return tmp_path / "own"

    return write


def curve(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["training_curve.py", *map(str, words)])
    runpy.run_path(str(REPOSITORY / "benchmarks" / "training_curve.py"), run_name="__main__")


def test_each_epoch_has_a_row_and_a_point(
    a_run: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_fake(tmp_path / "scenes")
    out = tmp_path / "curve.png"
    curve(monkeypatch, a_run("dota"), f"synthetic={tmp_path / 'scenes'}", "--device", "cpu", "--plot", out)
    header, _, first, last = capsys.readouterr().out.splitlines()
    assert header.split()[-1] == "box_loss"
    assert first.split()[:2] == ["plane", "1"]
    assert first.split()[-1] == "2.250"  # of an epoch done twice the last
    assert last.split()[1] == "11"
    assert last.split()[-1] == "-"  # results.csv does not tell it
    pixels = np.asarray(Image.open(out).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_places_that_taught_are_refused(
    a_run: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fake(tmp_path / "scenes")
    with pytest.raises(SystemExit, match="synthetic/synthetic taught"):
        curve(
            monkeypatch, a_run("synthetic"), f"synthetic={tmp_path / 'scenes'}", "--plot", tmp_path / "c.png"
        )
    assert not (tmp_path / "c.png").exists()


def test_a_run_without_epochs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="keep_epochs = true"):
        curve(monkeypatch, tmp_path, "synthetic=nowhere", "--plot", tmp_path / "c.png")
