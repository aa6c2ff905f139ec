"""The leak check finds the same pixels again, however they were copied, and nothing else."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray

from apronwatch.errors import LeakFound
from apronwatch_datasets.preparing import Source, placing, prepare
from apronwatch_datasets.preparing.landmarks import TURNS, Landmarks, hashes_of, landmarks_of, turned
from apronwatch_datasets.preparing.leaks import _alike, find_leaks
from apronwatch_datasets.preparing.windows import NATIVE
from apronwatch_datasets.source import SourceImage, SourceObjects
from tests.datasets.preparing.made import SMALL, Made, contents, dataset, scenery, with_picture, write
from tests.rasters import KHMEIMIM, make_raster

Rgb = NDArray[np.uint8]


def compressed(rgb: Rgb, quality: int) -> Rgb:
    encoded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]).astype(np.uint8)


def smaller(rgb: Rgb) -> Rgb:
    return cv2.resize(rgb, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA).astype(np.uint8)


COPIES: dict[str, Callable[[Rgb], Rgb]] = {
    "copied": lambda rgb: rgb,
    "mirrored": lambda rgb: rgb[:, ::-1],
    "upside down": lambda rgb: rgb[::-1],
    "turned": lambda rgb: np.rot90(rgb),
    "turned and mirrored": lambda rgb: np.rot90(rgb, 3)[:, ::-1],
    "compressed": lambda rgb: compressed(rgb, 40),
    "shrunk": smaller,
    "cropped": lambda rgb: rgb[150:, 200:],
    "cropped, mirrored, compressed": lambda rgb: compressed(
        np.ascontiguousarray(rgb[:450, 120:][:, ::-1]), 60
    ),
}


def all_pairs(pictures: list[Rgb]) -> list[tuple[int, int]]:
    known_by = [
        {NATIVE: landmarks_of(np.ascontiguousarray(p), np.ones(p.shape[:2], dtype=bool))} for p in pictures
    ]
    found = find_leaks(known_by, [None] * len(pictures), list(range(len(pictures))))
    return [(leak.first, leak.second) for leak in found]


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found_and_no_other_picture(how: str) -> None:
    pictures = [scenery(seed, 600, 500) for seed in range(4)]
    assert all_pairs([*pictures, COPIES[how](pictures[2])]) == [(2, 4)]


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_turned_patch_has_the_turned_hash(turn: int) -> None:
    patch = scenery(5, 32, 32)[..., 0]
    other = patch[:, ::-1] if turn & 1 else patch
    other = other[::-1] if turn & 2 else other
    other = other.T if turn & 4 else other
    assert turned(hashes_of(patch[None]))[turn, 0] == hashes_of(other[None])[0]


def test_pictures_that_show_nothing_are_like_no_other() -> None:
    dull = np.full((300, 300, 3), 128, dtype=np.uint8)
    dull[..., 1] += np.arange(300, dtype=np.uint8) // 100
    assert all_pairs([dull, dull.copy()]) == []


def test_images_of_one_place_are_no_leak() -> None:
    known_by = [{NATIVE: landmarks_of(scenery(1), np.ones((160, 200), dtype=bool))}] * 2
    assert find_leaks(known_by, [None, None], ["here", "here"]) == []
    assert len(find_leaks(known_by, [None, None], ["here", "there"])) == 1


def test_a_crossing_copy_is_refused_and_named_and_joining_its_places_mends_it(tmp_path: Path) -> None:
    source = with_picture(dataset(tmp_path / "in"), scenery(0)[:, ::-1], "elsewhere")
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,elsewhere,test\nmade,place1,val\n")
    options = replace(SMALL, splits=splits, rest="train")
    with pytest.raises(LeakFound, match=r"made 00 \(train\) and made more \(test\)") as told:
        prepare([source], tmp_path / "out", options)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out" / "prepared.json").exists()
    with (tmp_path / "out" / "leaks.csv").open() as file:
        assert [(r["image"], r["other_image"]) for r in csv.DictReader(file)] == [("00", "more")]
    made = prepare([source], tmp_path / "out", replace(options, join_leaks=True))
    splits_of = {row["place"]: row["split"] for row in made.rows()}
    assert splits_of["place0"] == splits_of["elsewhere"] == "test"
    assert not (tmp_path / "out" / "leaks.csv").exists()


def splits_file(folder: Path, *rows: str) -> Path:
    path = folder / "splits.csv"
    path.write_text("\n".join(["dataset,place,split", *rows, ""]))
    return path


def test_the_same_ground_in_a_coarser_image_is_found_where_their_scales_meet(tmp_path: Path) -> None:
    """0.3 m is cut at 0.3 and at 1.2 m, part of it at 0.75 m at 1.2 m alone: only there they are alike."""
    fine = scenery(3, 1600, 1600)
    part = np.ascontiguousarray(fine[:, 400:])
    coarse = cv2.resize(part, (480, 640), interpolation=cv2.INTER_AREA).astype(np.uint8)
    images = []
    for name, picture, gsd_m in (("fine", fine, 0.3), ("coarse", coarse, 0.75)):
        path = write(tmp_path / "in" / f"{name}.png", picture)
        nothing = SourceObjects.of(np.zeros((0, 4, 2)), [])
        images.append(SourceImage(name, path, None, nothing, name, gsd_m=gsd_m))
    splits = splits_file(tmp_path, "made,fine,train", "made,coarse,val")
    options = replace(SMALL, tile_px=256, gsds_m=(0.3, 1.2), splits=splits)
    with pytest.raises(LeakFound, match=r"made fine \(train\) and made coarse \(val\)"):
        prepare([Source("made", tmp_path / "in", Made(tuple(images)))], tmp_path / "out", options)
    assert "landmarks" in (tmp_path / "out" / "leaks.csv").read_text()


def test_an_image_of_unknown_scale_is_compared_with_all() -> None:
    seen = landmarks_of(scenery(3, 600, 500), np.ones((500, 600), dtype=bool))
    # Without frames: a part of a picture has another one.
    part = Landmarks(seen.size, None, seen.hashes, seen.points)
    for other, found in (({NATIVE: part}, 1), ({"0.3m": part}, 1), ({"1.2m": part}, 0)):
        assert len(find_leaks([{"0.3m": part}, other], [None, None], ["a", "b"])) == found


def test_the_tables_find_what_comparing_all_with_all_finds() -> None:
    """Up to four of 63 bits every pair, once; with five most."""
    rng = np.random.default_rng(8)
    first = rng.integers(0, 2**63, 300, dtype=np.uint64) << np.uint64(1)
    second = first.copy()
    for k in range(300):
        for bit in rng.choice(np.arange(1, 64), k % 7, replace=False):
            second[k] ^= np.uint64(1) << np.uint64(bit)
    hashes = np.concatenate([first, second])
    found = [
        pair
        for a, b, _, turn in _alike(hashes, 5)
        if turn == 0
        for pair in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert len(found) == len(set(found))
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None])
    for most, share in ((4, 1.0), (5, 0.95)):
        alike = {(a, b) for a, b in np.argwhere(bits <= most).tolist() if a != b}
        assert len(alike & set(found)) >= share * len(alike)
    assert all(bits[pair] <= 5 for pair in found)


def test_the_check_tells_how_far_it_is_and_is_not_made_again_for_other_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = with_picture(dataset(tmp_path / "in"), scenery(0), "elsewhere")
    options = replace(SMALL, splits=splits_file(tmp_path, "made,elsewhere,test", "made,place0,val"))
    told: list[tuple[int, int]] = []

    def watch(what: str, done: int, total: int) -> None:
        if what == "comparing":
            told.append((done, total))

    with pytest.raises(LeakFound):
        prepare([source], tmp_path / "out", options, watch)
    assert [done for done, _ in told] == list(range(1, told[-1][1] + 1))

    def forbidden(*_: object) -> None:
        raise AssertionError("compared again")

    monkeypatch.setattr(placing, "find_leaks", forbidden)
    other = replace(options, splits=splits_file(tmp_path, "made,elsewhere,test", "made,place0,test"))
    made = prepare([source], tmp_path / "out", other)
    monkeypatch.undo()
    assert contents(made.root) == contents(prepare([source], tmp_path / "fresh", other).root)
    # Another picture is compared anew.
    splits_file(tmp_path, "made,elsewhere,test", "made,place0,val")
    with pytest.raises(LeakFound):
        prepare([source], tmp_path / "again", options)
    write(source.root / "more.png", scenery(77))
    assert prepare([source], tmp_path / "again", options).splits


def test_places_that_are_named_apart_cannot_be_joined(tmp_path: Path) -> None:
    source = with_picture(dataset(tmp_path / "in"), scenery(0), "elsewhere")
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,elsewhere,test\nmade,place0,val\n")
    with pytest.raises(LeakFound, match="name their places for one split"):
        prepare([source], tmp_path / "out", replace(SMALL, splits=splits, join_leaks=True))


@pytest.mark.parametrize(("shift_px", "leaks"), [(150, True), (200, False)])
def test_footprints_that_overlap_are_a_leak_whatever_they_show(
    tmp_path: Path, shift_px: int, leaks: bool
) -> None:
    images = []
    for n, shift in enumerate((0, shift_px)):
        path = tmp_path / "in" / f"{n}.tif"
        path.parent.mkdir(exist_ok=True)
        make_raster(path, pixels=scenery(n), transform=KHMEIMIM @ Affine.translation(shift, 0))
        images.append(SourceImage(f"{n}", path, None, SourceObjects.of(np.zeros((0, 4, 2)), []), f"place{n}"))
    splits = tmp_path / "splits.csv"
    splits.write_text("dataset,place,split\nmade,place0,train\nmade,place1,val\n")
    source = Source("made", tmp_path / "in", Made(tuple(images)))
    options = replace(SMALL, splits=splits)
    if not leaks:
        assert prepare([source], tmp_path / "out", options).splits.keys() == {"train", "val"}
        return
    with pytest.raises(LeakFound, match="1 pairs"):
        prepare([source], tmp_path / "out", options)
    assert "footprints,25" in (tmp_path / "out" / "leaks.csv").read_text()
