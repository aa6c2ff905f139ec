"""What `apronwatch train evaluate` prints, writes and shows."""

import json
import shutil
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
from apronwatch.errors import CallInvalid
from apronwatch_datasets.fakes.synthetic import write_fake
from apronwatch_training.calibrate.measuring import calibrate, write_calibration
from apronwatch_training.calibrate.samples import samples
from apronwatch_training.evaluate.errors_seen import CHIP_PX, misses
from apronwatch_training.evaluate.left_out import LeftOut
from apronwatch_training.evaluate.page import write_page
from apronwatch_training.evaluate.scoring import score
from apronwatch_training.known import Known
from tests.training.pictures import write_pictures
from tests.training.scored import looked

SEED = "plane-26n-obb-seed"


@pytest.fixture
def seed() -> ModelSpec:
    return find_model(SEED)


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["apronwatch", "train", "evaluate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def bundled_entry(name: str) -> str:
    """The tables of one model and its ONNX file, as the bundled registry writes them."""
    text = (bundled_folder() / "registry.toml").read_text()
    start = text.index(f'[[models]]\nname = "{name}"')
    return text[start : text.index("[[files]]", text.index("[[files]]", start) + 1)]


def page_of(scores: list, model: ModelSpec, folder: Path) -> str:
    write_page(scores, model, "A title", folder / "page.html")
    return (folder / "page.html").read_text()


def test_the_page_shows_intervals_boxes_and_small_aircraft(seed: ModelSpec, tmp_path: Path) -> None:
    scenes = [looked([0.9] * 8, oriented=True, side_px=36.0, place=f"p{k}") for k in range(5)]  # 18 m long
    write_calibration(calibrate(samples(score(scenes), seed), seed), seed, {}, tmp_path / "c.json")
    model = replace(seed, calibration_path=tmp_path / "c.json")
    (found,) = score(scenes, model)
    page = page_of([found], model, tmp_path)
    interval = found.scenes[0].interval
    assert interval is not None
    assert f"<td>8</td><td>8</td><td>+0</td><td>{interval.estimate}</td>" in page.replace("\n", "")
    assert f"<td>{interval.low} to {interval.high}</td>" in page
    assert "<td>1.000 (0.65 to 1.00)</td>" in page  # five intervals of five, by Wilson
    assert "dota/p0, dota/p1, dota/p2, dota/p3, dota/p4 calibrated the weights" in page
    assert "<td>15 to 20 m</td><td>40</td><td>40</td><td>1.000 (0.94 to 1.00)</td>" in page.replace("\n", "")
    assert "Heading and length of the boxes" in page
    assert "<td>+0.0 %</td>" in page


def test_the_page_says_why_there_is_no_interval(seed: ModelSpec, tmp_path: Path) -> None:
    page = page_of(score([looked([0.9] * 3)], seed), seed, tmp_path)
    assert "<td>uncalibrated: 1</td>" in page
    assert "<td>none: uncalibrated</td>" in page
    assert "Heading and length" not in page  # upright labels tell neither


def test_the_command_on_drawn_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    source, page = f"synthetic={tmp_path / 'scenes'}", tmp_path / "page.html"
    assert run(monkeypatch, source, "--model", SEED, "--page", page, "--json") == 0
    (at,) = json.loads(capsys.readouterr().out)["evaluations"]
    (plane,) = at["classes"]
    assert plane["intervals"]["refused"] == {"uncalibrated": 2}
    assert plane["intervals"]["coverage"] is None
    assert [b["lengths_m"] for b in plane["boxes"]] == [None, [15.0, 20.0]] * 2
    assert {(b["low"], b["high"]) for b in plane["precision_by_length_m"]} >= {(15.0, 20.0), (50.0, None)}
    assert "uncalibrated" in page.read_text()
    assert run(monkeypatch, source, "--model", SEED) == 0
    printed = capsys.readouterr().out
    assert "uncalibrated: 2" in printed
    assert "15 to 20 m" in printed
    assert "modulo 180°" in printed


def test_a_page_of_scenes_averaged_down_shows_their_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fake(tmp_path / "scenes")
    page = tmp_path / "page.html"
    source = f"synthetic={tmp_path / 'scenes'}"
    assert run(monkeypatch, source, "--model", SEED, "--gsd", "1.0,1.1", "--page", page, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [at["gsd_m"] for at in told["evaluations"]] == [1.0, 1.1]
    assert {scene["gsd_m"] for scene in told["evaluations"][1]["classes"][0]["per_scene"]} == {1.1}
    assert "data:image" in page.read_text()  # a sheet of what was missed


def test_errors_of_two_pictures_of_one_name_are_shown_on_their_own_ground(tmp_path: Path) -> None:
    sheets = []
    for order in ((40, 200), (200, 40)):
        scenes = []
        for k, grey in enumerate(order):
            path = tmp_path / f"{grey}.png"
            Image.new("RGB", (400, 100), (grey,) * 3).save(path)
            one = looked([], missed=1, place="same", dataset=f"set{k}")
            image = replace(one.image, path=path, width=400, height=100)
            scenes.append(replace(one, image=image))
        (planes,) = score(scenes)
        sheet, number = misses(planes)
        assert sheet is not None
        assert number == 2
        pixels = np.asarray(sheet)
        sheets.append([pixels[100, 100].tolist(), pixels[100, 100 + CHIP_PX].tolist()])
    assert sheets[0] == sheets[1][::-1]
    assert sheets[0][0] != sheets[0][1]


def test_scenes_that_say_nothing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, page = f"coco={write_pictures(tmp_path / 'scenes')}", tmp_path / "page.html"
    assert run(monkeypatch, source, "--model", SEED, "--page", page, "--json") == 0
    said = capsys.readouterr()
    (at,) = json.loads(said.out)["evaluations"]
    assert at["left_out"] == {
        "scenes": 4,
        "judged": 2,
        "gsd_unknown": ["coco/unknown"],
        "coarser": [],
        "not_labelled": [],
        "out_of_range": {"plane": ["coco/coarse"]},
    }
    assert {s["image"] for s in at["classes"][0]["per_scene"]} == {"one", "two"}
    for told in (said.err, page.read_text()):
        assert "1 of 4 scenes left out, for their GSD is not known" in told
        assert "1 of 4 scenes left out of the figures of plane" in told

    page.unlink()
    for words in (["--gsd", "1.0,0.05"], ["--gsd", "0.05"], ["--assume-gsd", "5", "--gsd", "5"]):
        assert run(monkeypatch, source, "--model", SEED, "--page", page, *words) == 2
        refused = capsys.readouterr()
        assert refused.out == ""
        assert refused.err.count("\n") == 1
        assert "none of the 4 scenes says anything" in refused.err
        assert not page.exists()


def test_what_cannot_be_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"synthetic={tmp_path / 'nowhere'}"
    for words, said in (
        (["--assume-gsd", "-1"], "'-1.0': expected metres a pixel"),
        (["--assume-gsd", "nan"], "'nan': expected metres a pixel"),
        (["--splits", str(tmp_path / "none.csv")], "none.csv: cannot be read as CSV"),
    ):
        assert run(monkeypatch, nowhere, "--model", SEED, *words) == 2
        assert said in capsys.readouterr().err


def test_scenes_of_other_classes_are_named(seed: ModelSpec) -> None:
    ships = replace(looked([0.9]).image, annotated=frozenset({"ship"}))
    left_out = LeftOut.of([("dota", looked([0.9]).image), ("dota", ships)], seed)
    assert (left_out.scenes, left_out.judged, left_out.not_labelled) == (2, 1, ("dota/a-1",))
    left_out.check()
    with pytest.raises(CallInvalid, match=r"none of the 1 scenes.*label no class of the weights"):
        LeftOut.of([("dota", ships)], seed).check()


def test_a_drawn_picture_is_drawn_whatever_reads_it_and_however_coarse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"coco={write_pictures(tmp_path / 'scenes')}"
    assert run(monkeypatch, source, "--model", SEED, "--gsd", "0.5,1.0", "--json") == 0
    for at in json.loads(capsys.readouterr().out)["evaluations"]:
        drawn = {s["image"]: s["drawn"] for s in at["classes"][0]["per_scene"]}
        assert drawn == {"one": True, "two": True}


def test_places_that_taught_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seed: ModelSpec
) -> None:
    known = Known.of(seed, [("airbus-aircraft", "site01"), ("airbus-aircraft", "site05"), ("dota", "P1")])
    assert known.to_dict() == {
        "recorded": True,
        "untold": [],
        "taught": ["airbus-aircraft/site01"],
        "tuned": ["airbus-aircraft/site05"],
    }
    taught, tuned = known.warnings(SEED)
    assert "airbus-aircraft/site01 taught" in taught
    assert "airbus-aircraft/site05 tuned" in tuned
    (untold,) = Known.of(replace(seed, held_out=None), [("dota", "P1")]).warnings(SEED)
    assert "nothing tells whether places of dota taught" in untold

    write_fake(tmp_path / "scenes")
    weights = tmp_path / "mine"
    weights.mkdir()
    entry = bundled_entry(SEED).replace(SEED, "mine").replace("airbus-aircraft = [", "synthetic = [", 1)
    (weights / "registry.toml").write_text(entry)
    shutil.copy(seed.path, weights / "mine.onnx")
    monkeypatch.setenv("APRONWATCH_WEIGHTS", str(weights))
    page = tmp_path / "page.html"
    words = (f"synthetic={tmp_path / 'scenes'}", "--model", "mine", "--page", page)
    assert run(monkeypatch, *words, "--json") == 0
    said = capsys.readouterr()
    places = json.loads(said.out)["places"]
    assert places["recorded"]
    assert places["taught"] == ["synthetic/synthetic"]
    assert "synthetic/synthetic taught mine" in said.err
    assert "synthetic/synthetic taught mine" in page.read_text()
    for command in (["calibrate", "--out", tmp_path / "c.json"], ["thresholds"]):
        monkeypatch.setattr(
            sys, "argv", ["apronwatch", "train", *map(str, [*command, words[0], "--model", "mine"])]
        )
        with pytest.raises(SystemExit):
            main()
        assert "synthetic/synthetic taught mine" in capsys.readouterr().err


def test_what_cannot_be_used_is_refused_before_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"synthetic={tmp_path}", "--page", tmp_path / "no" / "page.html") == 2
    assert "is no folder" in capsys.readouterr().err
    for gsd in ("", "-1", "0", "nan", "inf", "1000", "0.5;0.7"):
        assert run(monkeypatch, f"synthetic={tmp_path}", f"--gsd={gsd}") == 2
        assert "expected metres a pixel" in capsys.readouterr().err
    for device in ("0,", "²", "cuda:²", "", "gpu"):
        assert run(monkeypatch, f"synthetic={tmp_path}", f"--device={device}") == 2
        refused = capsys.readouterr().err
        assert "is not known: say auto, cpu, cuda:N" in refused
        assert refused.count("\n") == 1


def test_key_points_tell_the_heading(
    real_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"allplanes={real_data / 'allplanes_examples'}", "--json") == 0
    (at,) = json.loads(capsys.readouterr().out)["evaluations"]
    (plane,) = at["classes"]
    every = plane["boxes"][0]
    assert (every["matched_by"], every["lengths_m"]) == ("centre", None)
    # 16 KC-135, two A320 and a 737-800 are about as long as they span; six A321 are longer.
    assert every["heading"]["objects"] + every["square"]["objects"] == every["objects"] == 25
    assert every["square"]["objects"] > every["heading"]["objects"] > 0
    assert every["square"]["p90"] <= 45
    assert every["heading"]["p90"] <= 90
    assert abs(every["length_bias"]) < 0.2


def test_a_calibration_of_other_weights_is_no_calibration(seed: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(Calibration("ab" * 32, {}).to_dict()))
    with pytest.raises(Exception, match="measured with weights"):
        score([looked([0.9])], replace(seed, calibration_path=tmp_path / "c.json"))


def test_false_alarms_of_empty_scenes_stand_with_their_dataset() -> None:
    """A scene without objects has no labels that could tell how its dataset draws them."""
    empty = looked([], false=[0.9, 0.8], place="empty")
    for oriented in (True, False):
        [planes] = score([looked([0.9, 0.8], place="full", oriented=oriented), empty])
        assert planes.rule == ("iou" if oriented else "centre")
        assert len(planes.scenes) == 2
        assert planes.operating.precision == pytest.approx(0.5)
