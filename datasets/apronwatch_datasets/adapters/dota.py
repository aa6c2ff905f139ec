"""DOTA 1.0, 1.5 and 2.0: large overhead images with oriented boxes in 15, 16 and 18 classes.

Get it at https://captain-whu.github.io/DOTA/dataset.html.

Layout, one folder a split::

    train/images/**/P0000.png               parts unpacked beside each other or into one folder
    train/labelTxt/*.txt                    or labelTxt-v1.0/labelTxt, labelTxt-v1.5/DOTA-v1.5_train,
                                            labelTxt-v2.0/DOTA-v2.0_train
    train/meta/*.txt                        version 2.0: GSD and date, which the labels' headers told before
    val/...
    test, test-dev, test-challenge          not labelled: passed over

or `images` and `labelTxt` alone. Of several versions beside each other the newest is read: it labels the images anew.
Horizontal hulls (`*_hbb`, `*_reclabelTxt`) are passed over. Classes go by name; versions differ in which there are
(1.5 adds container-crane, 2.0 airport and helipad). Version 1.0 leaves out objects of under 10 pixels, which 1.5 has:
where a folder's name says 1.0, small vehicles count as not labelled completely; take a later one where they matter.

All else counts as labelled completely, as its authors mean it. That does not hold in every picture: P0706, a harbour at
0.256 m labelled for its ships, has dozens of cars on a car park without a box. To have boxes of vehicles learned from,
and the rest of these pictures count as unknown, give a class map of your own by our names::

    dataset,source_class,target,reason,complete
    dota,vehicle_small,vehicle_small,,no
    dota,vehicle_large,vehicle_large,,no

A tile cut by DOTA_devkit or by Ultralytics (`P0000__1__824___0`) shares its image's place; images of one city are not
known as such. Labels of versions 1.0 and 1.5 begin with header lines, also without an object: a file without any line
is damaged, and its image is left out, not taken for empty. Tiles have no headers; nor has version 2.0, whose folder of
meta tells that it is: there such a file counts as damaged only where others have headers.

Citation: J. Ding et al., Object Detection in Aerial Images: A Large-Scale Benchmark and Challenges, TPAMI, 2021,
doi:10.1109/TPAMI.2021.3117983. Licence: academic use only, commercial use prohibited; images of Google Earth under its
terms. GSD: 0.1 to 4.5 m, in the headers, for many images.

From memory, not looked up: the DOI and the range of the GSD. The licence is as others quote the official page.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters.dota_text import image, texts
from apronwatch_datasets.adapters.pairs import match
from apronwatch_datasets.formats.dota_text import read_dota
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="dota",
    title="DOTA",
    url="https://captain-whu.github.io/DOTA/dataset.html",
    citation="J. Ding et al., Object Detection in Aerial Images: A Large-Scale Benchmark and Challenges, TPAMI, 2021, "
    "doi:10.1109/TPAMI.2021.3117983",
    licence="academic use only, commercial use prohibited; images of Google Earth under its terms",
    gsd="0.1 to 4.5 m, told for many images",
    annotated=frozenset(CLASSES),
)
LABELLED = ("train", "val")
HORIZONTAL = ("_hbb", "_reclabelTxt")
LEFT_OUT = {"1.0": frozenset({"vehicle_small"})}
"""Our classes that a version labels in part: 1.0 has no objects of under 10 pixels."""
UNHEADED = "2.0"
"""From this version on headers stand in files of their own, `meta`."""

_VERSION = re.compile(r"v(\d+\.\d+)")


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by split and name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    splits = [name for name in LABELLED if (root / name / "images").is_dir()]
    if splits:
        for name in splits:
            yield from _split(root / name, f"{name}/", log)
    elif (root / "images").is_dir():
        yield from _split(root, "", log)
    else:
        raise DatasetInvalid(
            f"{root}: no folder images, nor train/images or val/images; expected DOTA as it is unpacked: "
            f"its layout is in docs/datasets.md, the dataset at {CARD.url}"
        )


def _split(folder: Path, before: str, log: Log) -> Iterator[SourceImage]:
    labels = _newest_labels(folder)
    annotated = CARD.annotated - LEFT_OUT.get(_version(labels, folder), frozenset())
    paired = match(folder / "images", labels, log, before, flat=True)
    headed = _version(labels, folder) < UNHEADED and not (folder / "meta").is_dir()
    for pair, text in texts(paired, log, headed=headed):
        meta = folder / "meta" / f"{pair.labels.stem}.txt"
        told = read_dota(meta, log) if meta.is_file() else None
        if told is not None:
            text = replace(text, gsd_m=text.gsd_m or told.gsd_m, time=text.time or told.time)
        yield image(pair, text, annotated=annotated)


def _newest_labels(folder: Path) -> Path:
    tops = [path for path in folder.glob("labelTxt*") if path.is_dir()]
    below = [path for top in tops for path in top.iterdir() if path.is_dir()]
    found = [p for p in (*tops, *below) if any(p.glob("*.txt")) and not p.name.endswith(HORIZONTAL)]
    if not found:
        raise DatasetInvalid(
            f"{folder}: no oriented labels; expected text files in labelTxt, labelTxt-v1.0/labelTxt, "
            "labelTxt-v1.5/DOTA-v1.5_train or the like; unpack them there"
        )
    return max(found, key=lambda path: (_version(path, folder), path.as_posix()))


def _version(path: Path, folder: Path) -> str:
    """`1.0`, `1.5`, `2.0` as its folders say; empty where they do not."""
    told = _VERSION.search(path.relative_to(folder).as_posix())
    return told[1] if told else ""
