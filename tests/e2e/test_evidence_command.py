"""The command in an evidence folder counts the same numbers again, whatever masks, names and items the look had."""

import hashlib
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apronwatch_datasets.synthetic import DrawnScene
from tests.e2e.conftest import Command
from tests.e2e.drawn import pixels_of, placed
from tests.e2e.proofs import SITE
from tests.e2e.test_evidence import two_frames
from tests.rasters import make_raster


def counts_of(apronwatch: Command, archive: Path | str) -> list[tuple[Any, ...]]:
    rows = apronwatch("series", SITE, "--json", "--archive", archive).document["rows"]
    names = ("zone", "class", "seen", "status", "observed_fraction", "reasons")
    return [tuple(json.dumps(row[name]) for name in names) for row in rows]


def proof_of(apronwatch: Command, *words: object) -> Path:
    answer = apronwatch("evidence", SITE, "--look", "2026-03-03", "--out", "proof", *words)
    assert answer.status == 0, answer
    return Path("proof").absolute()


def run_the_command(apronwatch: Command, proof: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder, as its README says, with numbers that are those of the archive."""
    command = json.loads((proof / "manifest.json").read_text())["command"]
    assert f"    {command}\n" in (proof / "README.txt").read_text()
    with monkeypatch.context() as there:
        there.chdir(proof)
        answer = apronwatch(*shlex.split(command)[1:])
        assert answer.status == 0, answer
        assert apronwatch("verify", ".").status == 0
    assert counts_of(apronwatch, proof / "fresh.sqlite") == counts_of(apronwatch, "apronwatch.sqlite")


def same(apronwatch: Command, *words: object) -> str:
    """What is noted of a folder whose numbers are the same, but for the archive that its command has left there."""
    answer = apronwatch("verify", "proof", *words)
    assert answer.status == 0, answer
    return "".join(line for line in answer.err.splitlines(keepends=True) if "fresh.sqlite" not in line)


def classes(like: Path, name: Path, values: dict[int, slice]) -> Path:
    """A mask of classes on the grid of a picture; columns by value."""
    shape = pixels_of(like).shape[:2]
    pixels = np.zeros((*shape, 1), np.uint8)
    for value, columns in values.items():
        pixels[:, columns] = value
    return make_raster(name, pixels=pixels, **placed(like))


@pytest.mark.parametrize("second", [None, "4"])
def test_frames_whose_masks_are_read_otherwise(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch, second: str | None
) -> None:
    """In the first class 3 hides and 1 does not; in the second whatever is not 0, or class 4 alone."""
    frames = two_frames(apron, folder)
    masks = [
        classes(frames[0], folder / "a_classes.tif", {1: slice(100, 200), 3: slice(0, 100)}),
        classes(frames[1], folder / "b_classes.tif", {1: slice(300, 350), 4: slice(350, 400)}),
    ]
    for frame, mask, hides in zip(frames, masks, ("3", second), strict=True):
        words = ("--mask-hides", hides) if hides else ()
        assert apronwatch("count", frame, "--sites", apron.sites, "--mask", mask, *words).status == 0
    named = ("--mask-hides", "3", *(("--mask-hides", second) if second else ()))
    proof = proof_of(apronwatch, "--mask", masks[0], "--mask", masks[1], *named)
    rows = (proof / "scenes.csv").read_text().splitlines()
    assert {row.split(",")[4] for row in rows[1:]} == {"3", second or ""}
    same(apronwatch)
    for frame in frames:
        shutil.copy(frame, proof)
    run_the_command(apronwatch, proof, monkeypatch)


def test_a_mask_of_several_frames_that_is_missing_is_said_with_what_to_do(
    apronwatch: Command, apron: DrawnScene, folder: Path
) -> None:
    frames = two_frames(apron, folder)
    mask = classes(frames[0], folder / "clouds.tif", {1: slice(0, 100)})
    assert apronwatch("count", frames[0], "--sites", apron.sites, "--mask", mask).status == 0
    assert apronwatch("count", frames[1], "--sites", apron.sites).status == 0
    proof = proof_of(apronwatch)
    readme = " ".join((proof / "README.txt").read_text().split())
    assert "without it numbers differ. Name it in the column `mask` of a copy of scenes.csv" in readme
    same(apronwatch, "--mask", mask)


def item(folder: Path, picture: Path, hidden: dict[int, slice], href: str = "./") -> Path:
    """A STAC item in a folder of its own, with a mask of classes of which 1 is cloud."""
    folder.mkdir(parents=True)
    shutil.copy(picture, folder / "visual.tif")
    classes(picture, folder / "qa.tif", hidden)
    named = [{"value": 0, "name": "clear"}, {"value": 1, "name": "cloud"}, {"value": 2, "name": "land"}]
    media = "image/tiff; application=geotiff"
    assets = {
        "visual": {"href": f"{href}visual.tif", "type": media, "roles": ["visual"]},
        "qa": {"href": f"{href}qa.tif", "type": media, "roles": ["cloud"], "classification:classes": named},
    }
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": folder.name,
        "geometry": None,
        "properties": {"datetime": f"2026-03-03T08:15:3{len(folder.name)}Z"},
        "links": [],
        "assets": assets,
    }
    (folder / "item.json").write_text(json.dumps(document))
    return folder / "item.json"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("masked", [True, False])
def test_a_stac_item(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    found = item(folder / "delivery", apron.files.image, {1: slice(0, 200), 2: slice(200, 400)})
    words = () if masked else ("--no-item-mask",)
    assert apronwatch("count", found, "--sites", apron.sites, *words).status == 0
    proof = proof_of(apronwatch)
    readme = " ".join((proof / "README.txt").read_text().split())
    files = {name: sha256(found.parent / name) for name in ("item.json", "visual.tif", "qa.tif")}
    for name, hashed in files.items():
        assert name in readme
        assert hashed in readme
    assert (
        "put the STAC item item.json (and where it names them: visual.tif and qa.tif) into this folder"
        in readme
    )
    assert "delivery" not in readme
    told = json.loads((proof / "manifest.json").read_text())["frames"][0]["item"]
    assert {one["name"]: one["sha256"] for one in (told, told["picture"], *told["masks"])} == files
    assert same(apronwatch, "--scene", found) == ""
    for name in files:
        shutil.copy(found.parent / name, proof)
    run_the_command(apronwatch, proof, monkeypatch)
    assert same(apronwatch) == "", "what lies there is what the command needs"
    found.write_text(found.read_text() + "\n")
    assert "the STAC item item.json has SHA-256 " in same(apronwatch, "--scene", found)
    classes(apron.files.image, found.parent / "qa.tif", {1: slice(0, 1)})
    moved = apronwatch("verify", "proof", "--scene", found)
    assert moved.status == (2 if masked else 1), "another mask is another number, or at least another file"


def test_items_that_name_files_of_one_name_have_folders_of_their_own(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = two_frames(apron, folder)
    items = [
        item(folder / name, frame, {1: slice(0, 50)}) for name, frame in zip(("a", "bb"), frames, strict=True)
    ]
    assert apronwatch("count", *items, "--sites", apron.sites).status == 0
    proof = proof_of(apronwatch)
    for n, frame in enumerate(json.loads((proof / "manifest.json").read_text())["frames"], start=1):
        (of,) = (one for one in items if sha256(one) == frame["item"]["sha256"])
        shutil.copytree(of.parent, proof / f"frame-{n}" / "picture")
    assert "item.json (and where it names them: visual.tif and qa.tif) into frame-2/picture/" in " ".join(
        (proof / "README.txt").read_text().split()
    )
    run_the_command(apronwatch, proof, monkeypatch)
    assert same(apronwatch) == ""


def test_pictures_of_one_name_have_folders_of_their_own(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = []
    for n, frame in enumerate(two_frames(apron, folder)):
        (folder / f"part-{n}").mkdir()
        frames.append(frame.rename(folder / f"part-{n}" / "20260303T081530.tif"))
    assert apronwatch("count", *frames, "--sites", apron.sites).status == 0
    proof = proof_of(apronwatch)
    for n, told in enumerate(json.loads((proof / "manifest.json").read_text())["frames"], start=1):
        (of,) = (frame for frame in frames if sha256(frame) == told["scene"]["sha256"])
        (proof / f"frame-{n}" / "picture").mkdir()
        shutil.copy(of, proof / f"frame-{n}" / "picture")
    run_the_command(apronwatch, proof, monkeypatch)


def test_an_item_that_names_its_files_where_no_other_has_them(
    apronwatch: Command, apron: DrawnScene, folder: Path
) -> None:
    found = item(folder / "delivery", apron.files.image, {}, f"{folder / 'delivery'}/")
    assert apronwatch("count", found, "--sites", apron.sites).status == 0
    readme = " ".join((proof_of(apronwatch) / "README.txt").read_text().split())
    assert "names its files by a place on the machine where it lay" in readme
    assert str(folder) not in readme


def test_an_item_that_is_gone_is_said_to_be(apronwatch: Command, apron: DrawnScene, folder: Path) -> None:
    found = item(folder / "delivery", apron.files.image, {1: slice(0, 200)})
    assert apronwatch("count", found, "--sites", apron.sites).status == 0
    found.rename(folder / "elsewhere.json")
    proof = proof_of(apronwatch)
    readme = " ".join((proof / "README.txt").read_text().split())
    assert "The item item.json was not at hand when this folder was made" in readme
    assert (
        "The mask of frame 1 is missing here (see above): without it numbers differ. Name it, unless"
        in readme
    )
    (folder / "elsewhere.json").rename(found)
    same(apronwatch, "--scene", found)


def test_a_picture_that_was_named_by_itself_later_is_still_counted_by_its_item(
    apronwatch: Command, apron: DrawnScene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For another site, and so the archive's latest path to it is not that by which this site was counted."""
    found = item(folder / "delivery", apron.files.image, {1: slice(0, 200)})
    assert apronwatch("count", found, "--sites", apron.sites).status == 0
    picture = found.parent / "visual.tif"
    assert apronwatch("count", picture, "--site", "other", "--time", "2026-03-03T08:15:38Z").status == 0
    proof = proof_of(apronwatch)
    for name in ("item.json", "visual.tif", "qa.tif"):
        shutil.copy(found.parent / name, proof)
    run_the_command(apronwatch, proof, monkeypatch)
    assert same(apronwatch) == ""
