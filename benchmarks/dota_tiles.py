"""Tiles of DOTA made here against those of Ultralytics' `split_dota`, the published convention of its OBB models.

    python benchmarks/dota_tiles.py [IMAGES_AND_LABELTXT_FOLDER]

Both cut the original images P0706 and P1888 at their own pixels, as usual (1024 px, gap 200) and into smaller tiles,
which have more edges. Windows are compared exactly, boxes to 0.01 px (`split_dota` writes six digits). What differs is
counted by its reason, and without one it is an error:

clipped here      an object of which 70 % or more shows: theirs keeps corners that lie outside the tile, ours is the box
                  around what shows.
background there  an object of which less than 70 % shows: theirs has no label although it is in the picture, ours has a
                  region to ignore.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from apronwatch.cli.output import print_table
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import load
from apronwatch_datasets.preparing.cutting import Cutter
from apronwatch_datasets.preparing.windows import View
from apronwatch_datasets.records import LabelledImage

SETTINGS = ((1024, 200), (512, 100), (256, 50))
IMAGES = ("P0706", "P1888")
ALIKE_PX = 0.01


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
    height, width = cv2.imread(str(cut / "images" / "train" / f"{name}.jpg")).shape[:2]
    rows = [line.split()[1:] for line in labels.read_text().splitlines()]
    return np.array(rows, dtype=np.float64).reshape(-1, 4, 2) * np.array([width, height])


def compare(image: LabelledImage, tile_px: int, gap_px: int, cut: Path) -> Compared:
    """Ours against theirs, window by window."""
    view = View(None, image.width, image.height, tile_px, gap_px)
    cutter, found = Cutter(image.objects, view, min_px=0.0), Compared()
    ours = {f"{image.name}__{tile_px}__{x}___{y}": (x, y) for x, y in view.windows()}
    names = {path.stem for path in (cut / "images" / "train").iterdir()}
    found.windows, found.same_windows = len(names | set(ours)), len(names & set(ours))
    for name, (x, y) in ours.items():
        made, theirs = cutter.cut(x, y), their_boxes(cut, name)
        found.theirs += len(theirs)
        found.regions += len(made.regions)
        whole = image.objects.polygons - np.array([x, y])
        for k, box in zip(made.index.tolist(), made.polygons, strict=True):
            is_theirs = (np.abs(theirs - whole[k]).max(axis=(1, 2)) < ALIKE_PX).any()
            if is_theirs and np.abs(box - whole[k]).max() < 1e-6:
                found.same_boxes += 1
            elif is_theirs and ((whole[k] < 0) | (whole[k] > tile_px)).any():
                found.clipped += 1
            else:
                found.unexplained += 1
        labelled = whole[made.index]
        lonely = [b for b in theirs if not (np.abs(labelled - b).max(axis=(1, 2)) < ALIKE_PX).any()]
        found.unexplained += len(lonely)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(os.environ.get("APRONWATCH_DATA", "."))
    parser.add_argument("folder", nargs="?", type=Path, default=data / "dota_samples")
    folder = parser.parse_args().folder
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "false"}
    rows, wrong = [], 0
    images = {image.name: image for image in load(adapter("dota"), folder).images}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["YOLO_CONFIG_DIR"] = scratch
        for name in IMAGES:
            for tile_px, gap_px in SETTINGS:
                root = Path(scratch) / f"{name}-{tile_px}"
                cut = split_by_ultralytics(images[name], tile_px, gap_px, root)
                found = compare(images[name], tile_px, gap_px, cut)
                wrong += found.unexplained + found.windows - found.same_windows
                numbers = (found.windows, found.same_windows, found.theirs, found.same_boxes)
                differ = (found.clipped, found.regions, found.unexplained)
                rows.append((name, f"{tile_px} / {gap_px}", *map(str, (*numbers, *differ))))
    header = (
        "image", "tile / gap", "windows", "same", "boxes", "same", "clipped here", "background there", "unexplained",
    )  # fmt: skip
    print_table(header, rows, right=range(2, 9))
    if wrong:
        raise SystemExit(f"{wrong} differences without a reason")


if __name__ == "__main__":
    main()
