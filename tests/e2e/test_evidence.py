"""`apronwatch evidence`, `verify`, `recount`: what stands behind a number, and what a change of it comes to."""

import csv
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from apronwatch.archive import Archive
from apronwatch.engines.registry import find_model
from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Command
from tests.e2e.drawn import pixels_of, placed, planes
from tests.e2e.proofs import SITE, prove, rehash
from tests.e2e.weights import other_weights
from tests.rasters import make_raster

APRONWATCH = Path(sys.executable).parent / "apronwatch"


@pytest.fixture(scope="module")
def apron(tmp_path_factory: pytest.TempPathFactory) -> DrawnScene:
    """Ten planes on 3 March 2026; to be read only."""
    return planes(tmp_path_factory.mktemp("janes secret folder"))


@pytest.fixture(scope="module")
def proven(apron: DrawnScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of one count of the apron, and its evidence; to be copied."""
    home = tmp_path_factory.mktemp("proven")
    prove(apron, home)
    return home


@pytest.fixture
def counted(folder: Path, proven: Path) -> Path:
    """The working folder with the apron counted."""
    shutil.copy(proven / "apronwatch.sqlite", folder)
    return folder


@pytest.fixture
def made(counted: Path, proven: Path) -> Path:
    """The evidence of that look, beside its archive."""
    shutil.copytree(proven / "proof", counted / "proof")
    return counted / "proof"


def flip_a_byte(path: Path, at: int = -1000) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def box_rows(folder: Path, frame: int = 1) -> list[dict[str, str]]:
    with (folder / f"frame-{frame}" / "boxes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def look_counts(folder: Path) -> dict[str, int | None]:
    """Planes by zone, as published."""
    counts = json.loads((folder / "counts.json").read_text())["look"]["counts"]
    return {c["zone"]: c["seen"] for c in counts if c["class"] == "plane"}


def rows_of_series(apronwatch: Command, *words: object) -> list[dict[str, Any]]:
    rows = apronwatch("series", SITE, "--class", "plane", "--json", *words).document["rows"]
    assert isinstance(rows, list)
    return rows


def test_round_trip(apronwatch: Command, apron: DrawnScene, made: Path) -> None:
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 0, answer
    lines = answer.out.splitlines()
    assert len(lines) == 6  # west, east, the whole site, the boxes; then what is not compared
    assert all(line.startswith("same ") for line in lines[:4])
    assert lines[4].startswith("by hash  frame-1/chips-1.png, frame-1/overlay.png, model-card.md: ")
    assert lines[5].startswith("as told  path, time, ")
    assert "whole site, plane: " in lines[2]


def test_the_scene_is_found_in_the_folder_beside_it_and_here(
    apronwatch: Command, apron: DrawnScene, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = tmp_path / "elsewhere" / "proof"
    shutil.copytree(made, lone)
    missing = apronwatch("verify", lone)
    assert (missing.status, missing.out) == (2, "")
    assert missing.err.count("\n") == 1
    assert "no file of that name" in missing.err
    here = tmp_path / "here"
    here.mkdir()
    for place in (lone, lone.parent, here):
        monkeypatch.chdir(place)
        copy = shutil.copy(apron.files.image, place)
        assert apronwatch("verify", lone).status == 0
        Path(copy).unlink()


def test_the_one_command_counts_the_same(apronwatch: Command, apron: DrawnScene, made: Path) -> None:
    readme = (made / "README.txt").read_text()
    command = json.loads((made / "manifest.json").read_text())["command"]
    assert f"    {command}\n" in readme
    shutil.copy(apron.files.image, made)
    done = subprocess.run(
        [APRONWATCH, *shlex.split(command)[1:], "--json"],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scenes"] == json.loads((made / "counts.json").read_text())["scenes"]


def test_every_number_is_the_boxes_that_are_said_to_count(made: Path) -> None:
    rows = box_rows(made)
    counted = [row for row in rows if row["counted"] == "true"]
    for zone, seen in look_counts(made).items():
        assert seen == sum(zone == "*" or zone in row["zones"].split(";") for row in counted)
    assert {row["why_not"] for row in rows if row["counted"] == "false"} <= {
        "below_threshold",
        "outside_zones",
    }
    assert sorted(row["chip"] for row in counted) == sorted(f"1-{n + 1}" for n in range(len(counted)))
    features = json.loads((made / "frame-1" / "boxes.geojson").read_text())["features"]
    assert [f["properties"]["counted"] for f in features] == [row["counted"] == "true" for row in rows]


def test_pictures_can_be_opened(made: Path) -> None:
    with Image.open(made / "frame-1" / "overlay.png") as overlay:
        assert min(overlay.size) > 600
    with Image.open(made / "frame-1" / "chips-1.png") as chips:
        assert chips.height > 2 * 100  # ten chips stand in two rows


def test_nothing_tells_of_the_makers_machine(made: Path, apron: DrawnScene, tmp_path: Path) -> None:
    told = [apron.files.image.parent, apron.files.image.parent.name, tmp_path, Path.home(), "janes"]
    for path in made.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for name in told:
                assert str(name).encode() not in content, (path, name)


@pytest.mark.parametrize(
    "name", ["frame-1/boxes.csv", "frame-1/boxes.geojson", "counts.json", "sites.geojson", "README.txt"]
)
def test_a_changed_file_is_named(apronwatch: Command, apron: DrawnScene, made: Path, name: str) -> None:
    flip_a_byte(made / name, at=-20)
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 1
    assert answer.out.startswith(f"CHANGED  {name}: SHA-256 ")


def test_a_missing_file_is_named_and_a_new_one_too(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    (made / "frame-1" / "chips-2.png").write_bytes(b"planted")
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 0
    assert "frame-1/chips-2.png lies in the folder and is no part" in answer.err
    (made / "frame-1" / "chips-1.png").unlink()
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 1
    assert answer.out.startswith("CHANGED  frame-1/chips-1.png: missing")


def test_a_changed_scene_cannot_be_checked(
    apronwatch: Command, apron: DrawnScene, made: Path, folder: Path
) -> None:
    copy = folder / apron.files.image.name
    shutil.copy(apron.files.image, copy)
    flip_a_byte(copy)
    answer = apronwatch("verify", made)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "is another picture" in answer.err


def test_a_forged_number_is_found_though_every_hash_fits(
    apronwatch: Command, apron: DrawnScene, made: Path
) -> None:
    counts = json.loads((made / "counts.json").read_text())
    (total,) = (c for c in counts["look"]["counts"] if (c["zone"], c["class"]) == ("*", "plane"))
    true, total["seen"] = total["seen"], total["seen"] + 7
    (made / "counts.json").write_text(json.dumps(counts))
    rehash(made)
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 1
    assert f"DIFFERS  {SITE}, whole site, plane: seen published {true + 7}, counted {true} (-7)" in answer.out


def test_other_weights_cannot_check(apronwatch: Command, apron: DrawnScene, made: Path) -> None:
    other = other_weights("stern", 0.3)
    for words in (("--model", "stern"), ("--model", other)):
        answer = apronwatch("verify", made, "--scene", apron.files.image, *words)
        assert (answer.status, answer.out) == (2, "")
        assert "other weights give other numbers" in answer.err


def test_weights_with_a_changed_byte_are_refused(
    apronwatch: Command, apron: DrawnScene, folder: Path
) -> None:
    weights = other_weights("stern", 0.3)
    assert apronwatch("count", apron.files.image, "--sites", apron.sites, "--model", "stern").status == 0
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof").status == 0
    assert apronwatch("verify", "proof", "--scene", apron.files.image).status == 0
    flip_a_byte(weights)
    answer = apronwatch("verify", "proof", "--scene", apron.files.image)
    assert (answer.status, answer.out) == (2, "")
    assert "damaged or was exchanged" in answer.err


def test_other_rules_of_counting_cannot_check(apronwatch: Command, apron: DrawnScene, made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["frames"][0]["parameters"]["score_floor"] = 0.5
    (made / "manifest.json").write_text(json.dumps(manifest))
    answer = apronwatch("verify", made, "--scene", apron.files.image)
    assert answer.status == 2
    assert "other settings than here: score_floor 0.5, here 0.05" in answer.err


def two_frames(apron: DrawnScene, folder: Path) -> list[Path]:
    """The picture in two frames of one acquisition that overlap by a third."""
    pixels, place = pixels_of(apron.files.image), placed(apron.files.image)
    frames = []
    for n, (first, last) in enumerate([(0, 400), (200, 600)]):
        shifted = place["transform"] @ Affine.translation(first, 0)
        name = folder / f"20260303T08153{n}_frame.tif"
        frames.append(make_raster(name, pixels=pixels[:, first:last], crs=place["crs"], transform=shifted))
    return frames


def test_two_frames(apronwatch: Command, apron: DrawnScene, folder: Path) -> None:
    frames = two_frames(apron, folder)
    assert apronwatch("count", *frames, "--sites", apron.sites).status == 0
    (total,) = rows_of_series(apronwatch, "--zone", "*")
    assert len(total["runs"]) == 2
    answer = apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof")
    assert answer.status == 0, answer.err
    proof = folder / "proof"
    rows = box_rows(proof, 1) + box_rows(proof, 2)
    assert sum(row["counted"] == "true" for row in rows) == total["seen"] == look_counts(proof)["*"]
    assert "counted_in_another_frame" in {row["why_not"] for row in rows}
    checked = apronwatch("verify", proof)
    assert checked.status == 0, checked
    command = json.loads((proof / "manifest.json").read_text())["command"]
    for frame in frames:
        shutil.copy(frame, proof)
    done = subprocess.run(
        [APRONWATCH, *shlex.split(command)[1:]], cwd=proof, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    again = rows_of_series(apronwatch, "--zone", "*", "--archive", proof / "fresh.sqlite")
    assert [(row["seen"], row["status"]) for row in again] == [(total["seen"], total["status"])]


def test_a_masked_scene(apronwatch: Command, apron: DrawnScene, folder: Path) -> None:
    hidden = np.zeros((600, 600, 1), np.uint8)
    hidden[:, :300] = 1
    mask = make_raster(folder / "clouds.tif", pixels=hidden, **placed(apron.files.image))
    assert apronwatch("count", apron.files.image, "--sites", apron.sites, "--mask", mask).status == 0
    bare = apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "bare")
    assert "its mask is not in the folder; name it with --mask" in bare.err
    unchecked = apronwatch("verify", "bare", "--scene", apron.files.image)
    assert unchecked.status == 2
    assert "its mask" in unchecked.err
    assert apronwatch("verify", "bare", "--scene", apron.files.image, "--mask", folder).status == 0
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof", "--mask", mask).status == 0
    assert (folder / "proof" / "frame-1" / "mask" / "clouds.tif").read_bytes() == mask.read_bytes()
    assert "Clouds were not looked for" not in (folder / "proof" / "README.txt").read_text()
    checked = apronwatch("verify", "proof", "--scene", apron.files.image)
    assert checked.status == 0
    assert "zone west, plane: no number – not observed" in checked.out


def test_a_picture_without_georeference(apronwatch: Command, apron: DrawnScene, folder: Path) -> None:
    picture = folder / "photo.png"
    Image.fromarray(pixels_of(apron.files.image)).save(picture)
    words = ("count", picture, "--site", "base", "--gsd", "0.5", "--time", "2026-03-03T08:15Z")
    assert apronwatch(*words).status == 0
    assert apronwatch("evidence", "base", "--look", "2026-03-03T08:15Z", "--out", "proof").status == 0
    proof = folder / "proof"
    assert {"x_px", "y_px"} <= set(box_rows(proof)[0])
    checked = apronwatch("verify", proof)
    assert checked.status == 0, checked
    assert "zone image, plane: " in checked.out
    command = json.loads((proof / "manifest.json").read_text())["command"]
    assert "photo.png --time 2026-03-03T08:15Z --gsd 0.5 --sites sites.geojson" in command
    other_weights("stern", 0.75)
    (total,) = (
        move
        for move in apronwatch("recount", "base", "--model", "stern", "--json").document["moves"]
        if move["zone"] == "*"
    )
    assert total["difference"] == -len(total["lost"]) < 0
    assert set(total["lost"][0]) == {"x_px", "y_px", "score"}


def test_that_no_mask_lay_stands_once_in_the_readme(made: Path) -> None:
    cloud = "- Clouds were not looked for (no mask): ground under one counts as seen, and what stands on it as none."
    assert " ".join((made / "README.txt").read_text().split()).count(cloud) == 1


def test_a_failed_look_says_so(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError(f"out of memory at {Path.home()}/models/x.bin")

    with monkeypatch.context() as broken:
        broken.setattr("apronwatch.engines.onnx.OnnxEngine.detect", breaks)
        assert apronwatch("count", apron.files.image, "--sites", apron.sites).status == 1
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof").status == 0
    proof = folder / "proof"
    assert set(look_counts(proof).values()) == {None}
    readme = (proof / "README.txt").read_text()
    assert "FAILED:" in readme
    assert str(Path.home()) not in readme
    assert not list(proof.glob("frame-*"))
    checked = apronwatch("verify", proof, "--scene", apron.files.image)
    assert checked.status == 2, "anyone can say that a run failed"
    assert checked.out.startswith("no number to compare, the run failed")


def test_a_scene_that_is_gone_leaves_positions(apronwatch: Command, apron: DrawnScene, folder: Path) -> None:
    copy = folder / apron.files.image.name
    shutil.copy(apron.files.image, copy)
    assert apronwatch("count", copy, "--sites", apron.sites).status == 0
    copy.unlink()
    answer = apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof")
    assert answer.status == 0
    assert "No chips" in answer.err
    proof = folder / "proof"
    assert not list(proof.rglob("chips*"))
    assert (proof / "frame-1" / "overlay.png").is_file()
    assert apronwatch("verify", proof, "--scene", apron.files.image).status == 0


def test_nothing_counted_in_a_scene_that_is_gone(
    apronwatch: Command, apron: DrawnScene, folder: Path, tmp_path: Path
) -> None:
    bare = np.random.default_rng(5).integers(90, 110, (600, 600, 3)).astype(np.uint8)
    scene = make_raster(folder / "20260303.tif", pixels=bare, **placed(apron.files.image))
    assert apronwatch("count", scene, "--sites", apron.sites).status == 0
    for name, where in (("bare", folder), ("gone", tmp_path)):
        scene = Path(shutil.move(scene, where)) if where != folder else scene
        assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", name).status == 0
        assert look_counts(folder / name)["*"] == 0
        checked = apronwatch("verify", name, "--scene", scene)
        assert checked.status == 0, checked


def test_what_cannot_be_written_or_named_is_refused(
    apronwatch: Command, refused: Command, made: Path
) -> None:
    before = (made / "manifest.json").read_bytes()
    assert "there already" in refused("evidence", SITE, "--look", "2026-03-03", "--out", made).err
    assert "2026-03-03" in refused("evidence", SITE, "--look", "2026-03-04", "--out", "other").err
    assert "no site nowhere" in refused("evidence", "nowhere", "--look", "2026-03-03", "--out", "other").err
    assert "is no folder" in refused("evidence", SITE, "--look", "2026-03-03", "--out", "no/such/place").err
    assert "manifest" in refused("verify", made / "frame-1").err
    assert (made / "manifest.json").read_bytes() == before


def test_killed_in_the_midst_leaves_no_half_folder(apronwatch: Command, made: Path, folder: Path) -> None:
    whole = sorted(path.relative_to(made) for path in made.rglob("*"))
    words = [APRONWATCH, "evidence", SITE, "--look", "2026-03-03", "--out", "again"]
    for delay in (0.0, 0.005):
        child = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not list(folder.glob(".again-*")) and child.poll() is None and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(delay)
        child.kill()
        assert child.wait() in (-signal.SIGKILL, 0)
        if (folder / "again").exists():
            assert (
                sorted(path.relative_to(folder / "again") for path in (folder / "again").rglob("*")) == whole
            )
            shutil.rmtree(folder / "again")
    assert apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "again").status == 0
    assert sorted(path.relative_to(folder / "again") for path in (folder / "again").rglob("*")) == whole


def test_recount_shows_what_would_move_and_moves_nothing(
    apronwatch: Command, apron: DrawnScene, counted: Path
) -> None:
    published = rows_of_series(apronwatch)
    other_weights("stern", 0.75)
    document = apronwatch("recount", SITE, "--model", "stern", "--json").document
    (total,) = (move for move in document["moves"] if move["zone"] == "*")
    assert total["difference"] == total["new"]["seen"] - total["old"]["seen"] < 0
    assert (len(total["lost"]), total["gained"]) == (-total["difference"], [])
    assert all(lost["score"] < 0.75 for lost in total["lost"])
    assert [abs(move["difference"]) for move in document["moves"]] == sorted(
        (abs(move["difference"]) for move in document["moves"]), reverse=True
    )
    assert rows_of_series(apronwatch) == published
    new = rows_of_series(apronwatch, "--model", "stern")
    assert [row["seen"] for row in new if row["zone"] == "*"] == [total["new"]["seen"]]
    with Archive.open(create=False) as archive:
        assert len(archive.runs(SITE)) == 2
    assert apronwatch("recount", SITE, "--model", "stern", "--json").document == document


def test_recount_adopts_when_told_to(apronwatch: Command, apron: DrawnScene, counted: Path) -> None:
    other_weights("stern", 0.75)
    assert apronwatch("recount", SITE, "--model", "stern").status == 0
    assert {row["model"]["name"] for row in rows_of_series(apronwatch)} == {find_model().name}
    answer = apronwatch("recount", SITE, "--model", "stern", "--adopt")
    assert answer.status == 0
    assert "stand in series and reports from now on" in answer.out
    assert {row["model"]["name"] for row in rows_of_series(apronwatch)} == {"stern"}


def test_counting_by_hand_adopts_a_run_that_was_set_aside(
    apronwatch: Command, apron: DrawnScene, counted: Path
) -> None:
    words = ("count", apron.files.image, "--sites", apron.sites)
    other_weights("stern", 0.75)
    assert apronwatch("recount", SITE, "--model", "stern").status == 0
    assert apronwatch(*words, "--model", "stern").status == 0
    assert {row["model"]["name"] for row in rows_of_series(apronwatch)} == {"stern"}


def test_recount_names_what_it_could_not_look_at(
    apronwatch: Command, apron: DrawnScene, folder: Path
) -> None:
    gone = folder / "20260401.tif"
    gone.write_bytes(apron.files.image.read_bytes() + b"\0")
    undated = folder / "undated.tif"
    undated.write_bytes(apron.files.image.read_bytes() + b"\0\0")
    assert apronwatch("count", apron.files.image, gone, "--sites", apron.sites).status == 0
    assert apronwatch("count", undated, "--sites", apron.sites, "--undated").status == 0
    gone.unlink()
    other_weights("stern", 0.75)
    answer = apronwatch("recount", SITE, "--model", "stern")
    assert answer.status == 1
    assert "1 of 2 looks counted again" in answer.out
    assert "2026-04-01 was not counted again: scene 20260401.tif" in answer.err
    assert "undated.tif is undated" in answer.err


def test_recount_of_a_failed_look_does_not_take_its_place(
    apronwatch: Command, apron: DrawnScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("apronwatch.engines.onnx.OnnxEngine.detect", _breaks)
        assert apronwatch("count", apron.files.image, "--sites", apron.sites).status == 1
    other_weights("stern", 0.3)
    document = apronwatch("recount", SITE, "--model", "stern", "--json").document
    (total,) = (m for m in document["moves"] if (m["zone"], m["class"]) == ("*", "plane"))
    assert (total["old"]["status"], total["difference"], total["lost"]) == ("failed", None, None)
    assert total["new"]["seen"] > 0
    assert {row["status"] for row in rows_of_series(apronwatch)} == {"failed"}
    assert apronwatch("recount", SITE, "--model", find_model().name).status == 0
    assert {row["status"] for row in rows_of_series(apronwatch)} == {"failed"}


def _breaks(*_: object) -> None:
    raise RuntimeError("out of memory")
