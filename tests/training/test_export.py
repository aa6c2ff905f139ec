"""Exported weights give what they gave before, and their registry says only what is known of them."""

import json
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apronwatch.cli import main
from apronwatch.engines import find_model
from apronwatch.engines.export import parity_tiles
from apronwatch.engines.registry import bundled_folder, load_registry
from apronwatch.engines.torch import TorchEngine
from apronwatch.errors import CallInvalid, ConfigInvalid, ModelInvalid, TilesInvalid
from apronwatch.lattice import overlap_for
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_datasets.preparing import Options, Prepared, Source, prepare
from apronwatch_training.evaluate.scoring import score
from apronwatch_training.export import describing
from apronwatch_training.export.describing import LARGEST_TILE_PX, _tile_px, described
from apronwatch_training.export.fragment import set_thresholds
from apronwatch_training.export.learned import Learned, held_out_together, learned
from apronwatch_training.export.origins import before, find_weights
from apronwatch_training.export.parity import compare
from apronwatch_training.export.thresholds import best
from tests.detector.engines.conftest import write_random_weights
from tests.training.pictures import write_pictures
from tests.training.prepared import row, write_prepared
from tests.training.scored import looked

ROWS = (
    row("train", "dota", "P1", gsd_m=0.5, plane=90, vehicle_small=150, vehicle_large=40),
    row("train", "dota", "P2", gsd_m=1.0, plane=40),
    row("train", "dota", "P1", gsd_m=None, plane=5),
    row("train", "synthetic", "port", helicopter=120, plane=10),
    row("val", "dota", "P3", plane=20),
    row("calibration", "dota", "P4", plane=30),
)


def taught(tmp_path: Path) -> Learned:
    return learned(Prepared.read(write_prepared(tmp_path / "tiles", ROWS)))


def test_what_was_learned_is_read_from_the_tiles(tmp_path: Path) -> None:
    found = taught(tmp_path)
    assert dict(found.labels) == {"plane": 145, "helicopter": 120, "vehicle_small": 150}
    assert found.too_few == {"vehicle_large": 40}
    assert found.drawn == {"helicopter"}
    assert found.gsds_m["plane"] == (0.5, 0.5, 1.0)
    assert found.held_out == {"dota": {"P3", "P4"}, "synthetic": frozenset()}
    assert found.validated_on == {"dota": {"P3"}}


def test_two_sources_of_a_kind_are_one_dataset(tmp_path: Path) -> None:
    rows = [row("train", "dota", "P1", plane=200), row("val", "dota-2", "P1"), row("val", "dota-2", "P9")]
    found = learned(Prepared.read(write_prepared(tmp_path / "tiles", rows)))
    assert found.datasets == ("dota",)
    assert found.held_out == {"dota": {"P9"}}  # P1 taught, whatever else it did


def test_pictures_that_say_they_are_drawn_teach_as_drawn_ones_whatever_read_them(tmp_path: Path) -> None:
    source = Source("coco", write_pictures(tmp_path / "scenes"))
    tiles = prepare([source], tmp_path / "tiles", Options(gsds_m=(0.5,), tile_px=128, overlap_px=32))
    said = {Path(each["source_image"]).stem: each["drawn"] for each in tiles.rows()}
    assert said.pop("one") is said.pop("two") is True
    assert set(said.values()) <= {False}  # a PNG says nothing

    by_hand = [row("train", "coco", "P1", plane=200), row("train", "dota", "P2", ship=200)]
    by_hand[0]["drawn"] = True
    assert learned(Prepared.read(write_prepared(tmp_path / "made", by_hand))).drawn == {"plane"}


def test_too_few_labels_teach_nothing(tmp_path: Path) -> None:
    tiles = write_prepared(tmp_path / "tiles", [row("train", "dota", "P1", plane=99)])
    with pytest.raises(ConfigInvalid, match="99 training labels"):
        learned(Prepared.read(tiles))


def test_what_a_run_began_with_taught_too(tmp_path: Path) -> None:
    found = taught(tmp_path)
    held_out = {"dota": frozenset({"P4", "P5"}), "xview": frozenset({"1"})}
    held, tuned = held_out_together(found, (held_out, {"dota": frozenset({"P5"})}))
    assert held == {"dota": {"P4"}, "synthetic": frozenset(), "xview": {"1"}}
    assert tuned == {"dota": {"P3", "P5"}}


def write_run(folder: Path, tiles: Path, start: Path | None, shares: dict[str, float] | None = None) -> Path:
    folder.mkdir()
    write_random_weights(folder / "fitted.pt", CLASSES)
    told = {
        "start": {"weights": str(start) if start else None},
        "data": {"tiles": str(tiles), "shares": shares or {}},
    }
    (folder / "config.json").write_text(json.dumps(told))
    return folder


def test_a_second_stage_holds_out_what_both_runs_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ultralytics")
    monkeypatch.setattr(describing, "TILE_PX", 320)  # for speed
    before = [
        row("train", "dota", "P3", plane=200),
        row("val", "dota", "P4"),
        row("calibration", "dota", "P6"),
    ]
    first = write_run(tmp_path / "first", write_prepared(tmp_path / "before", before), None)
    tiles = write_prepared(tmp_path / "tiles", ROWS)
    second = write_run(tmp_path / "second", tiles, first / "fitted.pt")
    words = ("export", second, "--name", "mine", "--out")
    assert run(monkeypatch, *words, tmp_path / "made") == 0
    made = tomllib.loads((tmp_path / "made" / "registry.toml").read_text())["models"][0]
    assert made["held_out"] == {"dota": ["P4"], "synthetic": []}
    assert made["validated_on"]["dota"] == ["P3", "P4"]
    shutil.rmtree(tmp_path / "before")
    assert run(monkeypatch, *words, tmp_path / "unknown") == 0
    assert "held_out" not in tomllib.loads((tmp_path / "unknown" / "registry.toml").read_text())["models"][0]
    capsys.readouterr()


def test_a_run_is_described_by_the_tiles_that_it_chose_and_those_of_the_run_before(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    tiles = write_prepared(tmp_path / "tiles", [*ROWS, row("train", "synthetic", "base", plane=150)])
    registry = load_registry()
    drawn = find_weights(write_run(tmp_path / "drawn", tiles, None, {"dota": 0.0}), None)
    found = learned(Prepared.read(tiles), drawn.chosen)
    assert dict(found.labels) == {"plane": 160, "helicopter": 120}
    assert (found.drawn, found.datasets) == ({"plane", "helicopter"}, ("synthetic",))
    assert found.validated_on == {"dota": {"P3"}}

    real = write_run(tmp_path / "real", tiles, None, {"synthetic": 0.0})
    second = find_weights(
        write_run(tmp_path / "second", tiles, real / "fitted.pt", {"dota": 0.0, "synthetic": 1.0}), None
    )
    both = learned(Prepared.read(tiles), second.chosen, before(second, registry).tiles)
    assert both.labels["plane"] == 295  # each tile once
    assert (both.drawn, both.datasets) == ({"helicopter"}, ("dota", "synthetic"))
    assert "vehicle_small" not in both.labels  # shown before alone
    assert both.too_few["vehicle_small"] == 0


def test_the_list_of_a_run_tells_its_tiles(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    tiles = write_prepared(tmp_path / "tiles", ROWS)
    folder = write_run(tmp_path / "run", tiles, None, {"dota": 0.5})
    (folder / "train.txt").write_text("/elsewhere/images/train/dota-P1-train-0.5.png\n")
    chosen = find_weights(folder, None).chosen
    assert learned(Prepared.read(tiles), chosen).labels == {"vehicle_small": 150}
    (folder / "train.txt").write_text("/elsewhere/images/train/another.png\n")
    with pytest.raises(TilesInvalid, match="lacks another"):
        learned(Prepared.read(tiles), find_weights(folder, None).chosen)
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigInvalid, match="no record of a run"):
        find_weights(folder, None)


def test_terms_and_data_of_the_start_are_carried_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ultralytics")
    monkeypatch.setattr(describing, "TILE_PX", 320)  # for speed
    tiles, seed = write_prepared(tmp_path / "tiles", ROWS), find_model("plane-26n-obb-seed")
    first = write_run(tmp_path / "first", tiles, seed.path)
    second = write_run(tmp_path / "second", tiles, first / "fitted.pt")
    strange = write_random_weights(tmp_path / "strange.pt", CLASSES)
    foreign = write_run(tmp_path / "foreign", tiles, strange)
    made = {}
    for folder in (first, second, foreign):
        out = tmp_path / f"made-{folder.name}"
        assert run(monkeypatch, "export", folder, "--name", "mine", "--out", out) == 0
        made[folder.name] = tomllib.loads((out / "registry.toml").read_text())["models"][0]
    for name in ("first", "second"):
        assert seed.terms in made[name]["terms"]
        assert seed.data in made[name]["data"]
        assert made[name]["data"].count("DOTA") == 1
        assert "not known" not in made[name]["terms"]
    assert "those of the weights that it began with, which are not known" in made["foreign"]["terms"]
    assert "which is not known" in made["foreign"]["data"]
    capsys.readouterr()


def test_a_pass_may_lie_as_far_from_the_tiles_as_zoom_showed_them(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    found = taught(tmp_path)
    weights = tmp_path / "fitted.pt"
    write_random_weights(weights, CLASSES)
    least, _, greatest = found.gsds_m["plane"]
    for gsd_m in (least / 1.6, greatest / 0.6):
        with pytest.raises(CallInvalid, match=f"a pass at {gsd_m:g} m, its tiles are at 0.5 to 1 m"):
            described(weights, "mine", found, {"": 0.5, "plane": gsd_m})
        zoomed = described(weights, "mine", found, {"": 0.5, "plane": gsd_m}, (0.6, 1.6))
        assert zoomed.classes["plane"].pass_gsd_m == gsd_m
        with pytest.raises(CallInvalid, match=r"from 0\.31 to 1\.7 m"):
            described(
                weights, "mine", found, {"": 0.5, "plane": gsd_m * (1.1 if gsd_m > 1 else 0.9)}, (0.6, 1.6)
            )


@pytest.mark.parametrize(
    ("longest_m", "gsd_m", "tile_px"),
    [(73.3, 0.5, 640), (400.0, 1.2, 768), (270.0, 0.5, 1152), (400.0, 0.5, 1536)],
)
def test_of_a_tile_no_overlap_takes_more_than_half_if_one_is_so_large(
    longest_m: float, gsd_m: float, tile_px: int
) -> None:
    plane = find_model().classes["plane"]
    found = _tile_px({"ship": replace(plane, longest_m=longest_m, pass_gsd_m=gsd_m)})
    assert found == tile_px
    assert overlap_for(longest_m, gsd_m) <= found / 2 or found == LARGEST_TILE_PX


def test_the_best_threshold_counts_best() -> None:
    scenes = [
        looked([0.9, 0.8, 0.7], false=[0.6, 0.5], place="a"),
        looked([0.9, 0.65], false=[0.55], place="b"),
    ]
    (choice,) = best(score(scenes))
    assert (choice.objects, choice.scenes) == (5, 2)
    assert choice.best.wape == 0
    assert 0.6 < choice.best.threshold <= 0.65
    assert (choice.before.wape, choice.before.bias) == pytest.approx((3 / 5, 3 / 5))


def test_no_object_no_threshold() -> None:
    assert best(score([looked([], false=[0.5])])) == []


def test_thresholds_change_and_nothing_else_does(tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    text = (bundled_folder() / "registry.toml").read_text()
    path.write_text(text)
    set_thresholds(path, "yolo26n-obb", {"plane": 0.41, "ship": 0.5})
    changed = [
        (a, b) for a, b in zip(text.splitlines(), path.read_text().splitlines(), strict=True) if a != b
    ]
    assert [b.split("#")[0].strip() for _, b in changed] == ["threshold = 0.41", "threshold = 0.5"]
    models = {m["name"]: m for m in tomllib.loads(path.read_text())["models"]}
    assert models["plane-26n-obb-seed"]["classes"]["plane"]["threshold"] == 0.3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "no registry"),
        ('[[models]]\nname = "mine"\n[models.classes.ship]\nthreshold = 0.2\n', "no threshold of plane"),
        ('[[models]]\nname = "other"\n[models.classes.plane]\nthreshold = 0.2\n', "no threshold of plane"),
        (
            '[[models]]\nname = "mine"\nclasses = { plane = { threshold = 0.2 } }\n',
            "set them by hand: plane 0.4",
        ),
    ],
)
def test_a_registry_that_cannot_be_changed_is_left(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(ModelInvalid, match=message):
        set_thresholds(path, "mine", {"plane": 0.4})
    assert path.read_text() == text


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["apronwatch", "train", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_the_folder_counts_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ultralytics")
    monkeypatch.setattr(describing, "TILE_PX", 320)  # for speed
    tiles, start = write_prepared(tmp_path / "tiles", ROWS), find_model("plane-26n-obb-seed").path
    run_folder = write_run(tmp_path / "run", tiles, start)
    weights = run_folder / "fitted.pt"
    words = ("export", run_folder, "--name", "mine", "--out", tmp_path / "made")
    assert run(monkeypatch, *words, "--gsd", "0.6", "--gsd", "plane=1.0") == 0
    said = capsys.readouterr()
    assert "vehicle_large is not modelled: only 40 labels" in said.err
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(tmp_path / "made"))
    model = find_model("mine")
    assert model.path == tmp_path / "made" / "mine.onnx"
    assert model.outputs == ("plane", "helicopter", "vehicle_small", None, None)
    assert [spec.pass_gsd_m for spec in model.classes.values()] == [1.0, 0.6, 0.6]
    assert [name for name, spec in model.classes.items() if spec.synthetic_only] == ["helicopter"]
    assert model.held_out is not None
    assert model.held_out["dota"] == {"P3", "P4"}
    assert model.held_out["airbus-aircraft"] == {
        "site05",
        "site07",
    }  # it began with weights that saw the others
    assert find_model(weights).name == "mine"
    assert find_model(weights).is_file(model.sha256)
    assert run(monkeypatch, *words) == 2
    assert "a registry names 'mine' already" in capsys.readouterr().err


def test_what_shows_nothing_and_what_is_no_number_proves_no_export(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    import torch

    weights, tiles = write_random_weights(tmp_path / "fitted.pt", CLASSES), parity_tiles(320)
    facts = taught(tmp_path)
    engine = TorchEngine(described(weights, "mine", facts, {}), "cpu")
    same = compare(engine, engine, tiles)
    assert (same.tiles, same.score_difference, same.box_difference_px) == (4, 0.0, 0.0)
    with pytest.raises(ValueError, match="no tiles"):
        compare(engine, engine, tiles[:0])

    for name, bias, message in (("silent", -30.0, "no box was compared"), ("broken", np.nan, "no numbers")):
        told = torch.load(weights, weights_only=False)
        for scale in told["model"].model[-1].cv3:
            scale[-1].weight.data.zero_()
            scale[-1].bias.data.fill_(bias)
        torch.save(told, tmp_path / f"{name}.pt")
        other = TorchEngine(described(tmp_path / f"{name}.pt", "mine", facts, {}), "cpu")
        with pytest.raises(ModelInvalid, match=message):
            compare(other, other, tiles)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--gsd", "3"), "give a GSD that was learned"),
        (("--gsd", "boat=1"), "expected metres"),
        (("--gsd", "fine"), "expected metres"),
        (("--name", "plane-26n-obb-seed"), "names 'plane-26n-obb-seed' already"),
        (("--name", "a/b"), "--name 'a/b': expected letters"),
        (("--name", "v1.2"), "expected letters"),
        (("--name", ""), "expected letters"),
    ],
)
def test_a_wrong_call_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    pytest.importorskip("ultralytics")
    tiles = write_prepared(tmp_path / "tiles", ROWS)
    weights = write_random_weights(tmp_path / "best.pt", CLASSES)
    told = ("export", weights, "--out", tmp_path / "made", "--tiles", tiles, "--name", "mine", *words)
    assert run(monkeypatch, *told) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_weights_without_their_tiles_or_of_other_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ultralytics")
    weights = write_random_weights(tmp_path / "best.pt", ["plane", "tower"])
    assert run(monkeypatch, "export", weights, "--name", "mine", "--out", tmp_path / "made") == 2
    assert "give its tiles with --tiles" in capsys.readouterr().err
    tiles = write_prepared(tmp_path / "tiles", ROWS)
    assert (
        run(monkeypatch, "export", weights, "--name", "m", "--out", tmp_path / "made", "--tiles", tiles) == 2
    )
    assert "knows plane, tower" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    assert run(monkeypatch, "export", tmp_path / "run", "--name", "m", "--out", tmp_path / "made") == 2
    assert "no fitted.pt" in capsys.readouterr().err


def test_the_command_sets_thresholds_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    path = tmp_path / "registry.toml"
    path.write_text((bundled_folder() / "registry.toml").read_text())
    words = ("--model", "plane-26n-obb-seed", "--write", path)
    assert run(monkeypatch, "thresholds", f"synthetic={tmp_path / 'scenes'}", *words) == 0
    said = capsys.readouterr()
    assert "thresholds of plane-26n-obb-seed set" in said.out
    assert "synthetic/" in said.err
    assert "add them to its validated_on" in said.err
    shown = next(line for line in said.out.splitlines() if line.startswith("plane")).split()
    models = {m["name"]: m for m in tomllib.loads(path.read_text())["models"]}
    assert models["plane-26n-obb-seed"]["classes"]["plane"]["threshold"] == float(shown[3])
