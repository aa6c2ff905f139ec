"""Where the files of a training set lie, while it is made and when it is done."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apronwatch.errors import OutputInvalid

RECORD = "prepared.json"
MANIFEST = "manifest.parquet"
DATA = "data.yaml"

_KINDS = ("images", "labels", "regions")
HASHES = ("tile_sha256", "labels_sha256", "regions_sha256")
"""As the manifest calls the hashes of a tile's image, labels and regions."""

_HIDDEN = ".preparing"


@dataclass(frozen=True)
class Folder:
    """A folder of tiles.

    Attributes:
        root: the folder.
        image_format: suffix of its tiles.
    """

    root: Path
    image_format: str

    @property
    def work(self) -> Path:
        """What is not done yet; it is gone when everything is."""
        return self.root / _HIDDEN

    @property
    def begun(self) -> Path:
        """Says what is being made here."""
        return self.work / "begun.json"

    @property
    def compared(self) -> Path:
        """Pairs of images that were found to show the same ground."""
        return self.work / "compared.json"

    @property
    def record(self) -> Path:
        """Says what was made here, written last."""
        return self.root / RECORD

    def part(self, unit: str) -> Path:
        """The record of a unit's tiles."""
        return self.work / "parts" / f"{unit}.json"

    def staged(self, tile: str) -> tuple[Path, Path, Path]:
        """Image, labels and regions of a tile whose split is not known yet."""
        return self._files(self.work / "tiles", "", tile)

    def tile(self, split: str, tile: str) -> tuple[Path, Path, Path]:
        """Image, labels and regions of a tile."""
        return self._files(self.root, split, tile)

    def _files(self, root: Path, split: str, tile: str) -> tuple[Path, Path, Path]:
        suffixes = (self.image_format, "txt", "json")
        image, labels, regions = (
            root / kind / split / f"{tile}.{suffix}" for kind, suffix in zip(_KINDS, suffixes, strict=True)
        )
        return image, labels, regions

    def place(self, split: str, tile: str) -> None:
        """Move a staged tile to its split; one that is there already stays.

        Raises:
            OutputInvalid: it is in neither place, or cannot be moved.
        """
        for source, target in zip(self.staged(tile), self.tile(split, tile), strict=True):
            with _writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    source.replace(target)
                except FileNotFoundError as error:
                    if not target.is_file():
                        raise OutputInvalid(
                            f"{self.root}: {target.name} was made and is gone; remove the folder and prepare again"
                        ) from error

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of this folder that appears whole or not at all.

        Raises:
            OutputInvalid: it cannot be written.
        """
        # Under `work`, so that what a killed run leaves goes with it. An orphan of that run may still be writing.
        temporary = self.work / "unfinished" / f"{path.name}.{os.getpid()}"
        with _writing(path):
            for folder in (temporary.parent, path.parent):
                folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)

    def remove(self, path: Path) -> None:
        """Remove a file of this folder, if it is there.

        Raises:
            OutputInvalid: it cannot be removed.
        """
        with _writing(path):
            path.unlink(missing_ok=True)

    def told(self, path: Path) -> dict[str, Any]:
        """What a file says that `write` put here.

        Raises:
            OutputInvalid: it is gone or damaged.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError(f"holds {type(found).__name__}, expected an object")
        except (OSError, ValueError, RecursionError) as error:
            raise OutputInvalid(
                f"{path}: is damaged ({error}); remove {self.root} and prepare again"
            ) from error
        return found

    def check(self, sources: Sequence[Path]) -> None:
        """Refuse a folder that cannot become a training set of what lies in these folders.

        Raises:
            OutputInvalid: it lies in one of them, is a file, cannot be written, or holds something else.
        """
        for source in sources:
            if self.root.resolve().is_relative_to(source.resolve()):
                raise OutputInvalid(
                    f"{self.root}: lies in the dataset {source}, whose files it would mix with; give a folder outside"
                )
        if self.record.is_file():
            return
        there = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        if not there.is_dir():
            raise OutputInvalid(f"{there}: is a file; give another folder than {self.root}")
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputInvalid(
                f"{there}: cannot be written; give a writable folder, or change its permissions"
            )
        if there == self.root and not self.begun.is_file() and not self._is_free():
            raise OutputInvalid(f"{self.root}: is not an empty folder; give a new one, or empty it")

    def _is_free(self) -> bool:
        """Whether nothing is here but what a run left that was killed before it said what it makes."""
        return all(path == self.work for path in self.root.iterdir())

    def tidy(self) -> None:
        """Remove what only the making needed."""
        shutil.rmtree(self.work, ignore_errors=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tells of a file that cannot be written in one line."""
    try:
        yield
    except OSError as error:
        raise OutputInvalid(
            f"{path}: cannot be written ({error.strerror or error}); give a writable folder with room"
        ) from error
