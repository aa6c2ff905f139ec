"""`apronwatch data …` as a person uses it."""

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image

from apronwatch_datasets.fakes import dota
from apronwatch_datasets.fakes import synthetic as drawn
from tests.e2e.conftest import Command


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    root = tmp_path / "dota"
    dota.write_fake(root)
    return root


def test_the_list_names_every_dataset_and_tells_of_one(apronwatch: Command) -> None:
    listed = apronwatch("data", "list").out
    assert {"dota", "xview", "synthetic", "coco"} <= {line.split()[0] for line in listed.splitlines()[2:]}
    assert "labelTxt" in apronwatch("data", "list", "dota").out
    told = json.loads(apronwatch("data", "list", "--json").out)["datasets"]
    assert all(card["licence"] and card["url"] for card in told)


def test_verify_accounts_for_every_object(apronwatch: Command, labelled: Path) -> None:
    told = json.loads(apronwatch("data", "verify", f"dota={labelled}", "--json").out)
    [dataset] = told["datasets"]
    for counts in dataset["objects"].values():
        assert counts["written"] == sum(counts[k] for k in ("kept", "ignored", "background", "dropped"))
    assert dataset["faults"]
    assert sum(dataset["faults_by_kind"].values()) == len(dataset["faults"])
    text = apronwatch("data", "verify", f"dota={labelled}").out
    assert f"{len(dataset['faults'])} faults" in text
    assert dataset["faults"][0]["file"] in text


def test_strict_fails_after_saying_why(apronwatch: Command, labelled: Path) -> None:
    answer = apronwatch("data", "verify", f"dota={labelled}", "--strict")
    assert answer.status == 2
    assert "--strict allows none" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "faults:" in answer.out


def test_tiles_there_and_back(apronwatch: Command, labelled: Path, tmp_path: Path) -> None:
    tiles, packed, again = tmp_path / "tiles", tmp_path / "tiles.zip", tmp_path / "again"
    arguments = ["--gsd", "0.3", "--tile", "128", "--overlap", "32", "--out", str(tiles), "--workers", "1"]
    said = apronwatch("data", "prepare", f"dota={labelled}", *arguments).out
    assert "MB on disk" in said
    assert "train" in said
    assert {"data.yaml", "manifest.parquet", "prepared.json", "images", "labels", "regions"} <= {
        p.name for p in tiles.iterdir()
    }
    apronwatch("data", "pack", str(tiles), "--out", str(packed), "--max-mb", "5")
    apronwatch("data", "unpack", str(packed), "--out", str(again))
    for name in ("labels", "regions"):
        there, back = (
            {p.relative_to(r): p.read_bytes() for p in (r / name).rglob("*.*")} for r in (tiles, again)
        )
        assert there == back
    sheet, chart = tmp_path / "sheet.png", tmp_path / "stats.png"
    apronwatch("data", "look", str(again), "--out", str(sheet), "--cells", "4")
    table = apronwatch("data", "stats", str(again), f"dota={labelled}", "--out", str(chart)).out
    assert "dota (tiles)" in table
    for picture in (sheet, chart):
        with Image.open(picture) as shown:
            assert min(shown.size) > 200


def test_a_set_of_one_place_loads_and_says_that_it_cannot_be_validated(
    apronwatch: Command, labelled: Path, tmp_path: Path
) -> None:
    tiles = tmp_path / "tiles"
    arguments = ["--tile", "128", "--overlap", "32", "--rest", "train", "--out", tiles]
    made = apronwatch("data", "prepare", f"dota={labelled}", *arguments)
    assert "val" in made.err
    described = yaml.safe_load((tiles / "data.yaml").read_text())
    assert described["train"] == described["val"] == "images/train"
    assert all((tiles / described[key]).is_dir() for key in ("train", "val"))
    assert "test" not in described
    assert {p.name for p in (tiles / "images").iterdir()} == {"train"}
    for target, said in (
        (tiles / "data.yaml", "lies in the training set"),
        (labelled / "a.txt", "no packed set"),
    ):
        (labelled / "a.txt").write_text("mine")
        before = target.read_bytes()
        answer = apronwatch("data", "pack", tiles, "--out", target)
        assert answer.status == 2
        assert said in answer.err
        assert target.read_bytes() == before


def test_nothing_to_cut_is_said_before_anything_is_written(
    refused: Command, labelled: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    drawn.write_fake(own)
    answer = refused("data", "prepare", f"synthetic={own}", "--gsd", "1e-9", "--out", "tiles")
    assert "no image gives a tile" in answer.err
    for image in labelled.rglob("images/**/*.png"):
        image.unlink()
    assert "no image" in refused("data", "prepare", f"dota={labelled}", "--out", "tiles").err


def test_convert_and_read_again(apronwatch: Command, labelled: Path, tmp_path: Path) -> None:
    apronwatch(
        "data",
        "convert",
        f"dota={labelled}",
        "--to",
        "coco",
        "--out",
        str(tmp_path / "coco"),
        "--names",
        "ours",
    )
    before, after = (
        json.loads(apronwatch("data", "stats", source, "--json").out)["datasets"][0]
        for source in (f"dota={labelled}", f"coco={tmp_path / 'coco'}")
    )
    counted = [{c["class"]: c["objects"] for c in d["classes"] if c["objects"]} for d in (before, after)]
    assert counted[0] == counted[1]
    assert counted[0]


def test_scenarios_are_listed_drawn_and_read(apronwatch: Command, tmp_path: Path) -> None:
    assert "drawdown" in apronwatch("data", "synthesize").out
    own = tmp_path / "own"
    drawn.write_fake(own)
    table = apronwatch("data", "stats", f"synthetic={own}").out
    assert "helicopter" in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "dota"], "expected NAME=ROOT"),
        (["verify", "zeppelins=here"], "expected one of dota"),
        (["verify", "dota=absent"], "no such folder"),
        (["verify", "xview={root}"], "xView"),
        (["prepare", "dota={root}", "--out", "tiles", "--gsd", "fine"], "expected numbers"),
        (["prepare", "dota={root}", "--out", "tiles", "--gsd", "0"], "above 0"),
        (["prepare", "dota={root}", "--out", "tiles", "--shares", "1,1,1"], "sum to 1"),
        (["prepare", "dota={root}", "--out", "tiles", "--gsd", "0.3,0.30000001"], "different lengths"),
        (["pack", "{root}", "--out", "a.zip"], "data prepare"),
        (["look", "{root}/absent", "--out", "a.png"], "expected NAME=ROOT"),
        (["convert", "dota={root}", "--to", "tfrecord", "--out", "converted"], "expected one of"),
        (["synthesize", "atlantis", "--out", "drawn"], "atlantis"),
        (["synthesize", "steady"], "--out"),
    ],
)
def test_wrong_calls_are_refused_in_one_line(
    refused: Command, labelled: Path, arguments: list[str], said: str
) -> None:
    assert said in refused("data", *(a.replace("{root}", str(labelled)) for a in arguments)).err
