"""A made dataset: pictures full of things to know again, boxes of known places."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.geometry import rotated_boxes
from apronwatch_datasets.preparing import Options, Source
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CLASSES = ("plane", "vehicle_small", "helicopter")
SMALL = Options(tile_px=128, overlap_px=48, gsds_m=(0.5,), workers=1, shares=(0.5, 0.25, 0.25))


def scenery(seed: int, width: int = 200, height: int = 160) -> NDArray[np.uint8]:
    """A picture (H, W, 3) like no other seed's: patches of ground with a grain."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 90, dtype=np.uint8)
    for _ in range(width * height // 400):
        centre = rng.uniform([0, 0], [width, height]).tolist()
        sides = rng.uniform(6, 40, 2).tolist()
        corners = cv2.boxPoints((centre, sides, float(rng.uniform(0, 180))))
        cv2.fillPoly(picture, [corners.astype(np.int32)], rng.integers(20, 235, 3).tolist())
    grain = rng.normal(0, 4, (height, width, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def write(path: Path, rgb: NDArray[np.uint8], *flags: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1], list(flags))
    return path


def boxes(seed: int, number: int, width: int, height: int) -> NDArray[np.float64]:
    """Boxes of 8 to 44 px that lie within a picture."""
    rng = np.random.default_rng(seed)
    w, h = rng.uniform(8, 40, number), rng.uniform(8, 18, number)
    reach = np.hypot(w, h) / 2
    x, y = rng.uniform(reach, width - reach), rng.uniform(reach, height - reach)
    return rotated_boxes(x, y, w, h, rng.uniform(0, np.pi, number))


CARD = Card("made", "Made images", "-", "-", "CC0", "-", frozenset({"plane", "helicopter"}), double_iou=0.99)


@dataclass(frozen=True)
class Made:
    """An adapter of images told beforehand.

    Attributes:
        images: as `read` gives them.
    """

    images: tuple[SourceImage, ...]
    CARD: Card = CARD

    def read(self, root: Path, log: Log) -> Iterator[SourceImage]:
        yield from self.images


def dataset(root: Path, number: int = 8, gsd_m: float | None = 0.5, per_image: int = 12) -> Source:
    """`number` images, two of each place."""
    images = []
    for n in range(number):
        path = write(root / f"{n:02}.png", scenery(n))
        polygons = boxes(100 + n, per_image, 200, 160)
        names = [CLASSES[k % 3] for k in range(per_image)]
        objects = SourceObjects.of(polygons, names, difficult=np.arange(per_image) == 1)
        images.append(SourceImage(f"{n:02}", path, None, objects, f"place{n // 2}", gsd_m=gsd_m))
    return Source("made", root, Made(tuple(images)))


def with_picture(
    source: Source, rgb: NDArray[np.uint8], place: str, *flags: int, suffix: str = ".png"
) -> Source:
    """The same dataset with one image more."""
    assert isinstance(source.adapter, Made)
    path = write(source.root / f"more{suffix}", rgb, *flags)
    more = SourceImage("more", path, None, SourceObjects.of(np.zeros((0, 4, 2)), []), place, gsd_m=0.5)
    return replace(source, adapter=Made((*source.adapter.images, more)))


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
