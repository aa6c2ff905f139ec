"""Datasets in, training tiles out. What is written, and what it means: docs/training-tiles.md."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from apronwatch.errors import CallInvalid, DatasetInvalid, OutputInvalid
from apronwatch_datasets.dataset import Dataset
from apronwatch_datasets.preparing.files import DATA, MANIFEST, Folder
from apronwatch_datasets.preparing.loading import (
    Need,
    Progress,
    check_room,
    estimate,
    fingerprint,
    load_sources,
    units_of,
)
from apronwatch_datasets.preparing.manifest import Prepared, data_yaml, document_of, parquet, rows_of
from apronwatch_datasets.preparing.notes import notes_of
from apronwatch_datasets.preparing.options import SPLITS, Options, Source
from apronwatch_datasets.preparing.placing import place_of, splits_of
from apronwatch_datasets.preparing.pool import make_all
from apronwatch_datasets.preparing.splits import Place, read_splits
from apronwatch_datasets.preparing.units import Unit, records, source_sha256


def prepare(
    sources: Sequence[Source],
    out: Path,
    options: Options,
    progress: Progress | None = None,
    announce: Callable[[Need], None] | None = None,
) -> Prepared:
    """Make training tiles of labelled images.

    The same sources and options give the same bytes, whatever the number of workers. A run that was interrupted, by
    whatever, is taken up where it stopped when it is called again with the same sources and options.

    Args:
        sources: the datasets.
        out: an empty folder, a new one, or one where the same was begun or made.
        options: how.
        progress: told of what is done.
        announce: told what will be needed, before anything is written.

    Raises:
        DatasetInvalid, ClassMapInvalid, CallInvalid: a source or an option is wrong, or no tile comes of them;
            nothing was written.
        OutputInvalid: something else is in the folder, it lies in a source, or the disk is too small; or it could not
            be written.
        LeakFound: images of different splits show the same ground. The tiles are kept for a call with other splits
            or with `join_leaks`; all pairs stand in `leaks.csv` in the folder.
    """
    folder = Folder(out, options.image_format)
    folder.check([source.root for source in sources])
    datasets = load_sources(sources, options, progress)
    units = units_of(datasets, options, folder)
    named = _named(units, options)
    need = estimate(datasets, options)
    _check_need(need, sources, options)
    if announce is not None:
        announce(need)
    tiling = fingerprint(units, options.tiling())
    whole = fingerprint(units, options.record())
    if folder.record.is_file():
        return _finished(folder, whole, units)
    if _is_placing(folder, tiling, whole):
        _check_sources(folder, units, records(folder, [unit.name for unit in units]))
    else:
        check_room(units, options, out)
        _begin(folder, {"tiling": tiling})
        make_all(units, options.workers, progress)
    return _place(datasets, units, named, options, folder, {"tiling": tiling, "whole": whole}, progress)


def _check_need(need: Need, sources: Sequence[Source], options: Options) -> None:
    """Raises `DatasetInvalid` without an image that can be used, `CallInvalid` without a tile to be made of them."""
    if not need.images:
        roots = ", ".join(str(source.root) for source in sources)
        raise DatasetInvalid(f"{roots}: no image that can be used; `apronwatch data verify` says why")
    if not need.tiles:
        told = ", ".join(f"{gsd_m:g}" for gsd_m in options.gsds_m)
        raise CallInvalid(
            f"no image gives a tile at {told} m: all are coarser than {options.max_upscale:g} times that; "
            "give a coarser GSD, or allow more upscaling"
        )


def _named(units: Sequence[Unit], options: Options) -> dict[Place, str]:
    places = sorted({place_of(unit) for unit in units})
    return {} if options.splits is None else read_splits(options.splits, places)


def _finished(folder: Folder, whole: str, units: Sequence[Unit]) -> Prepared:
    """The training set that is there, if it is the one that is asked for.

    Raises:
        OutputInvalid: it is not.
    """
    prepared = Prepared.read(folder.root)
    if prepared.document["fingerprint"] != whole:
        raise OutputInvalid(
            f"{folder.root}: holds a training set of other sources or options, or made by other versions; "
            "give another folder, or remove it"
        )
    rows = prepared.rows()
    _check_sources(folder, units, rows)
    absent = prepared.absent(rows)
    if absent is not None:
        raise OutputInvalid(
            f"{folder.root}: {absent.name} was made and is gone; remove the folder and prepare again"
        )
    folder.tidy()
    return prepared


def _check_sources(folder: Folder, units: Sequence[Unit], cut_from: Iterable[Mapping[str, Any]]) -> None:
    """Each image is still the one that its tiles were cut from.

    Raises:
        OutputInvalid: one has changed.
    """
    cut = {(facts["dataset"], facts["source_image"]): facts["source_sha256"] for facts in cut_from}
    for unit in units:
        path, then = unit.image.path, cut.get((unit.dataset, unit.image.name))
        if then is not None and then != source_sha256(path):
            raise OutputInvalid(
                f"{folder.root}: {path} has changed since its tiles were made; give another folder, or remove this one"
            )


def _is_placing(folder: Folder, tiling: str, whole: str) -> bool:
    """Whether all tiles are made here and some may have gone to their splits.

    Raises:
        OutputInvalid: something else was begun here.
    """
    if not folder.begun.is_file():
        folder.tidy()
        return False
    begun = folder.told(folder.begun)
    if begun.get("tiling") != tiling or begun.get("whole", whole) != whole:
        raise OutputInvalid(
            f"{folder.root}: other sources or options were begun here, or by other versions; give the same ones, "
            "or remove the folder"
        )
    return "whole" in begun


def _begin(folder: Folder, facts: Mapping[str, str]) -> None:
    folder.write(folder.begun, json.dumps(facts).encode())


def _place(
    datasets: Mapping[str, Dataset],
    units: Sequence[Unit],
    named: Mapping[Place, str],
    options: Options,
    folder: Folder,
    begun: Mapping[str, str],
    progress: Progress | None,
) -> Prepared:
    """Each tile to the split of its place, and what stands beside the tiles."""
    parts = list(records(folder, [unit.name for unit in units]))
    if not any(part["tiles"] for part in parts):
        folder.tidy()
        raise DatasetInvalid(
            f"no tile to keep: none shows an object, and of those that show ground a share of {options.backgrounds:g} "
            "is kept; keep more backgrounds, or give other images"
        )
    chosen, notes = splits_of(units, parts, named, options, folder, progress)
    splits = [chosen[place_of(unit)] for unit in units]
    rows = rows_of(parts, splits)
    shown = _shown([row["split"] for row in rows])
    _begin(folder, begun)
    for row in rows:
        folder.place(row["split"], row["tile"])
    folder.write(folder.root / MANIFEST, parquet(rows))
    folder.write(folder.root / DATA, data_yaml(shown))
    notes = [*notes, *notes_of(parts, rows, options)]
    document = document_of(datasets, parts, rows, options.record(), notes) | {"fingerprint": begun["whole"]}
    folder.write(folder.record, (json.dumps(document, indent=1) + "\n").encode())
    folder.tidy()
    return Prepared(folder.root, document)


def _shown(splits: Sequence[str]) -> tuple[str, ...]:
    """The splits that hold a tile, in their usual order."""
    return tuple(split for split in SPLITS if split in splits)
