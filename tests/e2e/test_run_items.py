"""Archived runs as STAC items in a folder."""

import json
from pathlib import Path

import numpy as np
import pystac
import pytest

from apronwatch.archive import Archive
from apronwatch.errors import OutputInvalid
from apronwatch.interchange.stac import write_run_items
from tests.e2e.conftest import Command
from tests.e2e.drawn import placed, planes
from tests.rasters import make_raster


def test_an_item_for_each_run_that_has_a_time(apronwatch: Command, tmp_path: Path) -> None:
    drawn = planes(tmp_path)
    undated = tmp_path / "undated.tif"
    undated.write_bytes(drawn.files.image.read_bytes() + b"\0")
    for words in ((drawn.files.image,), (undated, "--undated")):
        assert apronwatch("count", *words, "--sites", drawn.sites).status == 0
    folder = tmp_path / "new" / "items"
    with Archive.open(create=False) as archive:
        runs = [archive.run(row.run_id) for row in archive.runs("synthetic-apron")]
        assert len(runs) == 2
        written = write_run_items(runs, folder)
    assert written == sorted(folder.iterdir())
    (item,) = (pystac.Item.from_file(path) for path in written)
    (dated,) = (run for run in runs if run.scene.time is not None)
    assert item.id == written[0].stem
    assert item.properties["apronwatch:run"] == dated.key
    assert item.properties["apronwatch:scene_sha256"] == dated.scene.sha256
    assert (folder / item.assets["source"].href).resolve() == drawn.files.image.resolve()


def test_no_folder_can_be_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "items").write_text("mine")
    with pytest.raises(OutputInvalid, match="cannot be made"):
        write_run_items([], tmp_path / "items")


@pytest.mark.parametrize("folder_name", ["mine", "mine/items"])
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_archived(
    refused: Command, tmp_path: Path, folder_name: str
) -> None:
    drawn = planes(tmp_path)
    (tmp_path / "mine").write_text("mine")
    words = ("--sites", drawn.sites, "--stac", tmp_path / folder_name)
    assert "cannot be made" in refused("count", drawn.files.image, *words).err


def test_a_folder_in_the_place_of_an_item_is_refused_before_anything_is_archived(
    refused: Command, tmp_path: Path
) -> None:
    drawn = planes(tmp_path)
    (tmp_path / "items" / "one.json").mkdir(parents=True)
    words = ("--sites", drawn.sites, "--stac", tmp_path / "items")
    assert "one.json is a folder" in refused("count", drawn.files.image, *words).err


def test_an_item_never_says_zero_of_what_was_not_seen(apronwatch: Command, tmp_path: Path) -> None:
    """The drawn apron as it is, then under a mask that hides all of it, then under one that hides its west."""
    drawn = planes(tmp_path)
    place, properties = placed(drawn.files.image), {}
    for name, columns in (("clear", 0), ("west", 300), ("all", 600)):
        hidden = np.zeros((600, 600, 1), np.uint8)
        hidden[:, :columns] = 1
        mask = make_raster(tmp_path / f"{name}.tif", pixels=hidden, **place)
        words = ("--sites", drawn.sites, "--mask", mask, "--stac", tmp_path / name)
        assert apronwatch("count", drawn.files.image, *words).status == 0
        [item] = (tmp_path / name).iterdir()
        properties[name] = json.loads(item.read_text())["properties"]

    def said(name: str) -> list[object]:
        return [properties[name][f"apronwatch:{what}"] for what in ("at_least", "status", "looked_for")]

    assert said("clear") == [False, "complete", ["plane"]]
    assert said("west") == [True, "partial", ["plane"]]
    assert said("all") == [False, "unseen", ["plane"]]
    found = [properties[name]["apronwatch:detections"] for name in ("clear", "west", "all")]
    assert found[0] > found[1] > 0
    assert found[2] is None
    assert "unseen" in properties["all"]["apronwatch:reasons"]
