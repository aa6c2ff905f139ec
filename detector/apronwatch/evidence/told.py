"""What the words of an evidence folder are about, and what its files are called."""

from dataclasses import dataclass, replace
from typing import Self

from apronwatch.report.looks import Look

README = "README.txt"
COUNTS = "counts.json"
SCENES = "scenes.csv"
SITES = "sites.geojson"


@dataclass(frozen=True)
class MaskTold:
    """What was laid over a frame.

    Attributes:
        file: the user's mask, by its name in the folder; None without one.
        hides: which of its values hide; None for a mask that says it itself.
        item: whether the masks of the scene's STAC item were heeded.
    """

    file: str | None
    hides: tuple[int, ...] | None
    item: bool

    def within(self, folder: str) -> Self:
        """The same, with the file's name from outside a folder."""
        return replace(self, file=f"{folder}/{self.file}" if self.file else None)


NO_MASK = MaskTold(None, None, False)


@dataclass(frozen=True)
class FileTold:
    """A file that a STAC item names.

    Attributes:
        name: its name without folders, or its address.
        sha256: None for a remote one.
    """

    name: str
    sha256: str | None


@dataclass(frozen=True)
class ItemTold:
    """The STAC item by which a frame's picture was found.

    Attributes:
        name, sha256: of its file.
        picture: that it names.
        masks: likewise.
        fixed: it names one of them by a place on the machine where it lay, which no other has.
    """

    name: str
    sha256: str
    picture: FileTold
    masks: tuple[FileTold, ...]
    fixed: bool


@dataclass(frozen=True)
class Told:
    """What the words are about.

    Attributes:
        look: with its runs, one a frame, without folders of this machine.
        masks: per frame, its masks; None where they are not at hand.
        items: per frame, its STAC item; None without one, or where it is not at hand.
        pictures: per frame, why there are no chips; empty where there are.
        model_option: how the weights are named to the program.
        card: the model card's name in the folder.
        calibrated: the calibration that its estimates rest on lies with each frame.
    """

    look: Look
    masks: tuple[MaskTold | None, ...]
    items: tuple[ItemTold | None, ...]
    pictures: tuple[str, ...]
    model_option: tuple[str, ...]
    card: str | None
    calibrated: bool = False
