"""What prepare promises: nothing lost, the same bytes always, resumed after whatever, refused where it must."""

import json
import math
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from apronwatch.errors import CallInvalid, DatasetInvalid, LeakFound, OutputInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing import (
    Options,
    Prepared,
    Source,
    estimate,
    load_sources,
    loading,
    prepare,
    read_prepared,
)
from apronwatch_datasets.preparing.files import Folder
from apronwatch_datasets.preparing.manifest import versions
from apronwatch_datasets.source import SourceImage, SourceObjects
from tests.conftest import REPOSITORY
from tests.datasets.preparing.made import SMALL, Made, contents, dataset, scenery, with_picture, write

TWO_SCALES = replace(SMALL, gsds_m=(0.5, 1.0), min_px=7.0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    root = tmp_path_factory.mktemp("prepared")
    return prepare([dataset(root / "in")], root / "out", TWO_SCALES)


def test_objects_in_are_objects_out_and_losses_named(prepared: Prepared) -> None:
    tally = prepared.document["tally"]["made"]
    assert {name: facts["written"] for name, facts in tally.items()} == dict.fromkeys(
        ("plane", "vehicle_small", "helicopter"), 32
    )
    for facts in tally.values():
        assert facts["kept"] == facts["written"]
        for fates in facts["at"].values():
            assert sum(fates.values()) == facts["kept"]
            assert set(fates) <= {"labelled", "too_small"}
        assert facts["at"]["1m"]["too_small"] > 0
        assert facts["at"]["0.5m"] == {"labelled": 32}


def test_every_object_is_found_again_where_it_was(prepared: Prepared, tmp_path: Path) -> None:
    """Labels of the 0.5 m tiles, moved back, give every object of the source, and only those."""
    source = dataset(tmp_path)
    assert isinstance(source.adapter, Made)
    corner = {row["tile"]: (row["x0"], row["y0"]) for row in prepared.rows()}
    found: dict[str, list[np.ndarray]] = {}
    for tile in read_prepared(prepared.root):
        if tile.gsd_m == 0.5:
            labels = tile.objects.polygons[~tile.objects.ignore]
            found.setdefault(tile.name.split("-")[1], []).extend(labels + corner[tile.name])
    for image in source.adapter.images:
        again = np.array(found[image.name])
        distance = np.abs(image.objects.polygons[:, None] - again[None]).max(axis=(2, 3))
        assert distance.min(axis=1).max() < 1e-4
        centres = again.mean(axis=1)
        near = np.linalg.norm(centres[:, None] - image.objects.polygons.mean(axis=1)[None], axis=2).min(
            axis=1
        )
        assert near.max() < 7


def test_tiles_carry_what_is_not_known(prepared: Prepared) -> None:
    difficult = 0
    for tile in read_prepared(prepared.root):
        assert tile.annotated == {"plane", "helicopter"}
        difficult += int(tile.objects.difficult.sum())
    assert difficult > 0
    for path in (prepared.root / "regions").rglob("*.json"):
        sidecar = json.loads(path.read_text())
        assert sidecar["unknown_classes"] == ["vehicle_small", "vehicle_large", "ship"]
        assert all(region["classes"] == list(CLASSES) for region in sidecar["regions"])


def test_the_manifest_agrees_with_the_files(prepared: Prepared) -> None:
    rows = prepared.rows()
    assert Counter(row["split"] for row in rows) == {s: f["tiles"] for s, f in prepared.splits.items()}
    for row in rows:
        image, labels, regions = prepared.folder.tile(row["split"], row["tile"])
        classes = Counter(int(line.split()[0]) for line in labels.read_text().splitlines())
        assert [classes[k] for k in range(5)] == [row[f"objects_{name}"] for name in CLASSES]
        assert row["ignored"] == len(json.loads(regions.read_text())["regions"])
        assert cv2.imread(str(image)).shape == (128, 128, 3)
    assert {p.stem for p in prepared.root.glob("images/*/*")} == {row["tile"] for row in rows}
    assert len({(row["place"], row["split"]) for row in rows}) == len({row["place"] for row in rows})


def test_pixels_at_the_own_gsd_are_the_source_s_and_grey_beyond_it(prepared: Prepared) -> None:
    row = next(
        r
        for r in prepared.rows()
        if r["source_image"] == "03" and (r["gsd_m"], r["x0"], r["y0"]) == (0.5, 72, 32)
    )
    tile = cv2.imread(str(prepared.folder.tile(row["split"], row["tile"])[0]))
    np.testing.assert_array_equal(tile[..., ::-1], scenery(3)[32:160, 72:200])
    row = next(r for r in prepared.rows() if r["source_image"] == "03" and r["gsd_m"] == 1.0)
    tile = cv2.imread(str(prepared.folder.tile(row["split"], row["tile"])[0]))
    assert (tile[80:] == 114).all()
    assert (tile[:, 100:] == 114).all()
    assert tile[:80, :100].std() > 20


def test_a_burnt_out_roof_stays_white(tmp_path: Path) -> None:
    rgb = scenery(9)
    rgb[20:90, 10:100] = 255
    source = with_picture(dataset(tmp_path / "in", number=2), rgb, "place0")
    made = prepare([source], tmp_path / "out", SMALL)
    row = next(r for r in made.rows() if r["source_image"] == "more" and (r["x0"], r["y0"]) == (0, 0))
    tile = cv2.imread(str(made.folder.tile(row["split"], row["tile"])[0]))
    np.testing.assert_array_equal(tile[..., ::-1], rgb[:128, :128])


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_input_gives_the_same_bytes(prepared: Prepared, tmp_path: Path, workers: int) -> None:
    again = prepare([dataset(tmp_path / "in")], tmp_path / "out", replace(TWO_SCALES, workers=workers))
    assert contents(again.root) == contents(prepared.root)


def test_a_finished_folder_is_left_as_it_is_and_refused_to_others(prepared: Prepared, tmp_path: Path) -> None:
    source = dataset(tmp_path / "in")
    before = {p: p.stat().st_mtime_ns for p in prepared.root.rglob("*")}
    assert prepare([source], prepared.root, TWO_SCALES).document == prepared.document
    assert before == {p: p.stat().st_mtime_ns for p in prepared.root.rglob("*")}
    for other in (replace(TWO_SCALES, seed=5), replace(TWO_SCALES, tile_px=96)):
        with pytest.raises(OutputInvalid, match="other sources or options"):
            prepare([source], prepared.root, other)
    with pytest.raises(OutputInvalid, match="other sources or options"):
        prepare([dataset(tmp_path / "more", number=6)], prepared.root, TWO_SCALES)


def test_a_finished_folder_is_refused_when_an_image_has_changed(tmp_path: Path) -> None:
    source = dataset(tmp_path / "in", number=4)
    prepare([source], tmp_path / "out", SMALL)
    write(tmp_path / "in" / "02.png", scenery(55))
    with pytest.raises(OutputInvalid, match=r"02\.png has changed"):
        prepare([source], tmp_path / "out", SMALL)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_finished_folder_is_refused_when_a_file_of_it_is_gone(tmp_path: Path, kind: int) -> None:
    source = dataset(tmp_path / "in", number=2)
    made = prepare([source], tmp_path / "out", SMALL)
    row = made.rows()[-1]
    gone = made.folder.tile(row["split"], row["tile"])[kind]
    gone.unlink()
    with pytest.raises(OutputInvalid, match=f"{gone.name} was made and is gone"):
        prepare([source], tmp_path / "out", SMALL)


@pytest.mark.parametrize("name", ["apronwatch", "numpy"])
def test_tiles_of_other_versions_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = with_picture(dataset(tmp_path / "in", number=4), scenery(0), "copy of place0")
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,place0,val\n")
    options = replace(SMALL, splits=splits, rest="train")
    with pytest.raises(LeakFound):
        prepare([source], tmp_path / "begun", options)
    prepare([source], tmp_path / "done", replace(options, join_leaks=True))
    others = versions() | {name: "0.0.1"}
    monkeypatch.setattr(loading, "versions", lambda: others)
    with pytest.raises(OutputInvalid, match="by other versions"):
        prepare([source], tmp_path / "begun", options)
    with pytest.raises(OutputInvalid, match="by other versions"):
        prepare([source], tmp_path / "done", replace(options, join_leaks=True))


def test_what_a_run_killed_at_its_first_file_left_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: Prepared
) -> None:
    source, out = dataset(tmp_path / "in"), tmp_path / "out"

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare([source], out, TWO_SCALES)
    monkeypatch.undo()
    assert list(contents(out)), "it left nothing"
    prepare([source], out, TWO_SCALES)
    assert contents(out) == contents(prepared.root)


@pytest.mark.parametrize("killed_at", ["leaks.csv", "manifest.parquet", "data.yaml", "prepared.json"])
def test_half_a_file_of_a_killed_run_is_not_left_beside_the_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    source = with_picture(dataset(tmp_path / "in", number=4), scenery(0), "copy of place0")
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,place0,val\n")
    options = replace(SMALL, splits=splits, rest="train")
    joined, rename = replace(options, join_leaks=True), Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target.name == killed_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare([source], tmp_path / "out", options if killed_at == "leaks.csv" else joined)
    monkeypatch.undo()
    prepare([source], tmp_path / "out", joined)
    whole = prepare([source], tmp_path / "whole", joined)
    assert contents(tmp_path / "out") == contents(whole.root)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gsds_m": (0.5, math.nan)},
        {"gsds_m": (math.nan, 0.5)},
        {"gsds_m": (math.inf,)},
        {"max_upscale": math.nan},
        {"max_upscale": math.inf},
        {"min_px": math.nan},
        {"min_px": math.inf},
        {"shares": (math.nan, 0.5, 0.5)},
        {"shares": (0.5, math.nan, 0.5)},
        {"shares": (0.5, 0.5, math.nan)},
        {"shares": (math.inf, 0.0, 0.0)},
        {"backgrounds": math.nan},
    ],
)
def test_numbers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CallInvalid, match="expected"):
        Options(**wrong)


@pytest.mark.parametrize("image_format", ["png", "jpg"])
def test_no_set_needs_more_room_than_was_told(tmp_path: Path, image_format: str) -> None:
    """Noise is what compression can do least with."""
    noise = np.random.default_rng(1).integers(0, 256, (600, 500, 3), dtype=np.uint8)
    path = write(tmp_path / "in" / "noise.png", noise)
    image = SourceImage("noise", path, None, SourceObjects.of(np.zeros((0, 4, 2)), []), "here", gsd_m=0.5)
    source = Source("made", tmp_path / "in", Made((image,)))
    options = replace(SMALL, tile_px=256, image_format=image_format)
    need = estimate(load_sources([source], options), options)
    made = prepare([source], tmp_path / "out", options)
    tiles = [p for p in made.root.glob("*/*/*") if p.is_file()]
    assert len(tiles) == 3 * need.tiles
    assert sum(p.stat().st_size for p in made.root.rglob("*") if p.is_file()) <= need.bytes_on_disk


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from apronwatch_datasets.preparing import prepare
from tests.datasets.preparing.made import SMALL, dataset
prepare([dataset(Path(sys.argv[2]), number=24)], Path(sys.argv[3]), replace(SMALL, workers=2))
"""


def children(pid: int) -> list[int]:
    """Processes that a process started and that are running."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(folder.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the processes")
def test_a_killed_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    source, out = dataset(tmp_path / "in", number=24), tmp_path / "out"
    parts = out / ".preparing" / "parts"
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(REPOSITORY), str(tmp_path / "in"), str(out)])
    try:
        while len(list(parts.glob("[!.]*.json"))) < 5:
            assert run.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        workers = children(run.pid)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "processes outlive the run that started them"
        time.sleep(0.05)
    assert not (out / "prepared.json").exists()
    done = {p.name: p.stat().st_mtime_ns for p in parts.glob("[!.]*.json")}
    assert 5 <= len(done) < 24
    seen: list[dict[str, int]] = []

    def watch(what: str, number: int, total: int) -> None:
        if what == "cutting" and number == total:
            seen.append({p.name: p.stat().st_mtime_ns for p in parts.glob("[!.]*.json")})

    prepare([source], out, SMALL, watch)
    assert {name: seen[0][name] for name in done} == done
    whole = prepare([source], tmp_path / "whole", SMALL)
    assert contents(out) == contents(whole.root)


def test_a_run_stopped_while_tiles_move_to_their_splits_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: Prepared
) -> None:
    source, move, moved = dataset(tmp_path / "in"), Folder.place, Counter[str]()

    def stop(self: Folder, split: str, tile: str) -> None:
        move(self, split, tile)
        moved[split] += 1
        if moved.total() == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "place", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare([source], tmp_path / "out", TWO_SCALES)
    monkeypatch.undo()
    with pytest.raises(OutputInvalid, match="were begun here"):
        prepare([source], tmp_path / "out", replace(TWO_SCALES, shares=(0.6, 0.2, 0.2)))
    prepare([source], tmp_path / "out", TWO_SCALES)
    assert contents(tmp_path / "out") == contents(prepared.root)


def test_an_image_changed_while_tiles_move_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, move = dataset(tmp_path / "in"), Folder.place

    def stop(self: Folder, split: str, tile: str) -> None:
        move(self, split, tile)
        raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "place", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare([source], tmp_path / "out", SMALL)
    monkeypatch.undo()
    write(tmp_path / "in" / "02.png", scenery(55))
    with pytest.raises(OutputInvalid, match=r"02\.png has changed"):
        prepare([source], tmp_path / "out", SMALL)
    assert not (tmp_path / "out" / "prepared.json").exists()


def test_an_image_changed_meanwhile_is_cut_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = dataset(tmp_path / "in", number=4)
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,place0,val\n")
    more = with_picture(source, scenery(0), "copy of place0")
    assert isinstance(more.adapter, Made)
    with pytest.raises(Exception, match="show the same ground"):
        prepare([more], tmp_path / "out", replace(SMALL, splits=splits, rest="train"))
    write(tmp_path / "in" / "more.png", scenery(77))
    made = prepare([more], tmp_path / "out", replace(SMALL, splits=splits, rest="train"))
    row = next(r for r in made.rows() if r["source_image"] == "more" and (r["x0"], r["y0"]) == (0, 0))
    tile = cv2.imread(str(made.folder.tile(row["split"], row["tile"])[0]))
    np.testing.assert_array_equal(tile[..., ::-1], scenery(77)[:128, :128])


def test_an_image_too_coarse_is_left_out_and_said_so(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in", number=4)], tmp_path / "out", replace(SMALL, gsds_m=(0.2, 0.4)))
    assert {row["gsd_m"] for row in made.rows()} == {0.4}
    assert any("made: 4 images are coarser than 2 times 0.2m" in note for note in made.notes)
    for facts in made.document["tally"]["made"].values():
        assert facts["at"]["0.2m"] == {"too_coarse": facts["kept"]}


def test_an_image_of_unknown_gsd_is_cut_once_at_its_own_pixels(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in", number=2, gsd_m=None)], tmp_path / "out", TWO_SCALES)
    assert {(row["gsd_m"], row["native_gsd_m"], row["scale_x"]) for row in made.rows()} == {(None, None, 1.0)}
    assert {row["split"] for row in made.rows()} == {"train"}
    assert "made has one place only: all of it is in train" in made.notes


def test_backgrounds_are_chosen_by_their_name(tmp_path: Path) -> None:
    def tiles(share: float, name: str) -> set[str]:
        source = dataset(tmp_path / f"in{name}", per_image=1)
        options = replace(SMALL, backgrounds=share)
        return {row["tile"] for row in prepare([source], tmp_path / name, options).rows()}

    every, half, none = tiles(1.0, "a"), tiles(0.5, "b"), tiles(0.0, "c")
    assert none < half < every
    assert all(len(t.objects) for t in read_prepared(tmp_path / "c"))


def test_strict_refuses_a_dataset_with_faults(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "a.png", scenery(1))
    box = [[10, 10], [20, 10], [20, 20], [10, 20]]
    image = SourceImage("a", path, None, SourceObjects.of([box, box], ["plane", "plane"]), "a", gsd_m=0.5)
    source = replace(dataset(tmp_path / "in", number=1), adapter=Made((image,)))
    with pytest.raises(DatasetInvalid, match="1 faults, the first"):
        prepare([source], tmp_path / "out", replace(SMALL, strict=True))
    assert not (tmp_path / "out").exists()
    lenient = prepare([source], tmp_path / "out", SMALL)
    assert lenient.document["faults"] == {"made": {"doubled_box": 1}}


def test_the_need_is_told_in_advance_and_a_small_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: Prepared
) -> None:
    source = dataset(tmp_path / "in")
    need = estimate(load_sources([source], TWO_SCALES), TWO_SCALES)
    assert (need.images, need.tiles) == (8, len(prepared.rows()))
    told = []
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 0, need.bytes_on_disk - 1))
    with pytest.raises(OutputInvalid, match=r"need up to [1-9][0-9]*\.[0-9] MB.*make room"):
        prepare([source], tmp_path / "out", TWO_SCALES, announce=told.append)
    assert told == [need]
    assert not (tmp_path / "out").exists()


def test_two_folders_of_one_format_are_told_apart(tmp_path: Path) -> None:
    first, second = dataset(tmp_path / "a", number=2), dataset(tmp_path / "b", number=4)
    assert isinstance(second.adapter, Made)
    second = replace(second, adapter=Made(second.adapter.images[2:]))
    made = prepare([first, second], tmp_path / "out", SMALL)
    assert Counter(row["dataset"] for row in made.rows()) == {"made": 8, "made-2": 8}


def test_a_class_map_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallInvalid, match="cannot be read"):
        Options(own_classes=tmp_path / "none.csv").record()


def test_an_unfinished_folder_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="finished"):
        read_prepared(tmp_path)


def test_a_tile_removed_by_hand_is_said_to_be_gone(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in", number=2)], tmp_path / "out", SMALL)
    made.folder.tile("train", made.rows()[0]["tile"])[0].unlink()
    with pytest.raises(DatasetInvalid, match="is gone"):
        list(read_prepared(made.root))
