"""Files of a dataset's folders, and the faults that any of them may have."""

from collections.abc import Iterable
from pathlib import Path

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log


def first_folder(root: Path, names: Iterable[str], card: Card) -> Path:
    """The first of some folders that exists.

    Raises:
        DatasetInvalid: none does.
    """
    tried = tuple(names)
    for name in tried:
        if (root / name).is_dir():
            return root / name
    raise DatasetInvalid(
        f"{root}: no folder {' nor '.join(tried)}; expected {card.title} as it is unpacked: "
        f"its layout is in docs/datasets.md, the dataset at {card.url}"
    )


def by_stem(folder: Path, suffixes: Iterable[str], log: Log) -> dict[str, Path]:
    """Files of a folder with one of some suffixes (in any case), by their name without it, sorted.

    `._name` are notes of a Mac's archive about a file, not the file: they are named as strays.
    """
    wanted = frozenset(suffixes)
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in wanted:
            continue
        if path.name.startswith("._"):
            log.stray(path, "an AppleDouble note of a Mac's archive, no file of the dataset")
        else:
            found[path.stem] = path
    return found


def unlabelled(image: Path, log: Log) -> None:
    """Note an image that should have labels and has none: it is left out, for it is not empty."""
    log.add(FaultKind.MISSING_LABELS, image, "an image without labels", Mending.IMAGE_LEFT_OUT)


def unreadable(labels: Path, why: object, log: Log) -> None:
    """Note a label file that cannot be read as a whole."""
    log.add(FaultKind.UNREADABLE_LABELS, labels, str(why).split("\n")[0], Mending.IMAGE_LEFT_OUT)


def split_lists(folder: Path, names: Iterable[str] = ("train", "val", "test")) -> dict[str, str]:
    """Published split of each image: a dataset's `train.txt`, `val.txt`, `test.txt`, one name a line."""
    splits: dict[str, str] = {}
    for split in names:
        path = folder / f"{split}.txt"
        if path.is_file():
            splits |= dict.fromkeys(path.read_text(encoding="utf-8-sig").split(), split)
    return splits
