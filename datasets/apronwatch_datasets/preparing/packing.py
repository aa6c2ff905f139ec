"""A training set as one file of limited size, to be moved to another machine."""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any

from apronwatch.errors import CallInvalid, DatasetInvalid, OutputInvalid
from apronwatch_datasets.preparing.files import DATA, HASHES, MANIFEST, RECORD, Folder
from apronwatch_datasets.preparing.manifest import Prepared, data_yaml, parquet
from apronwatch_datasets.preparing.options import SPLITS
from apronwatch_datasets.preparing.reading import read_rgb
from apronwatch_datasets.preparing.units import encode, sha256_of, source_sha256

LEAST_QUALITY = 70
"""Below it, JPEG's blocks show in small vehicles."""

STEP = 5
_THREADS = 2
_AT_ONCE = 64
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packed:
    """A packed training set.

    Attributes:
        path: the file.
        quality: of its JPEG tiles.
        tiles: how many it holds.
        bytes_on_disk: its size.
    """

    path: Path
    quality: int
    tiles: int
    bytes_on_disk: int


def pack(
    prepared_dir: Path, out_file: Path, max_mb: float, quality: int = 90, split: str | None = None
) -> Packed:
    """Put a finished training set into one file: tiles as JPEG, everything else as it is.

    The quality is lowered in steps until the file is small enough. The same set gives the same bytes. Unpacked, it
    is a training set like the one it was made from; its manifest has the SHA-256 of the JPEG tiles.

    Args:
        prepared_dir: a finished training set.
        out_file: a zip file (stored: JPEG does not shrink further).
        max_mb: it may be no larger, in 10^6 bytes.
        quality: of JPEG, at best.
        split: only the tiles of this split.

    Raises:
        CallInvalid: a quality or limit out of range, or a split without tiles.
        DatasetInvalid: no finished training set.
        OutputInvalid: the file lies in the set or is something else than a packed set; it does not fit even at the
            least quality, or cannot be written.
    """
    if not LEAST_QUALITY <= quality <= 100:
        raise CallInvalid(f"a JPEG quality of {quality}; expected {LEAST_QUALITY} to 100")
    if not (isfinite(max_mb) and max_mb > 0):
        raise CallInvalid(f"at most {max_mb} MB; expected a number above 0")
    prepared = Prepared.read(prepared_dir)
    _check_target(out_file, prepared_dir)
    rows = [row for row in prepared.rows() if split in (None, row["split"])]
    absent = prepared.absent(rows)
    if absent is not None:
        raise DatasetInvalid(f"{absent}: is gone, the manifest names it; prepare the set again")
    if not rows:
        raise CallInvalid(f"{prepared_dir}: no tiles in {split!r}; it has {', '.join(prepared.splits)}")
    try:
        out_file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".packing-", dir=out_file.parent) as beside:
            made = Path(beside) / "set"
            packed = _smallest_loss(prepared, rows, made, round(max_mb * 1e6), quality)
            made.replace(out_file)
    except OSError as error:
        raise OutputInvalid(
            f"{out_file}: cannot be written ({error.strerror or error}); give a writable folder with room"
        ) from error
    return Packed(out_file, packed, len(rows), out_file.stat().st_size)


def _check_target(out_file: Path, prepared_dir: Path) -> None:
    if out_file.resolve().is_relative_to(prepared_dir.resolve()):
        raise OutputInvalid(f"{out_file}: lies in the training set that it is to hold; give a file outside")
    if out_file.exists() and not _is_packed(out_file):
        raise OutputInvalid(f"{out_file}: exists and is no packed set; give another file, or remove it")


def _is_packed(file: Path) -> bool:
    """Whether it is a file of ours, to be written again."""
    if not file.is_file():
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return {RECORD, MANIFEST} <= set(archive.namelist())
    except zipfile.BadZipFile:
        return False


def _smallest_loss(
    prepared: Prepared, rows: Sequence[Mapping[str, Any]], path: Path, limit: int, quality: int
) -> int:
    """Writes the file with the best quality that fits, and gives it."""
    tried = quality
    while True:
        size = _write(prepared, rows, path, tried, limit)
        if size <= limit:
            return tried
        if tried == LEAST_QUALITY:
            raise OutputInvalid(
                f"{len(rows)} tiles need {size / 1e6:.1f} MB at quality {tried}, the limit is {limit / 1e6:g} MB; "
                "raise it, pack one split, or prepare fewer tiles"
            )
        tried = max(LEAST_QUALITY, tried - STEP)


def _write(
    prepared: Prepared, rows: Sequence[Mapping[str, Any]], path: Path, quality: int, limit: int
) -> int:
    """Size of the file in bytes; past the limit it is not finished, but at the least quality it is measured."""
    # What zip writes about a file: 76 bytes and its name twice.
    size, full, made = 22, False, []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for files, row in _members(prepared, rows, quality):
            made.append(row)
            size += sum(len(content) + 76 + 2 * len(name.encode()) for name, content in files.items())
            full = full or size > limit
            if full and quality > LEAST_QUALITY:
                return size
            if not full:
                for name, content in files.items():
                    _add(archive, name, content)
        for name, content in _beside(prepared, made, quality).items():
            size += len(content) + 76 + 2 * len(name.encode())
            if size <= limit:
                _add(archive, name, content)
    return size


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    archive.writestr(entry, content)


def _members(
    prepared: Prepared, rows: Sequence[Mapping[str, Any]], quality: int
) -> Iterator[tuple[dict[str, bytes], dict[str, Any]]]:
    """Of every tile, its files' bytes by name, and its new row of the manifest."""
    jpeg = Folder(Path(), "jpg")

    def encoded(row: Mapping[str, Any]) -> bytes:
        image = prepared.folder.tile(row["split"], row["tile"])[0]
        return encode(read_rgb(image), "jpg", quality)

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(rows), _AT_ONCE):
            batch = rows[start : start + _AT_ONCE]
            for row, content in zip(batch, pool.map(encoded, batch), strict=True):
                sources = prepared.folder.tile(row["split"], row["tile"])
                names = [path.as_posix() for path in jpeg.tile(row["split"], row["tile"])]
                contents = [content, *(source.read_bytes() for source in sources[1:])]
                hashes = dict(zip(HASHES, map(sha256_of, contents), strict=True))
                yield dict(zip(names, contents, strict=True)), {**row, **hashes}


def _beside(prepared: Prepared, rows: Sequence[Mapping[str, Any]], quality: int) -> dict[str, bytes]:
    """Files beside the tiles."""
    splits = {row["split"] for row in rows}
    document = {
        **prepared.document,
        "image_format": "jpg",
        "packed": {"quality": quality, "splits": sorted(splits)},
        "splits": {name: facts for name, facts in prepared.splits.items() if name in splits},
    }
    return {
        MANIFEST: parquet(rows),
        DATA: data_yaml([name for name in SPLITS if name in splits]),
        RECORD: (json.dumps(document, indent=1) + "\n").encode(),
    }


def unpack(file: Path, root: Path) -> Prepared:
    """A packed training set as a folder again; the three files of each tile are checked by the manifest's SHA-256.

    Args:
        file: what `pack` wrote.
        root: a folder that does not exist yet.

    Raises:
        OutputInvalid: the folder exists, or cannot be written.
        DatasetInvalid: the file is no packed training set, or was damaged on the way.
    """
    if root.exists():
        raise OutputInvalid(f"{root}: exists already; give a new folder")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=root.parent) as beside:
            made = Path(beside) / "set"
            _extract(file, made)
            _verify(file, made)
            made.replace(root)
    except OSError as error:
        raise OutputInvalid(f"{root}: cannot be unpacked from {file} ({error.strerror or error})") from error
    return Prepared.read(root)


def _extract(file: Path, root: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if path.is_absolute() or ".." in path.parts:
                    raise DatasetInvalid(f"{file}: names a file outside its folder ({entry.filename})")
                archive.extract(entry, root)
    except zipfile.BadZipFile as error:
        raise DatasetInvalid(
            f"{file}: no packed training set, or damaged ({error}); pack or copy it again"
        ) from error


def _verify(file: Path, root: Path) -> None:
    """The tiles are those of the manifest, and nothing else that a training would read as one."""
    prepared = Prepared.read(root)
    named: set[Path] = set()
    for row in prepared.rows():
        for path, column in zip(prepared.folder.tile(row["split"], row["tile"]), HASHES, strict=True):
            named.add(path)
            if not path.is_file() or source_sha256(path) != row.get(column):
                raise DatasetInvalid(
                    f"{file}: {path.relative_to(root)} is missing or damaged, or its hash is; pack or copy it again"
                )
    beside = [path for path in sorted(root.glob("*/*/*")) if path not in named]
    if beside:
        raise DatasetInvalid(
            f"{file}: holds {beside[0].relative_to(root)}, which its manifest does not name; pack or copy it again"
        )
