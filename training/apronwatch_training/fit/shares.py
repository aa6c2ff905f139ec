"""Which training tiles a run uses, when it takes only a share of some datasets."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from apronwatch.errors import TilesInvalid

MANIFEST = "manifest.parquet"
SUFFIXES = frozenset((".png", ".jpg"))


def pictures(folder: Path, split: str) -> list[Path]:
    """The pictures of a split, by name."""
    return sorted(path for path in (folder / "images" / split).glob("*") if path.suffix in SUFFIXES)


def chosen_tiles(folder: Path, shares: Mapping[str, float]) -> list[Path]:
    """The training pictures that are used: of each dataset that is named, this share.

    A tile is in or out by the hash of its name: the same tiles on every machine, and those of a smaller share are
    among those of a larger one.

    Args:
        folder: what `apronwatch data prepare` wrote.
        shares: of datasets, by their names in the manifest; one that is not named is used whole.

    Raises:
        TilesInvalid: there is no manifest, it lacks a tile, no tile is of a dataset named, or none is left.
    """
    every = pictures(folder, "train")
    if not shares:
        return every
    datasets = _datasets(folder)
    unknown = sorted(set(shares) - set(datasets.values()))
    if unknown:
        raise TilesInvalid(
            f"{folder}: no training tile of {', '.join(unknown)}, of which data.shares wants a share; there are "
            f"{', '.join(sorted(set(datasets.values())))}"
        )
    missing = [path.name for path in every if path.stem not in datasets]
    if missing:
        raise TilesInvalid(f"{folder / MANIFEST}: lacks {missing[0]}; prepare the tiles again")
    chosen = [path for path in every if _draw(path.stem) < shares.get(datasets[path.stem], 1.0)]
    if not chosen:
        raise TilesInvalid(
            f"{folder}: data.shares leaves none of its {len(every)} training tiles; give larger shares"
        )
    return chosen


def tiles_sha256(folder: Path, shares: Mapping[str, float]) -> str:
    """SHA-256 of the names and sizes of the training pictures that are used, and of all that is known of them.

    Raises:
        TilesInvalid: see `chosen_tiles`.
    """
    digest = hashlib.sha256()
    for picture in chosen_tiles(folder, shares):
        digest.update(f"{picture.name} {picture.stat().st_size}\n".encode())
        for kind, suffix in (("labels", "txt"), ("regions", "json")):
            told = folder / kind / "train" / f"{picture.stem}.{suffix}"
            digest.update(hashlib.sha256(told.read_bytes() if told.is_file() else b"").digest())
    return digest.hexdigest()


def _datasets(folder: Path) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / MANIFEST
    if not path.is_file():
        raise TilesInvalid(
            f"{folder}: no {MANIFEST}, which data.shares needs; prepare the tiles again, or leave it out"
        )
    try:
        rows = pq.read_table(path, columns=["tile", "dataset", "split"]).to_pydict()
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise TilesInvalid(f"{path}: cannot be read ({reason}); prepare the tiles again") from error
    return {
        tile: dataset
        for tile, dataset, split in zip(rows["tile"], rows["dataset"], rows["split"], strict=True)
        if split == "train"
    }


def _draw(name: str) -> float:
    """A number in [0, 1) that follows from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big") / 2**56
