"""A card says what was measured, and says so where nothing was."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apronwatch.calibration import Calibration
from apronwatch.engines import ModelSpec, find_model
from apronwatch.errors import CallInvalid, DatasetInvalid, ModelInvalid
from apronwatch_datasets.records import LabelledImage
from apronwatch_training.calibrate.measuring import calibrate, write_calibration
from apronwatch_training.calibrate.samples import samples
from apronwatch_training.card.writing import write_card
from apronwatch_training.evaluate.left_out import LeftOut
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.evaluate.scoring import score
from apronwatch_training.export.describing import UNKNOWN
from apronwatch_training.uncertainty import count_error_intervals, wilson
from tests.training.prepared import row, write_prepared
from tests.training.scored import looked


@pytest.fixture
def seed() -> ModelSpec:
    return find_model("plane-26n-obb-seed")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        row("train", "airbus-aircraft", "site01", plane=200, helicopter=100, ship=100),
        row("val", "airbus-aircraft", "site05", plane=9),
    ]
    return write_prepared(tmp_path / "tiles", rows) / "prepared.json"


def scenes(dataset: str = "airbus-aircraft") -> list[Looked]:
    """Large planes are all found, ten of twelve small ones are missed; one scene counts four too many."""
    return [
        looked([0.9] * 20, false=[0.6] * 4, dataset=dataset, place="site05", side_px=80.0),
        looked([0.9] * 2, missed=10, dataset=dataset, place="site07", side_px=24.0),
    ]


def evaluation(
    folder: Path,
    model: ModelSpec,
    shown: list[Looked],
    sha256: str = "",
    calibrated: ModelSpec | None = None,
    unknown: Sequence[tuple[str, LabelledImage]] = (),
) -> Path:
    """A file as `train evaluate --json` prints it."""
    images = [(one.dataset, one.image) for one in shown]
    document: dict[str, Any] = {
        "model": {"name": model.name, "sha256": sha256 or model.sha256},
        "evaluations": [
            {
                "gsd_m": None,
                "left_out": LeftOut.of([*images, *unknown], model).to_dict(),
                "classes": [s.to_dict() for s in score(shown, calibrated or model)],
            }
        ],
    }
    path = folder / "evaluation.json"
    path.write_text(json.dumps(document))
    return path


def written(tmp_path: Path, model: ModelSpec, shown: list[Looked], data: Path) -> str:
    write_card(model, [evaluation(tmp_path, model, shown)], None, data, tmp_path / "card.md")
    return (tmp_path / "card.md").read_text()


def test_figures_and_failures_are_those_of_the_evaluation(
    tmp_path: Path, seed: ModelSpec, data: Path
) -> None:
    card = written(tmp_path, seed, scenes(), data)
    assert "| own GSD | plane | centre match | 2, 2 (**2 tuned**) | 32 |" in card
    assert "0.846 (0.70 to 0.93)" in card  # 22 of 26 detections, by hand: Wilson at 90 %
    assert "0.688 (0.54 to 0.80)" in card  # 22 of 32 objects
    assert "43.8 %" in card  # |24 - 20| + |2 - 12| of 32
    assert "10 to 15 m long: 2 of 12 found, of all 22 of 32" in card
    assert "airbus-aircraft/site07-2 2 for 12" in card
    assert "None: counts carry no estimate" in card
    assert "CC BY-NC-SA 4.0" in card
    assert "2: site05, site07" in card
    assert "`ship` are `not_modelled`" in card
    assert "One image was too coarse." in card


def test_the_export_is_told_with_the_passes_of_the_classes(
    tmp_path: Path, seed: ModelSpec, data: Path
) -> None:
    plane = seed.classes["plane"]
    more = {
        "plane": replace(plane, pass_gsd_m=0.65),
        "helicopter": replace(plane, name="helicopter", pass_gsd_m=0.65),
        "ship": replace(plane, name="ship", pass_gsd_m=1.2),
    }
    card = written(tmp_path, replace(seed, classes=more), scenes(), data)
    assert "--out WEIGHTS --gsd 0.65 --gsd ship=1.2\n" in card


def test_the_same_records_give_the_same_card(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    assert written(tmp_path, seed, scenes(), data) == written(tmp_path, seed, scenes(), data)


def test_it_says_what_figures_are_worth(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    card = written(tmp_path, seed, scenes(), data)
    assert "taught the weights" not in card
    assert "thresholds or epochs were chosen at `airbus-aircraft/site05`, `airbus-aircraft/site07`" in card
    known = replace(seed, held_out={"airbus-aircraft": frozenset({"site05"})})
    card = written(tmp_path, known, scenes(), data)
    assert "`airbus-aircraft/site07` taught the weights" in card
    assert "| own GSD | plane | centre match | 2, 2 (**1 taught**) (**2 tuned**) | 32 |" in card
    unknown = replace(seed, held_out=None)
    assert "**Not recorded**" in written(tmp_path, unknown, scenes(), data)
    assert "measured on drawn scenes alone" in written(tmp_path, seed, scenes("synthetic"), data)
    drawn = replace(seed, classes={"plane": replace(seed.classes["plane"], synthetic_only=True)})
    assert "plane: learned from drawn scenes alone" in written(tmp_path, drawn, scenes(), data)
    two = replace(seed, classes={**seed.classes, "ship": replace(seed.classes["plane"], name="ship")})
    assert "**ship: not measured" in written(tmp_path, two, scenes(), data)


def test_the_calibration_is_told(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    fitted = calibrate(samples(score(scenes()), seed), seed)
    write_calibration(fitted, seed, {}, tmp_path / "c.json")
    path = evaluation(tmp_path, seed, scenes())
    write_card(seed, [path], tmp_path / "c.json", data, tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text()
    assert "| plane | real | 2 | platt from 26, 22 true | 0.688 (0.54 to 0.80) | 32 | 12 to 40 m |" in card


def test_intervals_and_boxes_are_told(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    shown = [
        looked([0.9] * 20, oriented=True, dataset="airbus-aircraft", place=p) for p in ("site05", "site07")
    ]
    uncalibrated = written(tmp_path, seed, shown, data)
    assert (
        "| own GSD | plane | exact polygon IoU above 0.5 | 2 | 0 | - | - | - | - | uncalibrated: 2 |"
        in uncalibrated
    )
    assert (
        "| own GSD | plane | centre | all | 40 | 0 | - | - | - | 40 | 0.0° | 0.0° | +0.0 % | 0.0 % |"
        in uncalibrated
    )
    write_calibration(calibrate(samples(score(shown), seed), seed), seed, {}, tmp_path / "c.json")
    model = replace(seed, calibration_path=tmp_path / "c.json")
    path = evaluation(tmp_path, seed, shown, calibrated=model)
    write_card(model, [path], None, data, tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text()
    assert "| 2 | 2 | 2 | 1.000 (0.43 to 1.00) |" in card
    assert "`airbus-aircraft/site05`, `airbus-aircraft/site07` calibrated the weights" in card
    assert "Not measured: no evaluation has labels that are turned" in written(tmp_path, seed, scenes(), data)


def test_intervals_that_are_too_narrow_are_a_failure(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    taught = [looked([0.9] * 40, dataset="airbus-aircraft", place=f"p{k}") for k in range(4)]
    write_calibration(calibrate(samples(score(taught), seed), seed), seed, {}, tmp_path / "c.json")
    model = replace(seed, calibration_path=tmp_path / "c.json")
    new = [
        looked([0.9] * 20, missed=20, dataset="airbus-aircraft", place=p) for p in ("site05", "site07")
    ] * 3
    path = evaluation(tmp_path, seed, new, calibrated=model)
    write_card(model, [path], None, data, tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text()
    assert "intervals of 90 % held the labelled number in 0 of 6 scenes: they are too narrow" in card


def test_an_evaluation_without_these_figures_is_refused(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    path = evaluation(tmp_path, seed, scenes())
    told = json.loads(path.read_text())
    del told["evaluations"][0]["classes"][0]["intervals"]
    path.write_text(json.dumps(told))
    with pytest.raises(CallInvalid, match=r"intervals: Field required"):
        write_card(seed, [path], None, data, tmp_path / "card.md")


def test_what_is_of_other_weights_is_refused(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    out = tmp_path / "card.md"
    other = evaluation(tmp_path, seed, scenes(), sha256="ab" * 32)
    with pytest.raises(CallInvalid, match="of weights plane-26n-obb-seed of SHA-256 abababababab"):
        write_card(seed, [other], None, data, out)
    right = evaluation(tmp_path, seed, scenes())
    moved = tmp_path / "moved.json"
    moved.write_text(right.read_text().replace('"threshold": 0.3', '"threshold": 0.05'))
    with pytest.raises(CallInvalid, match=r"at a threshold of 0\.05 and now has the threshold 0\.3"):
        write_card(seed, [moved], None, data, out)
    (tmp_path / "c.json").write_text(json.dumps(Calibration("ab" * 32, {}).to_dict()))
    with pytest.raises(ModelInvalid, match="measured with weights"):
        write_card(seed, [right], tmp_path / "c.json", data, out)
    with pytest.raises(DatasetInvalid, match=r"no prepared\.json"):
        write_card(seed, [right], None, tmp_path, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row("train", "dota", "P1", plane=200)],
            "tiles of dota, and .* learned from aerial-airport, airbus",
        ),
        (
            [row("train", "airbus-aircraft", "site01", plane=9), row("train", "airbus-aircraft", "site05")],
            "training tiles show airbus-aircraft/site05, which .* never saw",
        ),
        (
            [row("train", "airbus-aircraft", "site01", plane=9), row("val", "airbus-aircraft", "site02")],
            "validation tiles show airbus-aircraft/site02, which did not tune",
        ),
        (
            [row("train", "airbus-aircraft", "site01", ship=9), row("val", "airbus-aircraft", "site05")],
            "no training tile shows any plane",
        ),
        ([row("val", "airbus-aircraft", "site05", plane=9)], "training tiles of nothing"),
    ],
)
def test_tiles_that_did_not_teach_the_weights_are_refused(
    tmp_path: Path, seed: ModelSpec, rows: list[dict[str, Any]], message: str
) -> None:
    tiles, out = write_prepared(tmp_path / "other", rows), tmp_path / "card.md"
    path = evaluation(tmp_path, seed, scenes())
    for data in (tiles, tiles / "prepared.json"):
        with pytest.raises(CallInvalid, match=f"{message}.*give the tiles that taught these weights"):
            write_card(seed, [path], None, data, out)
    assert not out.exists()


def test_a_record_without_its_manifest_or_with_that_of_another_set_is_refused(
    tmp_path: Path, seed: ModelSpec, data: Path
) -> None:
    path, out = evaluation(tmp_path, seed, scenes()), tmp_path / "card.md"
    told = json.loads(data.read_text())
    told["splits"]["train"]["labels"]["plane"] += 1
    data.write_text(json.dumps(told))
    with pytest.raises(CallInvalid, match="not of one set"):
        write_card(seed, [path], None, data, out)
    (data.parent / "manifest.parquet").unlink()
    with pytest.raises(DatasetInvalid, match="is missing or damaged"):
        write_card(seed, [path], None, data, out)
    with pytest.raises(CallInvalid, match=r"give the prepared\.json"):
        write_card(seed, [path], None, path, out)
    assert not out.exists()


def test_weights_of_which_no_place_is_recorded_are_known_by_their_datasets(
    tmp_path: Path, seed: ModelSpec, data: Path
) -> None:
    later = replace(seed, held_out=None, data=f"DOTA; {UNKNOWN}")
    path = evaluation(tmp_path, later, scenes())
    with pytest.raises(CallInvalid, match=r"tiles of Airbus Aircraft.*learned from DOTA;"):
        write_card(later, [path], None, data, tmp_path / "card.md")
    for told in ("DOTA; Airbus Aircraft Detection Sample Dataset", "not stated", "DOTA; pictures of my own"):
        write_card(replace(later, data=told), [path], None, data, tmp_path / "card.md")


def test_a_later_stage_and_tiles_that_only_tuned_are_theirs(tmp_path: Path, seed: ModelSpec) -> None:
    rows = [
        row("train", "airbus-aircraft", "site01", plane=200),
        row("val", "airbus-aircraft", "site05", plane=9),
        row("val", "xview", "7", plane=9),
    ]
    tiles = write_prepared(tmp_path / "tiles", rows)  # hrplanes and aerial-airport taught before
    card = written(tmp_path, seed, scenes(), tiles)
    assert "| [xView](https://xviewdataset.org) (taught nothing) |" in card
    assert "Airbus Aircraft Detection Sample Dataset](" in card
    assert card.count("(taught nothing)") == 1


def test_scenes_left_out_of_the_figures_are_told(tmp_path: Path, seed: ModelSpec, data: Path) -> None:
    lost = replace(scenes()[0].image, name="lost", gsd_m=None)
    path = evaluation(tmp_path, seed, scenes(), unknown=[("dota", lost)])
    write_card(seed, [path], None, data, tmp_path / "card.md")
    assert (
        "- own GSD: 1 of 3 scenes left out, for their GSD is not known" in (tmp_path / "card.md").read_text()
    )


@pytest.mark.parametrize("text", ["", "[]", '{"model": {"name": "x"}}', "\x00"])
def test_what_is_no_evaluation_is_refused_in_one_line(
    tmp_path: Path, seed: ModelSpec, data: Path, text: str
) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(CallInvalid, match=r"evaluation\.json.*train evaluate --json") as error:
        write_card(seed, [path], None, data, tmp_path / "card.md")
    assert "\n" not in str(error.value)


def test_wilsons_interval() -> None:
    assert wilson(0, 0) is None
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263 at 95 %.
    assert wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_errors_of_scenes_that_are_alike_are_sure() -> None:
    alike = count_error_intervals([10] * 8, [11] * 8)
    assert alike == (pytest.approx((0.1, 0.1)), pytest.approx((0.1, 0.1)))
    wape, bias = count_error_intervals([10] * 8, [11, 9] * 4) or ((0, 0), (0, 0))
    assert wape == pytest.approx((0.1, 0.1))
    assert bias[0] < 0 < bias[1]
    assert count_error_intervals([10], [11]) is None
    assert count_error_intervals([0, 0], [1, 1]) is None
