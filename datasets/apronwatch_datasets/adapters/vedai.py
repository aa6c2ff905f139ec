"""VEDAI: vehicles in orthophotos of Utah, each in a turned box.

Get it at https://downloads.greyc.fr/vedai/.

Layout::

    Vehicules1024/<nnnnnnnn>_co.png     colour; _ir.png, infrared, is not read
    Annotations1024/<nnnnnnnn>.txt

or the same with 512, the pictures at half the scale; 1024 is taken where both are there. A line holds 14 numbers:
centre x and y, orientation, class, whether the vehicle is wholly in the picture, whether it is hidden in part, then the
four corners, first all x, then all y. Some converters call the classes 3 to 6 tractor, camping car, motorcycle and bus:
those are 4, 5, 7 and 8. Vehicles hidden in part or not wholly in the picture are difficult.

Where a picture was taken is not told: each counts as a place of its own. Pictures without a label file were not
labelled and are left out.

Licence: for research, see the terms beside the download; imagery of the Utah Automated Geographic Reference Center.
Helicopters are not labelled. GSD: 0.125 m (1024) or 0.25 m (512).

From memory, not looked up: the GSD, the terms and the DOI.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apronwatch_datasets.adapters.folders import by_stem, first_folder, labelled
from apronwatch_datasets.formats.texts import read_table
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="vedai",
    title="VEDAI",
    url="https://downloads.greyc.fr/vedai/",
    citation="S. Razakarivony, F. Jurie, Vehicle detection in aerial imagery: A small target detection benchmark, "
    "J. Vis. Commun. Image Represent. 34, 2016, doi:10.1016/j.jvcir.2015.11.002",
    licence="for research (terms beside the download); imagery: Utah AGRC",
    gsd="0.125 m (1024 x 1024 pixels) or 0.25 m (512 x 512)",
    annotated=frozenset({"plane", "ship", "vehicle_small", "vehicle_large"}),
)
GSD_M = {1024: 0.125, 512: 0.25}
CLASS_NAMES: dict[float, str] = {
    1: "car",
    2: "truck",
    4: "tractor",
    5: "camping car",
    7: "motorcycle",
    8: "bus",
    9: "van",
    10: "other",
    11: "pickup",
    12: "large",
    23: "boat",
    31: "plane",
}
COLOUR = "_co"
_NUMBERS = 14


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled picture, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    folder = first_folder(root, (f"Annotations{size}" for size in GSD_M), CARD)
    size = int(folder.name.removeprefix("Annotations"))
    pictures = first_folder(root, (f"Vehicules{size}",), CARD)
    # Lists of the folds and one of all objects lie beside the label files.
    labels = {name: path for name, path in by_stem(folder, (".txt",), log).items() if name.isdigit()}
    images = {
        name.removesuffix(COLOUR): path
        for name, path in by_stem(pictures, (".png",), log).items()
        if name.endswith(COLOUR)
    }
    for name, image, written in labelled(images, labels, lambda name: pictures / f"{name}{COLOUR}.png", log):
        objects = _objects(written, log)
        if objects is not None:
            yield SourceImage(name, image, written, objects, name, width=size, height=size, gsd_m=GSD_M[size])


def _objects(path: Path, log: Log) -> SourceObjects | None:
    found = read_table(path, str.split, _NUMBERS, f"{_NUMBERS} numbers", log)
    if found is None:
        return None
    table, lines = found
    return SourceObjects.of(
        np.stack([table[:, 6:10], table[:, 10:14]], axis=-1),
        [CLASS_NAMES.get(k, f"{k:g}") for k in table[:, 3].tolist()],
        difficult=(table[:, 4] == 0) | (table[:, 5] == 1),
        lines=lines,
    )
