"""The weights that count by default: what they know, and that they are good enough to be looked at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from apronwatch.engines.registry import find_model
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.synthetic import read_scenario, write_scenario
from tests.e2e.conftest import Command

LEAST = 0.75
"""Of recall and precision: far enough below those of the card that another processor's rounding does not matter."""


@pytest.fixture(autouse=True)
def _default_weights(_one_class_weights: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(tmp_path / "none"))


def test_they_know_every_class_and_say_which_were_only_drawn() -> None:
    model = find_model()
    assert tuple(model.classes) == CLASSES
    assert {name for name, spec in model.classes.items() if spec.synthetic_only} == {"helicopter"}
    assert model.path.stat().st_size <= 12_000_000


def test_planes_of_a_real_picture_carry_an_interval_and_the_other_classes_do_not(
    apronwatch: Command, folder: Path
) -> None:
    """A picture that nothing calls drawn: grey ground, nothing on it."""
    ground = np.random.default_rng(3).normal(120, 6, (3, 700, 700)).clip(0, 255).astype(np.uint8)
    transform = Affine(0.5, 0, 460000, 0, -0.5, 4780000)
    with rasterio.open(
        "20241201.tif", "w", driver="GTiff", width=700, height=700, count=3, dtype="uint8", crs="EPSG:32637",
        transform=transform,
    ) as target:  # fmt: skip
        target.write(ground)
    answer = apronwatch("count", "20241201.tif", "--site", "empty", "--json")
    assert answer.status == 0, answer.err
    plane = answer.counts()["*"]
    assert (plane["seen"], plane["status"], plane["low"]) == (0, "complete", 0)
    assert plane["high"] is not None
    for name in CLASSES[1:]:
        count = answer.counts(name=name)["*"]
        assert (count["seen"], count["low"], count["high"]) == (0, None, None), name
        assert "uncalibrated" in count["reasons"]
    assert "synthetic_only" in answer.counts(name="helicopter")["*"]["reasons"]
    table = apronwatch("count", "20241201.tif", "--site", "empty").out
    assert any("helicopter" in line and "synthetic_only" in line for line in table.splitlines())


def test_on_drawn_scenes_each_class_is_usable(apronwatch: Command, folder: Path) -> None:
    """One look at a base and one at a port that the weights never saw; the card has the figures of all looks."""
    for place in read_scenario("drawdown"):
        write_scenario(replace(place, scenes=place.scenes[:1]), folder / "drawn" / place.base.id)
    answer = apronwatch("train", "evaluate", "synthetic=drawn", "--json")
    assert answer.status == 0, answer.err
    [evaluation] = answer.document["evaluations"]
    points = {c["class"]: c["operating_point"] for c in evaluation["classes"]}
    assert set(points) == set(CLASSES)
    assert {name: p["recall"] for name, p in points.items() if p["recall"] < LEAST} == {}
    assert {name: p["precision"] for name, p in points.items() if p["precision"] < LEAST} == {}
