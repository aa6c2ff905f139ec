"""Files of a dataset's folders, and the faults that any of them may have."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

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
        elif path.stem in found:
            log.stray(path, f"a second file of the name of {found[path.stem].name}")
        else:
            found[path.stem] = path
    return found


def by_stem_of_all(folders: Iterable[Path], suffixes: Sequence[str], log: Log) -> dict[str, Path]:
    """Files of several folders, as `by_stem` has those of one; of two of one name that of the earlier folder."""
    found: dict[str, Path] = {}
    for folder in folders:
        for name, path in by_stem(folder, suffixes, log).items():
            if name in found:
                log.stray(path, f"a second file of the name of {found[name].parent.name}/{found[name].name}")
            else:
                found[name] = path
    return found


def labelled(
    images: Mapping[str, Path], labels: Mapping[str, Path], missing: Callable[[str], Path], log: Log
) -> Iterator[tuple[str, Path, Path]]:
    """Name, image and label file of each image that has labels, sorted. One without is noted and left out.

    Args:
        images: by name.
        labels: by name.
        missing: where the image of a name should be, if it is not there.
        log: takes the faults.
    """
    for name in sorted(images.keys() | labels.keys()):
        if name in labels:
            yield name, images.get(name) or missing(name), labels[name]
        else:
            unlabelled(images[name], log)


def last_part(told: str) -> str:
    """File name at the end of a path that a label file tells: what lies outside the dataset is none of it."""
    return PurePosixPath(told.replace("\\", "/")).name


def unlabelled(image: Path, log: Log, rows: Sequence[str] = ()) -> None:
    """Note an image that should have labels and has none: it is left out, for it is not empty.

    Args:
        image: its file.
        log: takes the fault.
        rows: source classes of objects that its dataset has of it all the same, while it says that they are no labels;
            they count as lost.
    """
    log.lost.update(rows)
    message = (
        f"an image told to be without labels, which has {len(rows)}" if rows else "an image without labels"
    )
    log.add(FaultKind.MISSING_LABELS, image, message, Mending.IMAGE_LEFT_OUT, objects=len(rows))


def split_lists(folder: Path, names: Iterable[str] = ("train", "val", "test")) -> dict[str, str]:
    """Published split of each image: a dataset's `train.txt`, `val.txt`, `test.txt`, one name a line."""
    splits: dict[str, str] = {}
    for split in names:
        path = folder / f"{split}.txt"
        if path.is_file():
            splits |= dict.fromkeys(path.read_text(encoding="utf-8-sig").split(), split)
    return splits
