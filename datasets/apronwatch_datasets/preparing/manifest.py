"""What stands beside the tiles: manifest.parquet, data.yaml, prepared.json."""

import importlib.metadata
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from apronwatch import __version__
from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.dataset import Dataset
from apronwatch_datasets.faults import counted
from apronwatch_datasets.preparing.files import HASHES, MANIFEST, RECORD, Folder
from apronwatch_datasets.preparing.options import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Of prepared.json and the sidecars; a change that readers must know of raises it."""

_LATER = (*HASHES[1:], "drawn")
"""Columns that the first sets of this format lack; packing fills in the hashes."""

_NEEDED = ("image_format", "options", "splits", "notes")
_AGAIN = "prepare, pack or copy the set again"

_MADE_WITH = ("numpy", "opencv-python-headless", "rasterio", "shapely", "pyarrow")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A finished training set.

    Attributes:
        root: its folder.
        document: prepared.json.
    """

    root: Path
    document: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path) -> Self:
        """The training set in a folder.

        Raises:
            DatasetInvalid: there is none, one of another format, or one whose prepared.json is damaged.
        """
        path = root / RECORD
        if not path.is_file():
            raise DatasetInvalid(
                f"{root}: no {RECORD}; give a folder that `apronwatch data prepare` finished"
            )
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise DatasetInvalid(f"{path}: is damaged ({_line(error)}); {_AGAIN}") from error
        if not isinstance(document, dict):
            raise DatasetInvalid(f"{path}: holds {type(document).__name__}, expected an object; {_AGAIN}")
        if document.get("format") != FORMAT:
            raise DatasetInvalid(
                f"{path}: format {document.get('format')!r}, expected {FORMAT}; prepare the set again"
            )
        lacking = [name for name in _NEEDED if name not in document]
        if lacking:
            raise DatasetInvalid(f"{path}: says nothing of {', '.join(lacking)}; {_AGAIN}")
        return cls(root, document)

    @property
    def folder(self) -> Folder:
        """Its files."""
        return Folder(self.root, self.document["image_format"])

    @property
    def splits(self) -> Mapping[str, Mapping[str, Any]]:
        """Split -> number of tiles, places, and objects per class."""
        found: Mapping[str, Mapping[str, Any]] = self.document["splits"]
        return found

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know, a sentence each."""
        found: Sequence[str] = self.document["notes"]
        return found

    def rows(self) -> list[dict[str, Any]]:
        """The manifest, a row a tile in the order of split and name.

        Raises:
            DatasetInvalid: it is missing, damaged, or lacks a column that readers need.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.root / MANIFEST
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise DatasetInvalid(f"{path}: is missing or damaged ({_line(error)}); {_AGAIN}") from error
        lacking = set(_schema().names) - set(_LATER) - set(table.column_names)
        if lacking:
            raise DatasetInvalid(f"{path}: has no column {', '.join(sorted(lacking))}; {_AGAIN}")
        found: list[dict[str, Any]] = table.to_pylist()
        return found

    def absent(self, rows: Sequence[Mapping[str, Any]]) -> Path | None:
        """The first file of these rows' tiles that is not there."""
        files = (path for row in rows for path in self.folder.tile(row["split"], row["tile"]))
        return next((path for path in files if not path.is_file()), None)


def versions() -> dict[str, str]:
    """Of this package and of the libraries that tiles and manifest are made with."""
    made_with = {name: importlib.metadata.version(name) for name in _MADE_WITH}
    return {"apronwatch": __version__, **made_with}


def rows_of(parts: Sequence[Mapping[str, Any]], splits: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the manifest: each part's tiles with its split, in the order of split and name."""
    rows = [row for part, split in zip(parts, splits, strict=True) for row in _rows(part, split)]
    return sorted(rows, key=lambda row: (SPLITS.index(row["split"]), row["tile"]))


def _rows(part: Mapping[str, Any], split: str) -> Iterator[dict[str, Any]]:
    for tile in part["tiles"]:
        yield {
            "tile": tile["tile"],
            "split": split,
            **{name: part[name] for name in ("dataset", "licence", "source_image", "source_sha256")},
            **{name: tile[name] for name in HASHES},
            "place": part["place"],
            "drawn": part.get("drawn"),
            "native_gsd_m": part["native_gsd_m"],
            "gsd_m": tile["gsd_m"],
            "time": _utc(part["time"]),
            **{name: tile[name] for name in ("x0", "y0", "scale_x", "scale_y")},
            **{f"objects_{name}": n for name, n in zip(CLASSES, tile["objects"], strict=True)},
            "ignored": tile["ignored"],
            "unknown_classes": part["unknown_classes"],
        }


def _utc(text: str | None) -> datetime | None:
    """A time without a zone is UTC."""
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The manifest as the bytes of a Parquet file; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=_schema()), written, compression="zstd")
    return written.getvalue()


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int32(), pa.float64()
    return pa.schema(
        [
            *((name, text) for name in ("tile", "split", "dataset", "licence", "source_image")),
            *((name, text) for name in ("source_sha256", *HASHES, "place")),
            ("drawn", pa.bool_()),
            ("native_gsd_m", real),
            ("gsd_m", real),
            ("time", pa.timestamp("us", tz="UTC")),
            *((name, whole) for name in ("x0", "y0")),
            *((name, real) for name in ("scale_x", "scale_y")),
            *((f"objects_{name}", whole) for name in CLASSES),
            ("ignored", whole),
            ("unknown_classes", pa.list_(text)),
        ]
    )


def _line(error: Exception) -> str:
    """An error of a library in one line."""
    return " ".join(str(error).split())


def data_yaml(splits: Sequence[str]) -> bytes:
    """The file that Ultralytics trains on. Without `path`, it looks for the folders beside the file.

    It must name train and val, and both must hold tiles: a split without any borrows another's, and that is said.
    """
    first = "train" if "train" in splits else splits[0]
    asked = [
        f"{key}: images/{key}" if key in splits else f"{key}: images/{first}  # no tiles of its own"
        for key in ("train", "val")
    ]
    others = [f"{split}: images/{split}" for split in splits if split not in ("train", "val")]
    names = [f"  {k}: {name}" for k, name in enumerate(CLASSES)]
    return "\n".join([*asked, *others, "names:", *names, ""]).encode()


def document_of(
    datasets: Mapping[str, Dataset],
    parts: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    notes: Sequence[str],
) -> dict[str, Any]:
    """prepared.json."""
    return {
        "format": FORMAT,
        "image_format": options["image_format"],
        "options": dict(options),
        "versions": versions(),
        "splits": _splits(rows),
        "tally": {name: _tally(name, dataset, parts) for name, dataset in datasets.items()},
        "faults": {
            name: {kind.value: n for kind, n in counted(dataset.faults).items()}
            for name, dataset in datasets.items()
        },
        "notes": list(notes),
    }


def _splits(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for split in SPLITS:
        chosen = [row for row in rows if row["split"] == split]
        if chosen:
            made[split] = {
                "tiles": len(chosen),
                "places": len({(row["dataset"], row["place"]) for row in chosen}),
                "labels": {name: sum(row[f"objects_{name}"] for row in chosen) for name in CLASSES},
            }
    return made


def _tally(name: str, dataset: Dataset, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Source class -> what its label files hold, and what became of it.

    `written` = kept + ignored + background + dropped; under `at`, for each scale, those kept and ignored again.
    """
    made: dict[str, dict[str, Any]] = {
        source: {"written": sum(fates.values()), **fates, "at": {}}
        for source, fates in sorted(dataset.tally.items())
    }
    sums: dict[tuple[str, str], Counter[str]] = {}
    for part in parts:
        if part["dataset"] == name:
            for view, classes in part["fates"].items():
                for source, fates in classes.items():
                    sums.setdefault((source, view), Counter()).update(fates)
    for (source, view), fates in sorted(sums.items()):
        made[source]["at"][view] = dict(sorted(fates.items()))
    return made
