"""What prepare refuses, in one line and before it reads or writes more than it must; what it notes instead."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import ApronwatchError, DatasetInvalid, OutputInvalid
from apronwatch_datasets.preparing import Source, loading, prepare
from apronwatch_datasets.source import SourceImage, SourceObjects
from tests.datasets.preparing.made import SMALL, Made, boxes, contents, dataset, scenery, write


def refused(source: Source, out: Path, error: type[ApronwatchError]) -> str:
    with pytest.raises(error) as told:
        prepare([source], out, SMALL)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "where", ["a file", "under a file", "full", "in the dataset", "the dataset", "locked"]
)
def test_a_folder_of_no_use_is_refused_before_the_sources_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    source = dataset(tmp_path / "in", number=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    file = tmp_path / "full" / "thesis.txt"
    out, said = {
        "a file": (file, "is a file"),
        "under a file": (file / "out", "is a file"),
        "full": (tmp_path / "full", "not an empty folder"),
        "in the dataset": (tmp_path / "in" / "out", "lies in the dataset"),
        "the dataset": (tmp_path / "in", "lies in the dataset"),
        "locked": (tmp_path / "out", "cannot be written"),
    }[where]
    if where == "locked":
        # Who runs tests as root may write everywhere.
        monkeypatch.setattr(os, "access", lambda path, mode: False)

    def read(*_: object, **__: object) -> None:
        raise AssertionError("the sources were read")

    monkeypatch.setattr(loading, "load", read)
    before = contents(tmp_path)
    assert said in refused(source, out, OutputInvalid)
    assert contents(tmp_path) == before


def test_no_image_that_can_be_used_is_refused(tmp_path: Path) -> None:
    source = dataset(tmp_path / "in", number=1)
    (tmp_path / "in" / "00.png").unlink()
    assert "no image that can be used" in refused(source, tmp_path / "out", DatasetInvalid)
    assert not (tmp_path / "out").exists()


def test_a_set_of_no_tile_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = dataset(tmp_path / "in", number=2, per_image=0)
    with pytest.raises(DatasetInvalid, match="no tile to keep"):
        prepare([source], tmp_path / "out", replace(SMALL, backgrounds=0.0))
    assert not list((tmp_path / "out").iterdir())
    assert prepare([source], tmp_path / "out", SMALL).rows()


@pytest.mark.parametrize("name", ["begun.json", "part", "compared.json"])
@pytest.mark.parametrize("content", [b'{"tiling": "', b"[]", b"\xff"])
def test_a_damaged_record_of_what_was_begun_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    source, out = dataset(tmp_path / "in", number=2), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("apronwatch_datasets.preparing.placing.assign", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare([source], out, SMALL)
    hidden = out / ".preparing"
    path = next((hidden / "parts").iterdir()) if name == "part" else hidden / name
    assert path.is_file()
    path.write_bytes(content)
    said = refused(source, out, OutputInvalid)
    assert f"{path}: is damaged" in said
    assert f"remove {out} and prepare again" in said


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_tile_that_cannot_be_moved_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, rename = dataset(tmp_path / "in", number=1), Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.parent.name == "train":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", full)
    said = refused(source, tmp_path / "out", OutputInvalid)
    assert "cannot be written (Permission denied)" in said


def places(root: Path, labelled: tuple[str, ...], bare: tuple[str, ...]) -> Source:
    """One image of each place, with objects or without."""
    images = []
    for n, place in enumerate((*labelled, *bare)):
        path = write(root / f"{place}.png", scenery(n))
        found = boxes(n, 6, 200, 160) if place in labelled else np.zeros((0, 4, 2))
        images.append(
            SourceImage(place, path, None, SourceObjects.of(found, ["plane"] * len(found)), place, gsd_m=0.5)
        )
    return Source("made", root, Made(tuple(images)))


def test_splits_without_tiles_or_objects_are_noted(tmp_path: Path) -> None:
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,b,val\n")
    source = places(tmp_path / "in", ("a",), ("b",))
    named = prepare([source], tmp_path / "out", replace(SMALL, splits=splits, rest="train"))
    assert list(named.notes) == [
        "no tile of val holds a labelled object: nothing can be learned or measured there",
        "no tile fell to test: the set has nothing to be tested on; a file of splits can name places for it",
    ]
    alone = prepare([source], tmp_path / "alone", replace(SMALL, rest="train"))
    assert any(
        "no tile fell to val: the set can be trained on, not validated" in note for note in alone.notes
    )


def test_objects_that_all_became_regions_are_noted(tmp_path: Path) -> None:
    source = places(tmp_path / "in", ("a", "b"), ("c",))
    made = prepare([source], tmp_path / "out", replace(SMALL, gsds_m=(0.5, 10.0)))
    about = [note for note in made.notes if "none of its objects" in note]
    assert about == [
        "made: none of its objects is labelled at 10m (12 too small): there is nothing to learn from"
    ]
