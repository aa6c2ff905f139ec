"""Calibration measures what it was shown, on places that the weights do not know, and says what it is of."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apronwatch.calibration import Calibration
from apronwatch.cli import main
from apronwatch.engines import ModelSpec, find_model
from apronwatch.engines.registry import bundled_folder
from apronwatch.engines.specs import read_calibration
from apronwatch.errors import CallInvalid, LeakFound
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_training.calibrate.measuring import calibrate, check_places, dispersion, write_calibration
from apronwatch_training.calibrate.plots import draw_calibration
from apronwatch_training.calibrate.samples import samples
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.evaluate.scoring import score
from tests.training.pictures import write_pictures
from tests.training.scored import looked


@pytest.fixture
def seed() -> ModelSpec:
    return find_model("plane-26n-obb-seed")


def many(seed: int = 0, **told: object) -> list[Looked]:
    """Scenes of six places: nine planes of ten are found, one detection of six is none."""
    rng = np.random.default_rng(seed)
    return [
        looked(
            rng.uniform(0.35, 0.98, 9).tolist(),
            missed=1,
            false=rng.uniform(0.31, 0.6, 2).tolist(),
            place=f"p{k % 6}",
            **told,  # type: ignore[arg-type]
        )
        for k in range(12)
    ]


def test_a_sample_is_what_counts_and_what_was_asked_for(seed: ModelSpec) -> None:
    scene = looked([0.9, 0.2], missed=1, false=[0.5, 0.1], side_px=40.0, gsd_m=0.5, place="x")
    (sample,) = samples(score([scene]), seed)
    assert sample.scores == pytest.approx([0.9, 0.5])  # what lies below the threshold does not count
    assert sample.true.tolist() == [True, False]
    assert sample.found.tolist() == [True, False, False]
    assert sample.lengths_px == pytest.approx([20.0] * 3)  # 40 px at 0.5 m in a pass at 1.0 m
    assert set(sample.places) == set(sample.object_places) == {"dota/x"}


def test_real_scenes_are_never_mixed_with_drawn_ones(seed: ModelSpec) -> None:
    drawn = [looked([0.4] * 3, false=[0.9] * 3, dataset="synthetic", place=f"d{k}") for k in range(3)]
    rendered = looked([0.4] * 3, dataset="rareplanes", place="synthetic Catalina")
    (both,) = samples(score([*drawn, rendered, *many()]), seed)
    (alone,) = samples(score(many()), seed)
    assert (both.real, both.left_out) == (True, 4)
    assert both.scores.tolist() == alone.scores.tolist()
    (only,) = samples(score([*drawn, rendered]), seed)
    assert not only.real
    fitted = calibrate([only], seed).calibration.classes["plane"]
    assert "synthetic_only" in fitted.refusals(0.3, real_image=True)
    assert "synthetic_only" not in fitted.refusals(0.3, real_image=False)


def test_labels_of_both_kinds_make_one_sample(seed: ModelSpec) -> None:
    scores = score([*many(oriented=True), *many(1)])
    assert [s.rule for s in scores] == ["iou", "centre"]
    (sample,) = samples(scores, seed)
    assert len(sample.scene_places) == 24
    assert len(sample.found) == 240


def test_figures_come_out_as_they_went_in(seed: ModelSpec) -> None:
    measured = calibrate(samples(score(many()), seed), seed)
    fitted = measured.calibration.classes["plane"]
    assert (fitted.threshold, fitted.scores.n_labels, fitted.scores.n_true) == (0.3, 132, 108)
    assert (fitted.scores.n_places, fitted.recall.n_places, fitted.scores.real) == (6, 6, True)
    assert (sum(fitted.recall.found), sum(fitted.recall.missed)) == (108, 12)
    assert fitted.dispersion.n_scenes == 12
    p = fitted.scores.probability(measured.samples[0].scores)
    assert p.sum() == pytest.approx(108, abs=2)


def test_scenes_that_fail_together_are_dispersed(seed: ModelSpec) -> None:
    good = [looked([0.5] * 8, place=f"g{k}") for k in range(5)]
    bad = [looked([], missed=8, false=[0.5] * 8, place=f"b{k}") for k in range(5)]
    mixed = [looked([0.5] * 4, missed=4, false=[0.5] * 4, place=f"m{k}") for k in range(10)]
    (together,) = samples(score([*good, *bad]), seed)
    (apart,) = samples(score(mixed), seed)
    curves = [calibrate([s], seed).calibration.classes["plane"].scores for s in (together, apart)]
    assert dispersion(together, curves[0]).factor > 5
    assert dispersion(apart, curves[1]).factor == 1


def test_nothing_found_is_no_calibration(seed: ModelSpec) -> None:
    with pytest.raises(CallInvalid, match="found nothing"):
        calibrate(samples(score([looked([], missed=4)]), seed), seed)


def test_places_that_taught_or_tuned_are_refused(seed: ModelSpec) -> None:
    held = {"dota": frozenset({"new", "val"})}
    model = replace(seed, held_out=held, validated_on={"dota": frozenset({"val"})})
    assert not check_places(model, [("dota", "new"), ("xview", "any")]).untold
    with pytest.raises(LeakFound, match=r"dota/old \(and 1 more of 3 places\) taught"):
        check_places(model, [("dota", "old"), ("dota", "older"), ("dota", "new")])
    both = replace(model, validated_on={"dota": frozenset({"old"})})
    with pytest.raises(LeakFound, match=r"dota/old taught"):
        check_places(both, [("dota", "old"), ("dota", "new")])
    with pytest.raises(LeakFound, match="dota/val tuned"):
        check_places(model, [("dota", "val")])
    assert check_places(model, [("dota", "val")], tuned=False).tuned == ("dota/val",)
    assert check_places(replace(seed, held_out=None), [("dota", "old")]).untold == ("dota",)
    assert check_places(model, [("coco", "any")]).untold == ("coco",)  # pictures of whatever dataset


def test_places_that_tuned_calibrate_only_where_that_is_asked_for_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundled weights' own registry entry, with the place of the drawn scenes among those that tuned them."""
    text = (bundled_folder() / "registry.toml").read_text()
    start = text.index("[[models]]\nname")
    entry = text[start : text.index("[[models]]\nname", start + 1)]
    entry = entry.replace('"apron-26n-obb"', '"mine"').replace("synthetic-base", "synthetic")
    entry = re.sub(r"(?m)^calibration = .*$", "", entry)
    (tmp_path / "registry.toml").write_text(entry.replace('file = "', f'file = "{bundled_folder()}/'))
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(tmp_path))
    write_fake(tmp_path / "scenes")
    words = ("calibrate", f"synthetic={tmp_path / 'scenes'}", "--model", "mine", "--out", tmp_path / "c.json")
    assert run(monkeypatch, *words) == 2
    assert "--tuned" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()
    assert run(monkeypatch, *words, "--tuned") == 0
    assert json.loads((tmp_path / "c.json").read_text())["provenance"]["tuned"] == ["synthetic/synthetic"]


def test_each_of_several_splits_must_have_a_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    (tmp_path / "splits.csv").write_text("dataset,place,split\nsynthetic,synthetic,val\n")
    words = ("calibrate", f"synthetic={tmp_path / 'scenes'}", "--splits", tmp_path / "splits.csv")
    told = ("--model", "plane-26n-obb-seed", "--out", tmp_path / "c.json")
    assert run(monkeypatch, *words, "--split", "val,calibration", *told) == 2
    assert "no scene of split 'calibration'" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()


def test_the_first_weights_know_the_calibration_places(seed: ModelSpec) -> None:
    with pytest.raises(LeakFound, match="site10"):
        check_places(seed, [("airbus-aircraft", site) for site in ("site10", "site13", "site14")])
    assert seed.calibration is None


def test_the_file_is_read_again_and_never_differs(seed: ModelSpec, tmp_path: Path) -> None:
    measured = calibrate(samples(score(many()), seed), seed)
    for name in ("one.json", "two.json"):
        write_calibration(measured, seed, {"split": None, "assumed_gsd_m": None}, tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert read_calibration(tmp_path / "one.json", seed).hash == measured.calibration.hash


def test_the_picture_shows_something(seed: ModelSpec, tmp_path: Path) -> None:
    measured = calibrate(samples(score(many()), seed), seed)
    draw_calibration(measured, "A title", tmp_path / "plot.png")
    pixels = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB"))
    assert pixels.shape[1] > pixels.shape[0] > 500
    blue = (pixels == (0, 114, 178)).all(axis=2).sum()
    assert blue > 1000


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["apronwatch", "train", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize("command", ["calibrate", "thresholds", "evaluate"])
def test_a_split_of_no_file_is_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    out = ("--out", tmp_path / "c.json") if command == "calibrate" else ()
    words = ("--model", "plane-26n-obb-seed", "--split", "test", *out)
    assert run(monkeypatch, command, f"synthetic={tmp_path / 'scenes'}", *words) == 2
    assert "give it with --splits" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()


def test_the_command_on_drawn_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    out, plot = tmp_path / "c.json", tmp_path / "c.png"
    words = ("--model", "plane-26n-obb-seed", "--out", out, "--plot", plot)
    assert run(monkeypatch, "calibrate", f"synthetic={tmp_path / 'scenes'}", *words) == 0
    told = json.loads(out.read_text())
    fitted = Calibration.from_dict({key: told[key] for key in ("model_sha256", "classes")}).classes["plane"]
    assert not fitted.scores.real
    assert not fitted.recall.real
    assert fitted.recall.refusal == "recall_from_too_few"
    assert told["provenance"]["scenes"] == {"plane": 2}
    assert plot.stat().st_size > 10_000
    assert "recall_from_too_few" in capsys.readouterr().out


def test_the_file_tells_what_is_not_known_of_the_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"coco={write_pictures(tmp_path / 'scenes')}"
    words = ("--model", "plane-26n-obb-seed", "--out", tmp_path / "c.json")
    assert run(monkeypatch, "calibrate", source, *words) == 0
    said = capsys.readouterr().err
    assert "nothing tells whether places of coco taught" in said
    assert "1 of 4 scenes left out, for their GSD is not known" in said
    told = json.loads((tmp_path / "c.json").read_text())
    assert told["provenance"]["untold"] == ["coco"]
    assert told["provenance"]["left_out"]["gsd_unknown"] == ["coco/unknown"]
    assert not told["classes"]["plane"]["scores"]["real"]  # the pictures say so themselves


def test_one_file_for_two_outputs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").symlink_to(tmp_path)
    out, plot = tmp_path / "c", tmp_path / "there" / "c"
    assert run(monkeypatch, "calibrate", f"synthetic={tmp_path}", "--out", out, "--plot", plot) == 2
    assert "a file of its own" in capsys.readouterr().err


def test_a_registry_that_cannot_be_set_is_refused_before_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--model", "plane-26n-obb-seed", "--write", tmp_path / "none.toml")
    assert run(monkeypatch, "thresholds", f"synthetic={tmp_path / 'nowhere'}", *words) == 2
    assert "no registry can be read" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--plot"])
def test_an_output_that_cannot_be_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    paths = {"--out": tmp_path / "c.json", "--plot": tmp_path / "c.png"} | {option: tmp_path / "no" / "x"}
    words = [word for pair in paths.items() for word in pair]
    assert run(monkeypatch, "calibrate", f"synthetic={tmp_path / 'nowhere'}", *words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is no folder" in error
