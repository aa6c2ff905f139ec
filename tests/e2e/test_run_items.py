"""Archived runs as STAC items in a folder."""

from pathlib import Path

import pystac
import pytest

from apronwatch.archive import Archive
from apronwatch.errors import OutputInvalid
from apronwatch.interchange.stac import write_run_items
from tests.e2e.conftest import Command
from tests.e2e.drawn import planes


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
