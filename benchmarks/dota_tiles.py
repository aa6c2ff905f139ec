"""Tiles of DOTA made here against those of Ultralytics' `split_dota`, the published convention of its OBB models.

    python benchmarks/dota_tiles.py [IMAGES_AND_LABELTXT_FOLDER]

`prepare` and `split_dota` cut the original images P0706 and P1888 at their own pixels, as usual (1024 px, gap 200) and
into smaller tiles, which have more edges. Read are the files that both write. A tile of ours is called
`dota-IMAGE-native__TILE__X___Y`, theirs `IMAGE__TILE__X___Y`: without the dataset before and the view after the image,
names must be equal. Boxes are compared to 0.01 px (`split_dota` writes six digits). What differs is counted by its
reason, and without one it is an error:

clipped here      an object of which 70 % or more shows: theirs keeps corners that lie outside the tile, ours is the box
                  around what shows.
background there  an object of which less than 70 % shows: theirs has no label although it is in the picture, ours has a
                  region to ignore.

By themselves, our files are held against the source labels, cut anew by shapely: of each object that shows in a tile,
there is one box, label or region as its share says, and it is the box around what shows, in the object's own frame.
What is not so is counted as wrong, and an error.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import rotate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from apronwatch.cli.output import print_table
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import load
from apronwatch_datasets.preparing import Options, Prepared, Source, prepare
from apronwatch_datasets.preparing.cutting import SHOWN_SHARE
from apronwatch_datasets.preparing.reading import read_rgb
from apronwatch_datasets.records import Card, LabelledImage
from apronwatch_datasets.source import Log, SourceImage

SETTINGS = ((1024, 200), (512, 100), (256, 50))
IMAGES = ("P0706", "P1888")
ALIKE_PX = 0.01
LEAST_PX2 = 1e-3
"""Objects of which less than this area shows are not looked for."""


@dataclass
class Compared:
    """One image at one setting: numbers of windows, of boxes, and of differences by reason."""

    windows: int = 0
    same_windows: int = 0
    theirs: int = 0
    same_boxes: int = 0
    clipped: int = 0
    regions: int = 0
    unexplained: int = 0
    wrong: int = 0


class Unscaled:
    """The two images of DOTA, with their GSD kept back, so that they are cut at their own pixels."""

    CARD: Card = adapter("dota").CARD

    def read(self, root: Path, log: Log) -> Iterator[SourceImage]:
        for image in adapter("dota").read(root, log):
            if image.name in IMAGES:
                yield replace(image, gsd_m=None)


def split_by_ultralytics(image: LabelledImage, tile_px: int, gap_px: int, root: Path) -> Path:
    """`split_dota` on one image with our mapped labels; gives the folder of its tiles."""
    from ultralytics.data.split_dota import split_images_and_labels

    for kind in ("images", "labels"):
        (root / kind / "train").mkdir(parents=True)
    pixels = cv2.imread(str(image.path))
    cv2.imwrite(str(root / "images" / "train" / f"{image.name}.png"), pixels)
    shares = image.objects.polygons / np.array([image.width, image.height])
    rows = [
        f"{k} {' '.join(f'{v:.9f}' for v in box)}\n"
        for k, box in zip(image.objects.classes.tolist(), shares.reshape(-1, 8).tolist(), strict=True)
    ]
    (root / "labels" / "train" / f"{image.name}.txt").write_text("".join(rows))
    split_images_and_labels(str(root), str(root / "cut"), "train", (tile_px,), (gap_px,))
    return root / "cut"


def their_boxes(cut: Path, name: str) -> NDArray[np.float64]:
    """Corners (N, 4, 2) in pixels of a tile of theirs; none without a label file."""
    labels = cut / "labels" / "train" / f"{name}.txt"
    if not labels.is_file():
        return np.zeros((0, 4, 2))
    height, width = read_rgb(cut / "images" / "train" / f"{name}.jpg").shape[:2]
    rows = [line.split()[1:] for line in labels.read_text().splitlines()]
    return np.array(rows, dtype=np.float64).reshape(-1, 4, 2) * np.array([width, height])


@dataclass(frozen=True)
class Tile:
    """What our files say of one tile: corners (N, 4, 2) of labels and regions in its pixels, and where it lies."""

    labels: NDArray[np.float64]
    regions: NDArray[np.float64]
    x0: int
    y0: int


def our_tiles(made: Prepared, image: str) -> dict[str, Tile]:
    """By the name that `split_dota` would give."""
    tile_px, tiles = made.document["options"]["tile_px"], {}
    for row in made.rows():
        if row["source_image"] != image:
            continue
        name = row["tile"].removeprefix("dota-").replace("-native__", "__", 1)
        pixels, labels, regions = made.folder.tile(row["split"], row["tile"])
        if read_rgb(pixels).shape[:2] != (tile_px, tile_px):
            raise SystemExit(f"{pixels}: not {tile_px} px a side")
        told = [line.split()[1:] for line in labels.read_text().splitlines()]
        boxes = [region["polygon"] for region in json.loads(regions.read_text())["regions"]]
        tiles[name] = Tile(
            np.array(told, dtype=np.float64).reshape(-1, 4, 2) * tile_px,
            np.array(boxes, dtype=np.float64).reshape(-1, 4, 2),
            row["x0"],
            row["y0"],
        )
    return tiles


def compare(image: LabelledImage, tile_px: int, ours: Mapping[str, Tile], cut: Path) -> Compared:
    """Ours against theirs, tile by tile, and against the source."""
    found = Compared()
    names = {path.stem for path in (cut / "images" / "train").glob(f"{image.name}__*")}
    found.windows, found.same_windows = len(names | set(ours)), len(names & set(ours))
    for name, tile in ours.items():
        theirs = their_boxes(cut, name)
        whole = image.objects.polygons - np.array([tile.x0, tile.y0])
        labelled, wrong = owners(image, tile, tile_px)
        found.wrong += wrong
        found.theirs += len(theirs)
        found.regions += len(tile.regions)
        for k, box in labelled.items():
            is_theirs = among(whole[k], theirs)
            if is_theirs and np.abs(box - whole[k]).max() < ALIKE_PX:
                found.same_boxes += 1
            elif is_theirs and ((whole[k] < 0) | (whole[k] > tile_px)).any():
                found.clipped += 1
            else:
                found.unexplained += 1
        found.unexplained += sum(not among(box, whole[list(labelled)]) for box in theirs)
    return found


def among(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> bool:
    return bool((np.abs(boxes - box).max(axis=(1, 2), initial=0) < ALIKE_PX).any())


def owners(image: LabelledImage, tile: Tile, tile_px: int) -> tuple[dict[int, NDArray[np.float64]], int]:
    """The label of each object that has one in a tile, and the number of boxes that are wrong, missing or too many."""
    picture = shapely.box(0, 0, image.width, image.height)
    window = picture.intersection(shapely.box(tile.x0, tile.y0, tile.x0 + tile_px, tile.y0 + tile_px))
    labels, regions = list(tile.labels), list(tile.regions)
    owned, wrong = {}, 0
    for k, corners in enumerate(image.objects.polygons):
        shape = shapely.Polygon(corners)
        part = shape.intersection(window)
        if part.area <= LEAST_PX2:
            continue
        is_label = part.area >= SHOWN_SHARE * shape.intersection(picture).area and not image.objects.ignore[k]
        expected = around(shape if window.covers(shape) else part, corners, window.covers(shape))
        told = labels if is_label else regions
        own = [
            n for n, box in enumerate(told) if apart(box + np.array([tile.x0, tile.y0]), expected) < ALIKE_PX
        ]
        if not own:
            wrong += 1
        elif is_label:
            owned[k] = told.pop(own[0])
        else:
            told.pop(own[0])
    return owned, wrong + len(labels) + len(regions)


def around(part: Any, corners: NDArray[np.float64], whole: bool) -> Any:
    """The box around what shows of an object, in the frame of its first side; a whole object is as it is labelled."""
    if whole:
        return part
    angle = float(np.arctan2(*(corners[1] - corners[0])[::-1]))
    upright = rotate(part, -angle, origin=(0, 0), use_radians=True)
    return rotate(shapely.box(*upright.bounds), angle, origin=(0, 0), use_radians=True)


def apart(box: NDArray[np.float64], expected: Any) -> float:
    """Hausdorff distance of two outlines, px."""
    return float(shapely.Polygon(box).exterior.hausdorff_distance(expected.exterior))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(os.environ.get("APRONWATCH_DATA", "."))
    parser.add_argument("folder", nargs="?", type=Path, default=data / "dota_samples")
    folder = parser.parse_args().folder
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "false"}
    rows, wrong = [], 0
    source = Source("dota", folder, Unscaled())
    images = {image.name: image for image in load(Unscaled(), folder).images}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["YOLO_CONFIG_DIR"] = scratch
        for tile_px, gap_px in SETTINGS:
            options = Options(tile_px=tile_px, overlap_px=gap_px, min_px=0.0)
            made = prepare([source], Path(scratch) / f"ours-{tile_px}", options)
            for name in IMAGES:
                root = Path(scratch) / f"{name}-{tile_px}"
                cut = split_by_ultralytics(images[name], tile_px, gap_px, root)
                found = compare(images[name], tile_px, our_tiles(made, name), cut)
                wrong += found.unexplained + found.wrong + found.windows - found.same_windows
                numbers = (found.windows, found.same_windows, found.theirs, found.same_boxes)
                differ = (found.clipped, found.regions, found.unexplained, found.wrong)
                rows.append((name, f"{tile_px} / {gap_px}", *map(str, (*numbers, *differ))))
    rows.sort(key=lambda row: row[0])
    header = (
        "image", "tile / gap", "windows", "same", "boxes", "same", "clipped here", "background there",
        "unexplained", "wrong",
    )  # fmt: skip
    print_table(header, rows, right=range(2, 10))
    if wrong:
        raise SystemExit(f"{wrong} boxes or windows are wrong, or differ without a reason")


if __name__ == "__main__":
    main()
