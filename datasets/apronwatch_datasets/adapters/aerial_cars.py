"""Aerial cars: frames of streets from an aeroplane and from a low drone, with horizontal boxes of vehicles.

Get it at https://github.com/jekhor/aerial-cars-dataset.

Layout::

    aerial.names                    images and labels beside each other at the root, as it is published
    MOS74.png, MOS74.txt, DJI_0005-0018.jpg, DJI_0005-0018.txt, ...

or `classes.txt`, `images` and `labels`. Labels are YOLO's; the classes are car, truck, bus, minibus, cyclist.

Places: the `MOS` frames are consecutive frames of streets, one street a size of frame. A drone's frames belong to its
video (`DJI_0005-0018` is of `DJI_0005`); its single photographs were taken around one city one after the other, and are
one place.

Citation: Y. Kharuzhy, aerial-cars-dataset; MOS frames: KIT AIS Vehicles data set, Karlsruhe Institute of
Technology. Licence: KIT AIS frames CC BY 3.0; the author's and the Minsk OpenStreetMap community's CC BY-SA; some
frames of a YouTube video under its terms, unsaid which. GSD: not told; of the MOS frames about 0.15 m.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from apronwatch_datasets.adapters.pairs import Pair, image_size, match, pairs
from apronwatch_datasets.adapters.yolo import images
from apronwatch_datasets.formats.yolo import read_names
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="aerial-cars",
    title="Aerial cars",
    url="https://github.com/jekhor/aerial-cars-dataset",
    citation="Y. Kharuzhy, aerial-cars-dataset, github.com/jekhor/aerial-cars-dataset; "
    "MOS frames: KIT AIS Vehicles data set, Karlsruhe Institute of Technology",
    licence="MOS frames CC BY 3.0; the author's own CC BY-SA; some frames of a YouTube video under its terms",
    gsd="not told; MOS frames about 0.15 m",
    annotated=frozenset({"vehicle_small", "vehicle_large"}),
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled frame, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    names = read_names(root)
    apart = (root / "images").is_dir()
    for image in images(_pairs(root, apart, log), names, log, oriented=False):
        yield replace(image, place=_place(image.name, image_size(image.path)))


def _pairs(root: Path, apart: bool, log: Log) -> Iterator[Pair]:
    return pairs(root, "labels", CARD, log) if apart else match(root, root, log)


def _place(name: str, size: tuple[int, int] | None) -> str:
    if name.startswith("MOS"):
        return "MOS" if size is None else f"MOS {size[0]}x{size[1]}"
    video, dash, _ = name.rpartition("-")
    return video if dash else "photographs"
