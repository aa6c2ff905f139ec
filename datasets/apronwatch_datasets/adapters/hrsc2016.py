"""HRSC2016: harbours and ships at sea in Google Earth, each ship in a turned box.

Get it at https://www.kaggle.com/datasets/guofeng/hrsc2016.

Layout::

    FullDataSet/AllImages/<n>.bmp
    FullDataSet/Annotations/<n>.xml
    ImageSets/train.txt, val.txt, test.txt

An object is `HRSC_Objects/HRSC_Object` with `mbox_cx`, `mbox_cy`, `mbox_w`, `mbox_h` in pixels and `mbox_ang` in
radians, turned from the x to the y axis. Whatever its `Class_ID`, it is a ship. Images that were never labelled say
`Annotated` 0 and are left out. Of which harbour an image is, its name does not tell: each counts as a place of its own.

Licence: none is stated; for research. GSD: 0.4 to 2 m; not told reliably for any one image.

From memory, not looked up: the DOI, that no licence is stated, and the GSD.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch.geometry import rotated_boxes
from apronwatch_datasets.adapters.folders import by_stem, first_folder, split_lists, unlabelled
from apronwatch_datasets.formats import xml_labels as xml
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="hrsc2016",
    title="HRSC2016",
    url="https://www.kaggle.com/datasets/guofeng/hrsc2016",
    citation="Z. Liu et al., A High Resolution Optical Satellite Image Dataset for Ship Recognition and Some New "
    "Baselines, ICPRAM 2017, doi:10.5220/0006120603240331",
    licence="none stated; for research",
    gsd="0.4 to 2 m, not told reliably per image",
    annotated=frozenset({"ship"}),
)
IMAGES, LABELS = "FullDataSet/AllImages", "FullDataSet/Annotations"


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    labels = by_stem(first_folder(root, (LABELS,), CARD), (".xml",), log)
    images = by_stem(first_folder(root, (IMAGES,), CARD), (".bmp",), log)
    splits = split_lists(root / "ImageSets")
    for name in sorted(images.keys() | labels.keys()):
        image = images.get(name, root / IMAGES / f"{name}.bmp")
        tree = xml.read_root(labels[name], log) if name in labels else None
        if name not in labels or (tree is not None and (tree.findtext("Annotated") or "").strip() == "0"):
            unlabelled(image, log)
        elif tree is not None:
            elements = tree.findall("HRSC_Objects/HRSC_Object")
            yield SourceImage(
                name,
                image,
                labels[name],
                xml.objects(elements, _class, _corners, labels[name], log),
                name,
                *xml.size(tree, "Img_SizeWidth", "Img_SizeHeight"),
                published_split=splits.get(name),
            )


def _class(element: xml.Element) -> str:
    return "ship"


def _corners(element: xml.Element) -> NDArray[np.float64]:
    numbers = (xml.number(element, f"mbox_{tag}") for tag in ("cx", "cy", "w", "h", "ang"))
    box: NDArray[np.float64] = rotated_boxes(*numbers)[0]
    return box
