"""What a training set is made from, and how."""

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apronwatch.errors import CallInvalid
from apronwatch_datasets.dataset import Adapter

SPLITS = ("train", "val", "test", "calibration")
"""Places go to the first three by share; to `calibration` only by name."""

FORMATS = ("png", "jpg")

_NOT_RECORDED = ("workers", "strict")
"""Options that change nothing in the tiles."""

_OF_PLACING = ("shares", "splits", "rest", "join_leaks")
"""Options that only decide which split a tile goes to."""


@dataclass(frozen=True)
class Source:
    """A dataset to read.

    Attributes:
        name: of its adapter.
        root: its folder.
        adapter: for a format of the caller's own, instead of the one of that name.
    """

    name: str
    root: Path
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Options:
    """How tiles are made.

    Attributes:
        gsds_m: metres of a tile's pixel; each image of known GSD is cut once at each. Images of unknown GSD are cut
            once, at their own pixels.
        tile_px: side of a tile.
        overlap_px: what neighbouring tiles share. None: enough for the longest aircraft at that GSD, at most half a
            tile; 200 px where the GSD is not known.
        seed: of the splits and of the choice of background tiles.
        shares: of the tiles that go to train, val and test, place by place.
        splits: CSV `dataset,place,split` of places that must go to `train`, `val`, `test` or `calibration`.
        rest: where the places go that `splits` does not name: `share` (by their share) or `train`.
        image_format: `png` (exact) or `jpg` (quality 95).
        backgrounds: share of the tiles without any object that is kept, chosen by a hash of their name.
        max_upscale: images coarser than this many times a target GSD are left out for it.
        min_px: objects whose longer side is shorter in a tile become regions to ignore.
        own_classes: a class map whose rows go before ours.
        workers: processes that cut, threads that check.
        strict: any fault in a dataset is an error.
        join_leaks: places that show the same ground are held to be one place, instead of being an error.
    """

    gsds_m: tuple[float, ...] = (0.3,)
    tile_px: int = 1024
    overlap_px: int | None = None
    seed: int = 0
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    splits: Path | None = None
    rest: str = "share"
    image_format: str = "png"
    backgrounds: float = 1.0
    max_upscale: float = 2.0
    min_px: float = 6.0
    own_classes: Path | None = None
    workers: int = 2
    strict: bool = False
    join_leaks: bool = False

    def __post_init__(self) -> None:
        for wrong, message in self._doubts():
            if wrong:
                raise CallInvalid(message)

    def _doubts(self) -> tuple[tuple[bool, str], ...]:
        shares, overlap = self.shares, self.overlap_px
        return (
            (
                not (self.gsds_m and _tell_apart(self.gsds_m) and _are_lengths(self.gsds_m)),
                f"GSDs {self.gsds_m}; expected different lengths above 0 m",
            ),
            (self.tile_px < 32, f"tiles of {self.tile_px} px; expected 32 or more"),
            (
                overlap is not None and not 0 <= overlap <= self.tile_px / 2,
                f"an overlap of {overlap} px; expected 0 to half a tile ({self.tile_px // 2} px)",
            ),
            (
                not (
                    len(shares) == 3 and min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6 and shares[0] > 0
                ),
                f"shares {shares} of train, val and test; expected three that sum to 1, some for train",
            ),
            (self.rest not in ("share", "train"), f"rest {self.rest!r}; expected 'share' or 'train'"),
            (
                self.image_format not in FORMATS,
                f"image format {self.image_format!r}; expected one of {', '.join(FORMATS)}",
            ),
            (
                not 0 <= self.backgrounds <= 1,
                f"a share of {self.backgrounds} of backgrounds; expected 0 to 1",
            ),
            (
                not 1 <= self.max_upscale < math.inf,
                f"images enlarged at most {self.max_upscale} times; expected 1 or more",
            ),
            (not 0 <= self.min_px < math.inf, f"objects from {self.min_px} px on; expected 0 or more"),
            (self.workers < 1, f"{self.workers} workers; expected 1 or more"),
        )

    def record(self) -> dict[str, Any]:
        """Everything that the output depends on, as JSON types; files by their SHA-256."""
        plain = {name: value for name, value in asdict(self).items() if name not in _NOT_RECORDED}
        for name in ("splits", "own_classes"):
            path = getattr(self, name)
            plain[name] = None if path is None else _sha256(path)
        return plain | {"gsds_m": list(self.gsds_m), "shares": list(self.shares)}

    def tiling(self) -> dict[str, Any]:
        """The part of `record` that the tiles depend on, but not their split."""
        return {name: value for name, value in self.record().items() if name not in _OF_PLACING}


def _tell_apart(gsds_m: tuple[float, ...]) -> bool:
    """Whether they differ in the names of tiles, too."""
    return len({f"{gsd_m:g}" for gsd_m in gsds_m}) == len(gsds_m)


def _are_lengths(values: tuple[float, ...]) -> bool:
    # Not `> 0` alone: all comparisons with NaN are false, and infinity is no length.
    return all(0 < value < math.inf for value in values)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CallInvalid(f"{path}: cannot be read ({error.strerror}); expected a CSV file") from error
